-- The ledger: what geppo did. Times are unix milliseconds (UTC), periods 'YYYY-MM'.
-- A row that is done is history: nothing but its own delivery's next attempt writes beside it.
-- A mailbox is an address in the one form by which addresses are compared (store.Mailbox); what is written
-- to and shown is the address as it was given.

-- +goose Up

-- A run is one planning: by the schedule, by `geppo run` or by `geppo resend`.
CREATE TABLE runs (
  id           INTEGER PRIMARY KEY,
  kind         TEXT    NOT NULL CHECK (kind IN ('schedule', 'run', 'resend')),
  period       TEXT    NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  started_at   INTEGER NOT NULL,
  finished_at  INTEGER CHECK (finished_at >= started_at),
  requested_by TEXT    NOT NULL,
  reason       TEXT    NOT NULL DEFAULT '',
  planned      INTEGER NOT NULL DEFAULT 0 CHECK (planned >= 0),
  cancelled    INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0),
  whole        INTEGER NOT NULL DEFAULT 0 CHECK (whole IN (0, 1)), -- of all contracts: it tells again what an earlier one could not plan
  approval     TEXT    NOT NULL DEFAULT 'none' CHECK (approval IN ('none', 'canary', 'full')), -- as it was planned
  summarised_at INTEGER, -- when the operators were told how it ended
  asked_at     INTEGER, -- when they were told that its mail awaits their approval
  CHECK (summarised_at IS NULL OR finished_at IS NOT NULL)
) STRICT;
CREATE INDEX runs_open ON runs (id) WHERE summarised_at IS NULL;

-- Contracts that a run did not plan: one without a usable address is an error of the run, one without
-- data for the period waits.
CREATE TABLE run_errors (
  run      INTEGER NOT NULL REFERENCES runs (id),
  contract TEXT    NOT NULL,
  kind     TEXT    NOT NULL DEFAULT 'unreachable' CHECK (kind IN ('unreachable', 'waiting')),
  reason   TEXT    NOT NULL,
  PRIMARY KEY (run, contract)
) STRICT, WITHOUT ROWID;

-- The schedule's fires, so that a missed one is seen after a restart. The baseline is the first start
-- of a daemon: nothing before it is caught up.
CREATE TABLE fires (
  due_at   INTEGER PRIMARY KEY,
  period   TEXT    NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  state    TEXT    NOT NULL CHECK (state IN ('baseline', 'waiting', 'planned', 'missed')),
  tried_at INTEGER, -- when a waiting fire was last tried
  run      INTEGER REFERENCES runs (id), -- of a waiting one: the run that knows which contracts wait
  CHECK (run IS NOT NULL OR state <> 'planned')
) STRICT;
CREATE INDEX fires_open ON fires (due_at) WHERE state IN ('waiting', 'missed');

