package sqlstore

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// copyBulk writes to PostgreSQL: a batch goes by COPY into a table of the transaction's own, and from there to its place
// by two statements, of which the second is needed only where something was known before. (219,000 rows/s by COPY
// straight into the table, but then a contract's month is spread over ten times as many pages, and there is no telling
// a new row from one that is known.)
type copyBulk[Row any] struct {
	conn  *importConn
	args  func(row *Row, to []any) []any
	into  *staging
	ready func(context.Context, []Row) error // makes room for the rows; nil: there is
}

// staging is where the rows of a batch wait. more is how many other rows of the batch gave way to a row.
type staging struct {
	table, columns, like   string
	insertStaged, replaced string // each gives the number of rows it wrote, and the sum of their more
	made                   bool   // in this transaction
}

func (b copyBulk[Row]) write(ctx context.Context, w *written[Row], order []int) error {
	if b.ready != nil {
		if err := b.ready(ctx, w.rows); err != nil {
			return err
		}
	}
	if err := b.conn.stage(ctx, b.into, &stagedRows[Row]{rows: w, order: order, args: b.args}); err != nil {
		return err
	}
	var gaveWay int64
	for _, n := range w.gone {
		gaveWay += n
	}
	var added, addedMore, changed, changedMore int64
	if err := b.conn.ask(ctx, b.into.insertStaged, &added, &addedMore); err != nil {
		return err
	}
	if rows := int64(len(order)); added < rows {
		err := b.conn.byIndex(ctx, func() error { return b.conn.ask(ctx, b.into.replaced, &changed, &changedMore) })
		if err != nil {
			return err
		}
	}
	w.counts.New += added
	w.counts.Changed += changed + addedMore + changedMore
	w.counts.Duplicate += int64(len(order)) - added - changed + gaveWay - addedMore - changedMore
	return nil
}

// stagedRows are the rows as COPY wants them.
type stagedRows[Row any] struct {
	rows  *written[Row]
	order []int
	args  func(row *Row, to []any) []any
	next  int
	held  []any
}

func (s *stagedRows[Row]) Next() bool {
	s.next++
	return s.next <= len(s.order)
}

func (s *stagedRows[Row]) Values() ([]any, error) {
	at := s.order[s.next-1]
	s.held = s.args(&s.rows.rows[at], append(s.held[:0], s.rows.gone[at]))
	for i, v := range s.held {
		if text, ok := v.(string); ok {
			s.held[i] = storable(text)
		}
	}
	return s.held, nil
}

func (s *stagedRows[Row]) Err() error { return nil }

// stage fills a staging table with rows, in place of those before.
func (c *importConn) stage(ctx context.Context, into *staging, rows pgx.CopyFromSource) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	empty := `TRUNCATE ` + into.table //nolint:gosec // G202: our own names
	if !into.made {
		empty = `CREATE TEMPORARY TABLE ` + into.table + ` ON COMMIT DROP AS SELECT CAST(0 AS BIGINT) AS more, ` + into.columns + ` FROM ` + into.like + ` WITH NO DATA`
	}
	if _, err := c.tx.ExecContext(ctx, empty); err != nil {
		return err
	}
	into.made = true
	return c.copyInto(ctx, into.table, append([]string{"more"}, columnsOf(into.columns)...), rows)
}

// copyInto writes rows by COPY.
func (c *importConn) copyInto(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) error {
	return c.conn.Raw(func(conn any) error {
		pg, ok := conn.(*pgConn)
		if !ok {
			return fmt.Errorf("driver %T cannot copy", conn)
		}
		_, err := pg.Conn.Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
		return err
	})
}

// ask reads the one row of a statement that is PostgreSQL's alone.
func (c *importConn) ask(ctx context.Context, statement string, to ...any) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	return c.tx.QueryRowContext(withoutHurry(ctx), statement).Scan(to...)
}

// byIndex has PostgreSQL look for each row of a batch by its key. Left alone, it may read the whole table for it: of what
// is new today it knows nothing yet.
func (c *importConn) byIndex(ctx context.Context, do func() error) error {
	const set = `SELECT set_config('enable_hashjoin', '%[1]s', true) || set_config('enable_mergejoin', '%[1]s', true)`
	var said string
	if err := c.ask(ctx, fmt.Sprintf(set, "off"), &said); err != nil {
		return err
	}
	if err := do(); err != nil {
		return err // which ends the transaction, and the setting with it
	}
	return c.ask(ctx, fmt.Sprintf(set, "on"), &said)
}

func stagedDetections() *staging {
	return &staging{
		table: "incoming_detections", columns: detectionColumns, like: "detections",
		insertStaged: `
WITH added AS (
  INSERT INTO identities (contract, identity, time) SELECT contract, identity, time FROM incoming_detections ORDER BY contract, identity
  ON CONFLICT DO NOTHING RETURNING contract, identity
), placed AS (
  INSERT INTO detections (` + detectionColumns + `)
  SELECT ` + detectionColumns + ` FROM incoming_detections JOIN added USING (contract, identity) ORDER BY contract, time, identity
)
SELECT count(*), (SELECT CAST(coalesce(sum(more), 0) AS BIGINT) FROM incoming_detections JOIN added USING (contract, identity) WHERE more > 0) FROM added`,

		// It joins what was known by its identity, which tells the partition.
		replaced: `
WITH replaced AS (
  UPDATE detections AS d SET ` + setDetection + `
  FROM incoming_detections AS n JOIN identities AS i ON i.contract = n.contract AND i.identity = n.identity
  WHERE d.contract = i.contract AND d.time = i.time AND d.identity = i.identity AND (` + supersedes() + `)
  RETURNING n.contract, n.identity, n.more, i.time AS was, n.time AS now
), placed AS (
  UPDATE identities AS i SET time = r.now FROM replaced AS r
  WHERE i.contract = r.contract AND i.identity = r.identity AND r.now <> r.was
), departed AS (
  INSERT INTO moved (contract, month)
  SELECT DISTINCT contract, to_char(to_timestamp(was / 1000 - 43200) AT TIME ZONE 'UTC', 'YYYY-MM') FROM replaced WHERE now <> was
  ON CONFLICT DO NOTHING
)
SELECT count(*), CAST(coalesce(sum(more), 0) AS BIGINT) FROM replaced`,
	}
}

func stagedStatuses() *staging {
	return &staging{
		table: "incoming_statuses", columns: statusColumns, like: "agent_status",
		insertStaged: `
WITH added AS (
  INSERT INTO agent_status (` + statusColumns + `) SELECT ` + statusColumns + ` FROM incoming_statuses ORDER BY contract, machine, day
  ON CONFLICT DO NOTHING RETURNING contract, machine, day
)
SELECT count(*), (SELECT CAST(coalesce(sum(more), 0) AS BIGINT) FROM incoming_statuses JOIN added USING (contract, machine, day) WHERE more > 0) FROM added`,
		replaced: `
WITH replaced AS (
  UPDATE agent_status AS s SET ` + setStatus + ` FROM incoming_statuses AS n WHERE ` + sameStatusDiffers + ` RETURNING n.more
)
SELECT count(*), CAST(coalesce(sum(more), 0) AS BIGINT) FROM replaced`,
	}
}
