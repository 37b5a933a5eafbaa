-- The detections: what came in. Only imports write here. Times are unix milliseconds (UTC), days
-- are 'YYYY-MM-DD' in the contract's time zone. Names are kept as received, but for control
-- characters and runs of white space.
--
-- A machine is found by its endpoint_id (an agent's GUID, '' where the source gives none), else by
-- its name as store.Fold folds it.

-- +goose Up

-- A contract is known outside by its id; the rows below hold its short key.
CREATE TABLE contracts (
  key           INTEGER PRIMARY KEY,
  id            TEXT    NOT NULL UNIQUE
                CHECK (length(id) BETWEEN 1 AND 64 AND id NOT GLOB '*[^A-Za-z0-9._-]*' AND id NOT GLOB '.*'),
  name          TEXT    NOT NULL CHECK (name <> ''),
  folded        TEXT    NOT NULL, -- name as store.Fold folds it, for who searches
  product       TEXT    NOT NULL CHECK (product IN ('antivirus', 'security_package')),
  edr           INTEGER NOT NULL CHECK (edr IN (0, 1)),
  url_filtering INTEGER NOT NULL CHECK (url_filtering IN (0, 1)),
  licences      INTEGER NOT NULL CHECK (licences >= 0),
  timezone      TEXT    NOT NULL CHECK (timezone <> ''),
  brand         TEXT    NOT NULL, -- '' for the default
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

-- The inventory: one row for each machine, spelled as the newest row spelled it.
CREATE TABLE endpoints (
  contract     INTEGER NOT NULL REFERENCES contracts (key),
  folded       TEXT    NOT NULL, -- name as store.Fold folds it
  endpoint_id  TEXT    NOT NULL,
  name         TEXT    NOT NULL CHECK (name <> ''),
  class        TEXT    NOT NULL CHECK (class IN ('desktop', 'server', 'mobile', 'unknown')),
  os           TEXT    NOT NULL,
  installed_at INTEGER NOT NULL,
  removed_at   INTEGER, -- NULL while it is installed
  PRIMARY KEY (contract, folded, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX endpoints_id ON endpoints (contract, endpoint_id) WHERE endpoint_id <> '';
CREATE INDEX endpoints_named ON endpoints (folded); -- whose machine is it?

-- The machines that rows named and no entry of the inventory fitted when they were imported.
CREATE TABLE outside (
  contract INTEGER NOT NULL REFERENCES contracts (key),
  machine  TEXT    NOT NULL, -- as in agent_status
  name     TEXT    NOT NULL,
  rows     INTEGER NOT NULL, -- of the import that named it last
  seen_at  INTEGER NOT NULL, -- when that was
  PRIMARY KEY (contract, machine)
) STRICT, WITHOUT ROWID;

-- Daily snapshots of agents. By machine first: a month of one machine is one short range, and
-- the newest snapshot before it is the row in front, however many years of snapshots there are.
CREATE TABLE agent_status (
  contract            INTEGER NOT NULL REFERENCES contracts (key),
  machine             TEXT    NOT NULL, -- 'ID:' and the endpoint_id, else the folded name: store.Machine.Key
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
  PRIMARY KEY (contract, machine, day)
) STRICT, WITHOUT ROWID;

-- A detection is one and the same by contract, feature and id, whatever its time: a later row of it
-- replaces the outcome or corrects the time. It is found by identity, a number made of feature and
-- id, because an index of the texts themselves would be as large as half the table.
--
-- Clustered so that one contract's month is one short range of the table itself. The other way, a
-- rowid table with an index, reads one page for nearly every row: measured 50 times slower cold.
-- The CHECKs are chains of OR because SQLite builds a table for each IN list anew with every
-- statement, which doubles the time of an import.
CREATE TABLE detections (
  contract INTEGER NOT NULL REFERENCES contracts (key),
  time     INTEGER NOT NULL, -- when it happened on the endpoint (生成), or when it was received, see misdated
  identity INTEGER NOT NULL,
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
  endpoint_id TEXT NOT NULL,
  misdated INTEGER,          -- the time as reported by a clock that was wrong, and NULL otherwise
  PRIMARY KEY (contract, time, identity),
  UNIQUE (contract, identity)
) STRICT, WITHOUT ROWID;

-- The rows whose clock was wrong, for geppo check.
CREATE INDEX detections_misdated ON detections (contract, time) WHERE misdated IS NOT NULL;

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
  updated  INTEGER,          -- when its status was set; NULL: not reported
  status   TEXT    NOT NULL, -- new, in_progress, closed, or as received
  endpoints TEXT   NOT NULL CHECK (json_type(endpoints) = 'array'), -- [{"id", "name"}]
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
  feed           TEXT    NOT NULL, -- what the files of one source have in common: store.Feed; '' once it was forgotten
  file           TEXT    NOT NULL,
  size           INTEGER,          -- in bytes; NULL: not known, as of standard input
  sha256         BLOB    CHECK (length(sha256) = 32), -- NULL: not known
  format         TEXT    NOT NULL,
  read_rows      INTEGER NOT NULL CHECK (read_rows >= 0),
  new_rows       INTEGER NOT NULL CHECK (new_rows >= 0),
  changed_rows   INTEGER NOT NULL CHECK (changed_rows >= 0),
  duplicate_rows INTEGER NOT NULL CHECK (duplicate_rows >= 0),
  rejected_rows  INTEGER NOT NULL CHECK (rejected_rows >= 0),
  not_reported   TEXT    NOT NULL CHECK (json_type(not_reported) = 'object'), -- {"class": rows}
  warnings       TEXT    NOT NULL CHECK (json_type(warnings) = 'object')      -- {"kind": rows}
) STRICT;

-- Which months of a contract an import told something of that was not known: a report that was frozen before it may
-- say something else today. Months are those of the westernmost zone, so never later than the contract's own; '' is
-- any month.
CREATE TABLE changed (
  contract   INTEGER NOT NULL REFERENCES contracts (key),
  month      TEXT    NOT NULL CHECK (month = '' OR month GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  import     INTEGER NOT NULL REFERENCES imports (key), -- the last one
  changed_at INTEGER NOT NULL,
  PRIMARY KEY (contract, month)
) STRICT, WITHOUT ROWID;

-- The months that a detection has left because its time was corrected, until the import's end.
CREATE TABLE moved (contract INTEGER NOT NULL, month TEXT NOT NULL, PRIMARY KEY (contract, month)) STRICT, WITHOUT ROWID;
-- +goose StatementBegin
CREATE TRIGGER detections_moved AFTER UPDATE OF time ON detections WHEN old.time <> new.time BEGIN
  INSERT INTO moved (contract, month) VALUES (old.contract, strftime('%Y-%m', old.time / 1000 - 43200, 'unixepoch')) ON CONFLICT DO NOTHING;
END;
-- +goose StatementEnd
CREATE INDEX imports_finished ON imports (finished_at);
CREATE INDEX imports_feed ON imports (feed, finished_at);
CREATE INDEX imports_file ON imports (file, sha256) WHERE sha256 IS NOT NULL;