-- When this machine's clock was last believed, and up to when an operator has vouched for it.
CREATE TABLE clock (
  one        INTEGER PRIMARY KEY CHECK (one = 1),
  seen_at    INTEGER NOT NULL,
  vouched_at INTEGER NOT NULL DEFAULT 0,
  excused    INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Reports as they were first computed; they never change, a correction is a new revision.
CREATE TABLE reports (
  contract    TEXT    NOT NULL,
  period      TEXT    NOT NULL,
  revision    INTEGER NOT NULL CHECK (revision >= 1),
  computed_at INTEGER NOT NULL,
  import      INTEGER NOT NULL DEFAULT 0, -- the newest of the detections when it was computed; 0: none, or not known
  json_gz     BLOB    NOT NULL, -- report.json, gzip
  PRIMARY KEY (contract, period, revision)
) STRICT;
CREATE INDEX reports_of_period ON reports (period, contract, revision, computed_at, import); -- so that a list reads none of the reports

-- What the support desk must follow up, by the frozen report that says so: its list reads no report.
CREATE TABLE followups (
  period    TEXT    NOT NULL,
  contract  TEXT    NOT NULL,
  revision  INTEGER NOT NULL,
  line      INTEGER NOT NULL,
  feature   TEXT    NOT NULL,
  result    TEXT    NOT NULL,
  endpoint  TEXT    NOT NULL,
  name      TEXT    NOT NULL,
  count     INTEGER NOT NULL,
  first_day TEXT    NOT NULL,
  last_day  TEXT    NOT NULL,
  PRIMARY KEY (period, contract, revision, line),
  FOREIGN KEY (contract, period, revision) REFERENCES reports (contract, period, revision) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Who sends: a row for each process that may claim, while it lives and as long as something is in its hands. Times are of
-- the database's clock, in milliseconds.
CREATE TABLE workers (
  id         INTEGER PRIMARY KEY,
  name       TEXT    NOT NULL, -- of the machine, or as it is configured
  host       TEXT    NOT NULL, -- where one of its name can be known to be dead
  build      TEXT    NOT NULL,
  grace_ms   INTEGER NOT NULL, -- so long after its last heartbeat it hands nothing over any more
  started_at INTEGER NOT NULL,
  beat_at    INTEGER NOT NULL  -- 0: surely dead
) STRICT;

CREATE TABLE deliveries (
  id              INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL REFERENCES runs (id),
  contract        TEXT    NOT NULL,
  period          TEXT    NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  revision        INTEGER NOT NULL CHECK (revision >= 1),
  recipient       TEXT    NOT NULL CHECK (recipient <> ''), -- as it was given
  mailbox         TEXT    NOT NULL CHECK (mailbox <> ''),
  recipient_name  TEXT    NOT NULL,
  resend          INTEGER NOT NULL CHECK (resend >= 0),
  message_id      TEXT    NOT NULL UNIQUE,
  state           TEXT    NOT NULL CHECK (state IN ('awaiting', 'queued', 'sending', 'handing_over', 'sent', 'deferred',
                                                    'failed', 'held', 'cancelled', 'bounced')),
  lapsed          INTEGER NOT NULL DEFAULT 0 CHECK (lapsed IN (0, 1)), -- cancelled because nobody may be written to there; see plan.go
  canary          INTEGER NOT NULL DEFAULT 0 CHECK (canary IN (0, 1)), -- goes first where the rest awaits approval
  owner           INTEGER REFERENCES workers (id), -- of the attempt under way
  tallied         TEXT    NOT NULL AS (iif(state IN ('sending', 'handing_over'), 'queued', state)), -- as what, see tallies
  next_attempt_at INTEGER,
  attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  ambiguous       INTEGER NOT NULL DEFAULT 0 CHECK (ambiguous >= 0),
  waited_ms       INTEGER NOT NULL DEFAULT 0 CHECK (waited_ms >= 0), -- of planned waits after temporary failures
  forced          INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)), -- to an address that is not registered
  dated_at        INTEGER,                                  -- the message's Date, fixed at the first claim
  sha256          BLOB    CHECK (length(sha256) = 32),      -- of the bytes, bound from handing_over on
  last_code       INTEGER NOT NULL DEFAULT 0,
  last_reply      TEXT    NOT NULL DEFAULT '',
  reason          TEXT    NOT NULL DEFAULT '',              -- why it is held, failed or cancelled
  replaced_by     INTEGER REFERENCES deliveries (id),       -- the resend that took its place
  acknowledged_at INTEGER,                                  -- an operator has dealt with how it ended
  sent_at         INTEGER,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  UNIQUE (period, contract, mailbox, resend),
  CHECK ((sent_at IS NOT NULL) = (state IN ('sent', 'bounced'))),
  CHECK ((next_attempt_at IS NOT NULL) = (state IN ('awaiting', 'queued', 'deferred'))),
  CHECK ((owner IS NOT NULL) = (state IN ('sending', 'handing_over'))),
  CHECK (lapsed = 0 OR state = 'cancelled'),
  CHECK (acknowledged_at IS NULL OR state IN ('failed', 'held', 'cancelled', 'bounced')),
  CHECK (state NOT IN ('handing_over', 'sent', 'bounced') OR sha256 IS NOT NULL)
) STRICT;

-- The queue: what may be claimed, by due time; and what a crash left under way.
CREATE INDEX deliveries_due ON deliveries (next_attempt_at, id) WHERE state IN ('queued', 'deferred');
CREATE INDEX deliveries_of_run ON deliveries (run);
CREATE INDEX deliveries_to ON deliveries (mailbox); -- a bounce may know no more
CREATE INDEX deliveries_sent ON deliveries (sent_at, period) WHERE sent_at IS NOT NULL; -- how fast it goes
CREATE INDEX deliveries_awaiting ON deliveries (period) WHERE state = 'awaiting';
CREATE INDEX deliveries_canaries ON deliveries (period) WHERE canary = 1;
CREATE INDEX deliveries_replaced ON deliveries (replaced_by) WHERE replaced_by IS NOT NULL;
CREATE INDEX deliveries_lapsed ON deliveries (period) WHERE lapsed = 1;
CREATE INDEX deliveries_under_way ON deliveries (owner) WHERE state IN ('sending', 'handing_over');

