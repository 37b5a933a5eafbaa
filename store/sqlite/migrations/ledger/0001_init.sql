-- The ledger: what geppo did. Times are unix milliseconds (UTC), periods 'YYYY-MM'.
-- A row that is done is history: nothing but its own delivery's next attempt writes beside it.

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
  cancelled    INTEGER NOT NULL DEFAULT 0 CHECK (cancelled >= 0)
) STRICT;

-- What a run could not plan: a contract without a usable address.
CREATE TABLE run_errors (
  run      INTEGER NOT NULL REFERENCES runs (id),
  contract TEXT    NOT NULL,
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
  run      INTEGER REFERENCES runs (id),
  CHECK ((run IS NOT NULL) = (state = 'planned'))
) STRICT;
CREATE INDEX fires_open ON fires (due_at) WHERE state IN ('waiting', 'missed');

-- Reports as they were first computed; they never change, a correction is a new revision.
CREATE TABLE reports (
  contract    TEXT    NOT NULL,
  period      TEXT    NOT NULL,
  revision    INTEGER NOT NULL CHECK (revision >= 1),
  computed_at INTEGER NOT NULL,
  json_gz     BLOB    NOT NULL, -- report.json, gzip
  PRIMARY KEY (contract, period, revision)
) STRICT;

CREATE TABLE deliveries (
  id              INTEGER PRIMARY KEY,
  run             INTEGER NOT NULL REFERENCES runs (id),
  contract        TEXT    NOT NULL,
  period          TEXT    NOT NULL CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  revision        INTEGER NOT NULL CHECK (revision >= 1),
  recipient       TEXT    NOT NULL CHECK (recipient <> ''),
  recipient_name  TEXT    NOT NULL,
  resend          INTEGER NOT NULL CHECK (resend >= 0),
  message_id      TEXT    NOT NULL UNIQUE,
  state           TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'handing_over', 'sent', 'deferred',
                                                    'failed', 'held', 'cancelled', 'bounced')),
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
  sent_at         INTEGER,
  created_at      INTEGER NOT NULL,
  updated_at      INTEGER NOT NULL,
  UNIQUE (period, contract, recipient, resend),
  CHECK ((sent_at IS NOT NULL) = (state IN ('sent', 'bounced'))),
  CHECK ((next_attempt_at IS NOT NULL) = (state IN ('queued', 'deferred'))),
  CHECK (state NOT IN ('handing_over', 'sent', 'bounced') OR sha256 IS NOT NULL)
) STRICT;

-- The queue: what may be claimed, by due time; and what a crash left under way.
CREATE INDEX deliveries_due ON deliveries (next_attempt_at, id) WHERE state IN ('queued', 'deferred');
CREATE INDEX deliveries_of_run ON deliveries (run);
CREATE INDEX deliveries_to ON deliveries (recipient COLLATE NOCASE); -- a bounce may know no more
CREATE INDEX deliveries_under_way ON deliveries (state) WHERE state IN ('sending', 'handing_over');

-- How many deliveries of a run are in each state, kept by the triggers below: counting a month of 100,000
-- contracts takes 200 ms, and every scrape of the metrics asks for it. What is under way counts as queued:
-- it is few and has an index, and so a mail changes the tallies once and not three times. A delivery that
-- a resend took the place of is not counted: the resend is.
CREATE TABLE tallies (
  run        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  state      TEXT    NOT NULL,
  deliveries INTEGER NOT NULL CHECK (deliveries >= 0),
  PRIMARY KEY (run, state)
) STRICT, WITHOUT ROWID;

-- +goose StatementBegin
CREATE TRIGGER deliveries_planned AFTER INSERT ON deliveries WHEN new.replaced_by IS NULL BEGIN
  INSERT INTO tallies (run, state, deliveries) VALUES (new.run, new.tallied, 1)
    ON CONFLICT (run, state) DO UPDATE SET deliveries = deliveries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_moved AFTER UPDATE OF state ON deliveries WHEN new.tallied <> old.tallied AND new.replaced_by IS NULL BEGIN
  UPDATE tallies SET deliveries = deliveries - 1 WHERE run = old.run AND state = old.tallied;
  INSERT INTO tallies (run, state, deliveries) VALUES (new.run, new.tallied, 1)
    ON CONFLICT (run, state) DO UPDATE SET deliveries = deliveries + 1;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_replaced AFTER UPDATE OF replaced_by ON deliveries WHEN old.replaced_by IS NULL AND new.replaced_by IS NOT NULL BEGIN
  UPDATE tallies SET deliveries = deliveries - 1 WHERE run = old.run AND state = old.tallied;
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER deliveries_removed AFTER DELETE ON deliveries WHEN old.replaced_by IS NULL BEGIN
  UPDATE tallies SET deliveries = deliveries - 1 WHERE run = old.run AND state = old.tallied;
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
                                                 'held', 'interrupted')),
  PRIMARY KEY (delivery, number),
  CHECK ((ended_at IS NULL) = (outcome = 'running'))
) STRICT, WITHOUT ROWID;

-- Addresses that refused mail for good; an open mark keeps the address out of planning.
CREATE TABLE marks (
  address    TEXT    NOT NULL,
  marked_at  INTEGER NOT NULL,
  reason     TEXT    NOT NULL,
  cleared_at INTEGER,
  PRIMARY KEY (address, marked_at)
) STRICT, WITHOUT ROWID;

-- What operators changed in a contract's list of addresses; imports do not touch it.
CREATE TABLE recipient_changes (
  contract   TEXT    NOT NULL,
  address    TEXT    NOT NULL,
  name       TEXT    NOT NULL,
  change     TEXT    NOT NULL CHECK (change IN ('added', 'removed')),
  changed_at INTEGER NOT NULL,
  changed_by TEXT    NOT NULL,
  PRIMARY KEY (contract, address)
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

-- The queue stands still while a row is open.
CREATE TABLE pauses (
  id         INTEGER PRIMARY KEY,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  cause      TEXT    NOT NULL CHECK (cause IN ('operator', 'setup')),
  reason     TEXT    NOT NULL
) STRICT;
