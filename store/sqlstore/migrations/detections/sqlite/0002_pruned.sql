-- The months whose rows were removed. It is written before the first row goes, so that no report can
-- be computed from half a month.

-- +goose Up

CREATE TABLE pruned (
  period    TEXT    NOT NULL PRIMARY KEY CHECK (period GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]'),
  pruned_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
