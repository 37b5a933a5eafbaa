package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// A move copies a ledger or the detections to another place, of the same engine or the other: row by row, in one
// transaction of the target, so that what was cut off has left nothing. Then both are read again and compared by a sum
// over all rows of each table. (The tempting other way, to count them, would call a move done that lost the half of a
// text.) Who moves keeps everybody from sending meanwhile.

// table is one to be moved, rows by order. A table comes after those that its rows refer to.
type table struct{ name, order string }

// moved are the tables of each kind. What a target makes of its own from these is not among them: tallies, identities,
// and the versions of the schema; nor is what is true of running processes alone.
var moved = map[string][]table{
	"ledger": {
		{"runs", "id"},
		{"run_errors", "run, contract"},
		{"fires", "due_at"},
		{"clock", "one"},
		{"reports", "contract, period, revision"},
		{"followups", "period, contract, revision, line"},
		{"deliveries", "id DESC"}, // the resend before what it took the place of
		{"attempts", "delivery, number"},
		{"marks", "mailbox, marked_at"},
		{"stops", "id"},
		{"recipient_changes", "contract, mailbox"},
		{"actions", "id"},
		{"action_deliveries", "delivery, action"},
		{"handled", "period, contract, feature, machine, name"},
		{"test_sends", "id"},
		{"identity", "one"},
		{"pauses", "id"},
	},
	"detections": {
		{"contracts", "key"},
		{"recipients", "contract, address"},
		{"endpoints", "contract, folded, endpoint_id"},
		{"outside", "contract, machine"},
		{"agent_status", "contract, machine, day"},
		{"detections", "contract, time, identity"},
		{"edr_events", "key"},
		{"coverage", "contract, day"},
		{"imports", "key"},
		{"changed", "contract, month"},
		{"pruned", "period"},
	},
}

// Moving is told of a move under way.
type Moving struct {
	Table string
	Rows  int64 // so many more are read or written
}

// Moved is what a move has copied, or has found in its place.
type Moved struct {
	Rows    int64
	Already bool // it was there
}

// Move copies a kind of data, "ledger" or "detections". A target that holds other data is refused, one that holds the same
// is what an earlier move has left. At the end the source is as it was when the copy began, or Move fails.
func Move(ctx context.Context, kind, from, to string, progress func(Moving)) (m Moved, err error) {
	ctx = withoutHurry(ctx)
	source, err := open(ctx, from, kind, Existing)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	target, err := open(ctx, to, kind, Migrate)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	mover := &mover{kind: kind, source: source, target: target, progress: progress}
	if m, err = mover.move(ctx); err != nil {
		return m, fmt.Errorf("move the %s from %s to %s: %w", kind, source.name, target.name, err)
	}
	return m, nil
}

type mover struct {
	kind           string
	source, target *database
	progress       func(Moving)
}

var errOtherData = errors.New("the target holds other data; name an empty database")

func (m *mover) move(ctx context.Context) (done Moved, err error) {
	empty, err := m.target.holdsNothing(ctx, m.kind)
	if err != nil {
		return done, err
	}
	if empty {
		if err := m.copyAll(ctx); err != nil {
			return done, err
		}
	}
	want, rows, err := m.sums(ctx, m.source)
	if err != nil {
		return done, err
	}
	have, _, err := m.sums(ctx, m.target)
	if err != nil {
		return done, err
	}
	for _, t := range slices.Sorted(maps.Keys(want)) {
		switch {
		case bytes.Equal(want[t], have[t]):
		case !empty:
			return done, fmt.Errorf("%w (they differ in %s)", errOtherData, t)
		default:
			return done, fmt.Errorf("%s is not the same in both: the source was written to meanwhile; empty the target and begin again", t)
		}
	}
	return Moved{Rows: rows, Already: !empty}, nil
}