-- How many deliveries of a run are in each state, kept by the triggers below: counting a month of 100,000
-- contracts takes 200 ms, and every scrape of the metrics asks for it. What is under way counts as queued:
-- it is few and has an index, and so a mail changes the tallies once and not three times. A delivery that
-- a resend took the place of is not counted: the resend is. What an operator has acknowledged is counted apart.
CREATE TABLE tallies (
  run          INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  state        TEXT    NOT NULL,
  acknowledged INTEGER NOT NULL CHECK (acknowledged IN (0, 1)),
  deliveries   INTEGER NOT NULL CHECK (deliveries >= 0),
  PRIMARY KEY (run, state, acknowledged)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER deliveries_planned AFTER INSERT ON deliveries WHEN new.replaced_by IS NULL BEGIN
  INSERT INTO tallies (run, state, acknowledged, deliveries) VALUES (new.run, new.tallied, new.acknowledged_at IS NOT NULL, 1)
    ON CONFLICT (run, state, acknowledged) DO UPDATE SET deliveries = deliveries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_moved AFTER UPDATE OF state, acknowledged_at, replaced_by ON deliveries
WHEN old.replaced_by IS NULL AND (new.tallied <> old.tallied OR new.replaced_by IS NOT NULL
  OR (new.acknowledged_at IS NULL) <> (old.acknowledged_at IS NULL)) BEGIN
  UPDATE tallies SET deliveries = deliveries - 1
    WHERE run = old.run AND state = old.tallied AND acknowledged = (old.acknowledged_at IS NOT NULL);
  INSERT INTO tallies (run, state, acknowledged, deliveries) SELECT new.run, new.tallied, new.acknowledged_at IS NOT NULL, 1 WHERE new.replaced_by IS NULL
    ON CONFLICT (run, state, acknowledged) DO UPDATE SET deliveries = deliveries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_removed AFTER DELETE ON deliveries WHEN old.replaced_by IS NULL BEGIN
  UPDATE tallies SET deliveries = deliveries - 1
    WHERE run = old.run AND state = old.tallied AND acknowledged = (old.acknowledged_at IS NOT NULL);
END;
-- +goose StatementEnd

CREATE TABLE attempts (
  delivery   INTEGER NOT NULL REFERENCES deliveries (id),
  number     INTEGER NOT NULL CHECK (number >= 1),
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  stage      TEXT    NOT NULL CHECK (stage IN ('compose', 'connect', 'tls', 'auth', 'mail', 'rcpt', 'data', 'dot')),
  code       INTEGER NOT NULL DEFAULT 0,
  enhanced   TEXT    NOT NULL DEFAULT '',
  reply      TEXT    NOT NULL DEFAULT '',
  tls        TEXT    NOT NULL DEFAULT '',
  outcome    TEXT    NOT NULL CHECK (outcome IN ('running', 'sent', 'temporary', 'permanent', 'setup', 'ambiguous',
                                                 'held', 'cancelled', 'interrupted')),
  PRIMARY KEY (delivery, number),
  CHECK ((ended_at IS NULL) = (outcome = 'running'))
) STRICT, WITHOUT ROWID;

-- Addresses that refused mail for good; an open mark keeps the mailbox out of planning.
CREATE TABLE marks (
  mailbox    TEXT    NOT NULL,
  address    TEXT    NOT NULL, -- as it was written to
  marked_at  INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  cleared_at INTEGER,
  cleared_by TEXT    NOT NULL DEFAULT '',
  PRIMARY KEY (mailbox, marked_at)
) STRICT, WITHOUT ROWID;

-- Contracts and addresses that asked not to get reports: planned no more, and no error.
CREATE TABLE stops (
  id         INTEGER PRIMARY KEY,
  kind       TEXT    NOT NULL CHECK (kind IN ('contract', 'address')),
  key        TEXT    NOT NULL, -- the contract, or the mailbox
  shown      TEXT    NOT NULL, -- the contract, or the address as it was given
  stopped_at INTEGER NOT NULL,
  stopped_by TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  ended_at   INTEGER CHECK (ended_at >= stopped_at),
  ended_by   TEXT    NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX stops_open ON stops (kind, key) WHERE ended_at IS NULL;

-- What operators changed in a contract's list of addresses; imports do not touch it.
CREATE TABLE recipient_changes (
  contract   TEXT    NOT NULL,
  mailbox    TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  change     TEXT    NOT NULL CHECK (change IN ('added', 'removed')),
  changed_at INTEGER NOT NULL,
  changed_by TEXT    NOT NULL,
  PRIMARY KEY (contract, mailbox)
) STRICT, WITHOUT ROWID;

-- What operators did: written in the transaction of the action itself, so that none is without its line.
CREATE TABLE actions (
  id         INTEGER PRIMARY KEY,
  done_at    INTEGER NOT NULL,
  done_by    TEXT    NOT NULL,
  action     TEXT    NOT NULL CHECK (action <> ''),
  what       TEXT    NOT NULL, -- the selection, contract or address that it was about
  reason     TEXT    NOT NULL,
  deliveries INTEGER NOT NULL DEFAULT 0 CHECK (deliveries >= 0) -- how many it changed or made
) STRICT;

-- Which ones.
CREATE TABLE action_deliveries (
  delivery INTEGER NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
  action   INTEGER NOT NULL REFERENCES actions (id) ON DELETE CASCADE,
  PRIMARY KEY (delivery, action)
) STRICT, WITHOUT ROWID;
CREATE INDEX action_deliveries_of ON action_deliveries (action);

-- What the support desk has said of the lines of its list, by the line and not by the report's revision.
CREATE TABLE handled (
  period     TEXT    NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  contract   TEXT    NOT NULL,
  feature    TEXT    NOT NULL,
  machine    TEXT    NOT NULL, -- the endpoint as store.Fold folds it
  name       TEXT    NOT NULL, -- what was detected
  endpoint   TEXT    NOT NULL,
  done       INTEGER NOT NULL CHECK (done IN (0, 1)),
  note       TEXT    NOT NULL,
  handled_by TEXT    NOT NULL,
  handled_at INTEGER NOT NULL,
  PRIMARY KEY (period, contract, feature, machine, name)
) STRICT, WITHOUT ROWID;

-- Test mails: sent beside the deliveries, and recorded apart from them.
CREATE TABLE test_sends (
  id           INTEGER PRIMARY KEY,
  contract     TEXT    NOT NULL,
  period       TEXT    NOT NULL,
  recipient    TEXT    NOT NULL,
  message_id   TEXT    NOT NULL,
  requested_by TEXT    NOT NULL,
  sent_at      INTEGER NOT NULL,
  outcome      TEXT    NOT NULL,
  code         INTEGER NOT NULL,
  reply        TEXT    NOT NULL
) STRICT;

-- The ledger's own secret, made with it and copied with it. Message-IDs are keyed by it, so that nobody outside can
-- name a message of ours and forge a bounce of it, while a restored ledger gives every delivery the same one again.
-- SQLite's randomness is ChaCha20, seeded by the operating system.
CREATE TABLE identity (
  one    INTEGER PRIMARY KEY CHECK (one = 1),
  secret BLOB    NOT NULL CHECK (length(secret) = 32)
) STRICT;
INSERT INTO identity (one, secret) VALUES (1, randomblob(32));

-- The queue stands still while a row is open, one for each cause; a clock that cannot be trusted stops
-- planning, pruning and giving up, and not the queue. A fault that one worker has met stops that one alone.
CREATE TABLE pauses (
  id         INTEGER PRIMARY KEY,
  cause      TEXT    NOT NULL CHECK (cause IN ('operator', 'setup', 'storage', 'sweep', 'clock')),
  started_at INTEGER NOT NULL,
  started_by TEXT    NOT NULL,
  reason     TEXT    NOT NULL,
  ended_at   INTEGER CHECK (ended_at >= started_at),
  ended_by   TEXT    NOT NULL DEFAULT '',
  worker     INTEGER NOT NULL DEFAULT 0 -- 0: all of them
) STRICT;
CREATE UNIQUE INDEX pauses_open ON pauses (cause, worker) WHERE ended_at IS NULL;
