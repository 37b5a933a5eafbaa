-- The detections: what came in. Only imports write here. Times are unix milliseconds (UTC), days
-- are 'YYYY-MM-DD' in the contract's time zone. Names are kept as received.

-- +goose Up

-- A contract is known outside by its id; the rows below hold its short key.
CREATE TABLE contracts (
  key           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE
                CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9._-]*' AND id NOT GLOB '.*'),
  name          TEXT    NOT NULL CHECK (name <> ''),
  product       TEXT    NOT NULL CHECK (product IN ('antivirus', 'security_package')),
  edr           INTEGER NOT NULL CHECK (edr IN (0, 1)),
  url_filtering INTEGER NOT NULL CHECK (url_filtering IN (0, 1)),
  licences      INTEGER NOT NULL CHECK (licences >= 0),
  timezone      TEXT    NOT NULL CHECK (timezone <> ''),
  since         TEXT    NOT NULL CHECK (since GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  ends          TEXT             CHECK (ends GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]' AND ends >= since)
) STRICT;

-- The addresses that the contract's own data names. What operators and bounces say of an address
-- stands in the ledger, where no import reaches it.
CREATE TABLE recipients (
  contract INTEGER NOT NULL REFERENCES contracts (key),
  address  TEXT    NOT NULL CHECK (address <> ''),
  name     TEXT    NOT NULL,
  PRIMARY KEY (contract, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
  contract     INTEGER NOT NULL REFERENCES contracts (key),
  name         TEXT    NOT NULL CHECK (name <> ''),
  class        TEXT    NOT NULL CHECK (class IN ('desktop', 'server', 'mobile', 'unknown')),
  os           TEXT    NOT NULL,
  installed_at INTEGER NOT NULL,
  removed_at   INTEGER, -- NULL while it is installed
  PRIMARY KEY (contract, name)
) STRICT, WITHOUT ROWID;

-- Daily snapshots of agents. By endpoint first: a month of one endpoint is one short range, and
-- the newest snapshot before it is the row in front, however many years of snapshots there are.
CREATE TABLE agent_status (
  contract            INTEGER NOT NULL REFERENCES contracts (key),
  endpoint            TEXT    NOT NULL CHECK (endpoint <> ''),
  day                 TEXT    NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  last_seen           INTEGER NOT NULL,
  pattern_current     INTEGER CHECK (pattern_current IN (0, 1)), -- NULL: not reported
  os                  TEXT    NOT NULL,
  os_supported        INTEGER CHECK (os_supported IN (0, 1)),    -- NULL: not reported
  realtime_scan       TEXT    NOT NULL CHECK (realtime_scan = 'on' OR realtime_scan = 'off' OR realtime_scan = 'unknown'),
  behavior_monitoring TEXT    NOT NULL CHECK (behavior_monitoring = 'on' OR behavior_monitoring = 'off' OR behavior_monitoring = 'unknown'),
  machine_learning    TEXT    NOT NULL CHECK (machine_learning = 'on' OR machine_learning = 'off' OR machine_learning = 'unknown'),
  web_reputation      TEXT    NOT NULL CHECK (web_reputation = 'on' OR web_reputation = 'off' OR web_reputation = 'unknown'),
  edr                 TEXT    NOT NULL CHECK (edr = 'on' OR edr = 'off' OR edr = 'unknown'),
  PRIMARY KEY (contract, endpoint, day)
) STRICT, WITHOUT ROWID;

-- Clustered so that one contract's month is one short range of the table itself. The other way, a
-- rowid table with an index, reads one page for nearly every row: measured 50 times slower cold.
-- The CHECKs are chains of OR because SQLite builds a table for each IN list anew with every
-- statement, which doubles the time of an import.
CREATE TABLE detections (
  contract INTEGER NOT NULL REFERENCES contracts (key),
  time     INTEGER NOT NULL, -- when it happened on the endpoint (生成)
  id       TEXT    NOT NULL CHECK (id <> ''),
  feature  TEXT    NOT NULL CHECK (
             feature = 'virus' OR feature = 'spyware' OR feature = 'web_reputation' OR feature = 'behavior_monitoring'
             OR feature = 'url_filtering' OR feature = 'network_virus' OR feature = 'machine_learning'
             OR feature = 'device_control' OR feature = 'application_control' OR feature = 'dlp'),
  class    TEXT    NOT NULL CHECK (class = 'desktop' OR class = 'server' OR class = 'mobile' OR class = 'unknown'),
  count    INTEGER NOT NULL CHECK (count >= 1),
  endpoint TEXT    NOT NULL,
  name     TEXT    NOT NULL,
  result   TEXT    NOT NULL, -- as received; '' where the feature has none
  received INTEGER,          -- NULL: not reported
  path     TEXT    NOT NULL, -- '' where there is none
  PRIMARY KEY (contract, time, id)
) STRICT, WITHOUT ROWID;

-- Results that the report can only count as unknown (その他). There are few or none, so that
-- geppo check lists them without reading the whole table.
CREATE INDEX detections_unknown_result ON detections (feature, result)
  WHERE feature = 'virus' AND result <> 'cleaned' AND result <> 'deleted' AND result <> 'quarantined' AND result <> 'renamed'
                            AND result <> 'passed' AND result <> 'uncleanable' AND result <> 'unknown'
     OR feature = 'spyware' AND result <> 'cleaned' AND result <> 'noncleaned' AND result <> 'reboot' AND result <> 'unsafe'
                            AND result <> 'unknown';

CREATE TABLE edr_events (
  key      INTEGER PRIMARY KEY,
  contract INTEGER NOT NULL REFERENCES contracts (key),
  id       TEXT    NOT NULL CHECK (id <> ''),
  time     INTEGER NOT NULL,
  endpoint TEXT    NOT NULL,
  status   TEXT    NOT NULL, -- new, in_progress, closed, or as received
  objects  TEXT    NOT NULL CHECK (json_type(objects) = 'array'), -- [{"name", "type", "result"}]
  UNIQUE (contract, id)
) STRICT;
CREATE INDEX edr_events_time ON edr_events (contract, time);

-- The days for which the operator's feed of a contract is known to be complete.
CREATE TABLE coverage (
  contract INTEGER NOT NULL REFERENCES contracts (key),
  day      TEXT    NOT NULL CHECK (day GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]'),
  PRIMARY KEY (contract, day)
) STRICT, WITHOUT ROWID;

-- Imports that were kept: each row was written in the transaction that wrote its file's rows.
CREATE TABLE imports (
  key            INTEGER PRIMARY KEY,
  started_at     INTEGER NOT NULL,
  finished_at    INTEGER NOT NULL,
  file           TEXT    NOT NULL,
  format         TEXT    NOT NULL,
  read_rows      INTEGER NOT NULL CHECK (read_rows >= 0),
  new_rows       INTEGER NOT NULL CHECK (new_rows >= 0),
  duplicate_rows INTEGER NOT NULL CHECK (duplicate_rows >= 0),
  rejected_rows  INTEGER NOT NULL CHECK (rejected_rows >= 0)
) STRICT;
CREATE INDEX imports_finished ON imports (finished_at);