// holdsNothing tells whether a database holds no rows but the secret that it was made with.
func (db *database) holdsNothing(ctx context.Context, kind string) (bool, error) {
	for _, t := range moved[kind] {
		var rows bool
		err := db.r.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM `+t.name+`)`).Scan(&rows)
		if err != nil || rows && t.name != "identity" {
			return false, err
		}
	}
	return true, nil
}

// copyAll copies all tables in one transaction of each side.
func (m *mover) copyAll(ctx context.Context) (err error) {
	from, err := m.source.r.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return err
	}
	defer from.Rollback() // it has only read
	if m.kind == "ledger" {
		var sending int
		if err := from.QueryRowContext(ctx, countUnderWay).Scan(&sending); err != nil {
			return err
		}
		if sending > 0 {
			return fmt.Errorf("%d deliveries were being sent when their process ended; let geppo run or serve find them, and stop it again", sending)
		}
	}
	conn, err := m.target.w.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	to := &importConn{conn: conn, tx: tx}
	for _, t := range moved[m.kind] {
		if err := m.copyTable(ctx, from, to, t); err != nil {
			return errors.Join(fmt.Errorf("%s: %w", t.name, err), tx.Rollback())
		}
	}
	return tx.Commit()
}

const countUnderWay = `SELECT count(*) FROM deliveries WHERE state IN ('sending', 'handing_over')`

// So much of a table is held at once: rows, and bytes of the reports that are frozen in them.
const (
	rowsAtOnce  = 5000
	bytesAtOnce = 16 << 20
)

func (m *mover) copyTable(ctx context.Context, from *sql.Tx, to *importConn, t table) error {
	columns, err := m.columns(ctx, t.name)
	if err != nil {
		return err
	}
	if t.name == "identity" {
		if _, err := to.tx.ExecContext(ctx, `DELETE FROM identity`); err != nil {
			return err
		}
	}
	var some [][]any
	size := 0
	flush := func() error {
		if len(some) == 0 {
			return nil
		}
		err := m.put(ctx, to, t.name, columns, some)
		m.progress(Moving{t.name, int64(len(some))})
		some, size = some[:0], 0
		return err
	}
	rows, err := from.QueryContext(ctx, selectAll(t, columns))
	err = readRows(rows, err, func(row scanner) error {
		values, err := valuesOf(row, len(columns))
		some = append(some, values)
		for _, v := range values {
			if blob, ok := v.([]byte); ok {
				size += len(blob)
			}
		}
		if err == nil && (len(some) == rowsAtOnce || size > bytesAtOnce) {
			err = flush()
		}
		return err
	})
	if err == nil {
		err = flush()
	}
	if err == nil && m.target.file == nil {
		err = to.nextAfter(ctx, t.name)
	}
	return err
}

func selectAll(t table, columns []string) string {
	return `SELECT ` + strings.Join(columns, ", ") + ` FROM ` + t.name + ` ORDER BY ` + t.order
}

func valuesOf(row scanner, columns int) ([]any, error) {
	values, to := make([]any, columns), make([]any, columns)
	for i := range values {
		to[i] = &values[i]
	}
	err := row.Scan(to...)
	for i, v := range values {
		if text, ok := v.(string); ok {
			values[i] = storable(text)
		}
	}
	return values, err
}

// columns are those that both sides have; the others are of running processes, or made by the database itself.
func (m *mover) columns(ctx context.Context, name string) (both []string, err error) {
	there, err := m.source.columnsOf(ctx, name)
	if err != nil {
		return nil, err
	}
	here, err := m.target.columnsOf(ctx, name)
	for _, column := range there {
		if slices.Contains(here, column) {
			both = append(both, column)
		}
	}
	return both, err
}

const (
	columnsOnSQLite   = `SELECT name FROM pragma_table_xinfo(?) WHERE hidden = 0`
	columnsOnPostgres = `
SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(CAST(? AS TEXT)) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`
)

func (db *database) columnsOf(ctx context.Context, name string) (list []string, err error) {
	statement := columnsOnSQLite
	if db.file == nil {
		statement = columnsOnPostgres
	}
	err = query(ctx, db.r, statement, []any{name}, func(row scanner) error {
		var column string
		err := row.Scan(&column)
		list = append(list, column)
		return err
	})
	return list, err
}

// put writes some rows of a table.
func (m *mover) put(ctx context.Context, to *importConn, name string, columns []string, rows [][]any) error {
	if m.target.file != nil {
		for group := range slices.Chunk(rows, rowsPerStatement) {
			statement := `INSERT INTO ` + name + ` (` + strings.Join(columns, ", ") + `) VALUES ` + values(len(group), len(columns)) //nolint:gosec // G202: our own names
			if _, err := to.tx.ExecContext(ctx, statement, slices.Concat(group...)...); err != nil {
				return err
			}
		}
		return nil
	}
	if name != "detections" {
		return to.copyInto(ctx, name, columns, pgx.CopyFromRows(rows))
	}
	keys := make([]detectionRow, len(rows))
	places := make([][]any, len(rows))
	at := func(column string) int { return slices.Index(columns, column) }
	for i, row := range rows {
		keys[i].ms, _ = row[at("time")].(int64)
		places[i] = []any{row[at("contract")], row[at("identity")], row[at("time")]}
	}
	if err := to.makeRoom(ctx, keys); err != nil {
		return err
	}
	if err := to.copyInto(ctx, name, columns, pgx.CopyFromRows(rows)); err != nil {
		return err
	}
	return to.copyInto(ctx, "identities", []string{"contract", "identity", "time"}, pgx.CopyFromRows(places))
}

const numberedColumn = `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(CAST(? AS TEXT)) AND attidentity <> ''`

// nextAfter has PostgreSQL go on counting behind the numbers that were copied.
func (c *importConn) nextAfter(ctx context.Context, name string) error {
	var column string
	err := c.tx.QueryRowContext(ctx, numberedColumn, name).Scan(&column)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var next sql.NullInt64 // NULL: there are no rows
	set := fmt.Sprintf(`SELECT setval(pg_get_serial_sequence(?1, ?2), (SELECT max(%s) FROM %s))`, column, name)
	return c.tx.QueryRowContext(ctx, set, name, column).Scan(&next)
}
