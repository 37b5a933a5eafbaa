package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// What goes wrong with PostgreSQL before anybody notices.

// Server is what can be told of the server that a ledger stands on.
type Server struct {
	Version          string
	Faults, Warnings []string // each with what to do
}

const (
	selectServer = `
SELECT current_setting('server_version'), CAST(current_setting('server_version_num') AS BIGINT), current_setting('server_encoding'),
  current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), current_setting('autovacuum'),
  CAST(current_setting('max_connections') AS BIGINT), (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')`

	// A standby that only keeps the log for a backup is no one to fail over to. Who may not see the state of others has none.
	selectStandbys = `
SELECT application_name, coalesce(client_addr::text, 'local'), coalesce(sync_state, '') FROM pg_stat_replication
WHERE application_name NOT IN ('pg_receivewal', 'pg_basebackup') AND coalesce(sync_state, '') NOT IN ('sync', 'quorum') ORDER BY 1, 2`

	selectSynchronous = `SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')`

	// What is not in the order of bytes: the store searches lists that a query has ordered.
	selectCollations = `
SELECT a.attrelid::regclass::text || '.' || a.attname, o.collname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_collation AS o ON o.oid = a.attcollation
WHERE c.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'deliveries'::regclass) AND c.relkind IN ('r', 'p')
  AND a.attnum > 0 AND a.atttypid = 'text'::regtype AND o.collname NOT IN ('C', 'POSIX') AND c.relname !~ '^(geppo_.*_version|goose_db_version)$' ORDER BY 1 LIMIT 10`

	// What keeps old rows: a transaction, a prepared one, or a slot that nobody reads.
	selectSnapshots = `
SELECT 'the transaction of ' || coalesce(nullif(application_name, ''), 'a client') || ' (pid ' || pid || ')', CAST(extract(epoch FROM now() - xact_start) AS BIGINT)
  FROM pg_stat_activity WHERE xact_start < now() - interval '5 minutes' AND (backend_xmin IS NOT NULL OR backend_xid IS NOT NULL) AND backend_type = 'client backend'
UNION ALL SELECT 'the prepared transaction ' || gid, CAST(extract(epoch FROM now() - prepared) AS BIGINT) FROM pg_prepared_xacts WHERE prepared < now() - interval '5 minutes'
UNION ALL SELECT 'the replication slot ' || slot_name, 0 FROM pg_replication_slots WHERE NOT active AND (xmin IS NOT NULL OR catalog_xmin IS NOT NULL)
ORDER BY 2 DESC LIMIT 10`

	selectVacuuming = `
SELECT coalesce((SELECT split_part(o, '=', 2) FROM unnest(reloptions) AS o WHERE o LIKE 'autovacuum_vacuum_scale_factor=%'), current_setting('autovacuum_vacuum_scale_factor')),
  coalesce('autovacuum_enabled=false' = ANY (reloptions) OR 'autovacuum_enabled=off' = ANY (reloptions), false)
FROM pg_class WHERE oid = 'deliveries'::regclass`
)

// oldestServer is the first version that has all that geppo uses.
const oldestServer = 14_00_00

// Server looks at PostgreSQL; nil on SQLite.
func (l *Ledger) Server(ctx context.Context) (*Server, error) {
	if l.file != nil {
		return nil, nil
	}
	s := &Server{}
	for _, look := range []func(context.Context, *sql.DB) error{s.settings, s.standbys, s.collations, s.snapshots, s.vacuuming} {
		if err := look(ctx, l.r); err != nil {
			return nil, fmt.Errorf("look at the server of %s: %w", l.name, err)
		}
	}
	return s, nil
}

func (s *Server) fault(format string, args ...any) {
	s.Faults = append(s.Faults, fmt.Sprintf(format, args...))
}

func (s *Server) warn(format string, args ...any) {
	s.Warnings = append(s.Warnings, fmt.Sprintf(format, args...))
}

func (s *Server) settings(ctx context.Context, db *sql.DB) error {
	var number, most, connected int64
	var encoding, fsync, pages, commit, vacuum string
	err := db.QueryRowContext(ctx, selectServer).Scan(&s.Version, &number, &encoding, &fsync, &pages, &commit, &vacuum, &most, &connected)
	if err != nil {
		return err
	}
	if number < oldestServer {
		s.fault("PostgreSQL %s is too old; use 14 or newer", s.Version)
	}
	if encoding != "UTF8" {
		s.fault("the database's encoding is %s, which cannot hold every name; make one with createdb --encoding=UTF8 --template=template0", encoding)
	}
	if fsync == "off" || pages == "off" {
		s.fault("fsync or full_page_writes is off: a power cut destroys the ledger; switch both on")
	}
	if commit == "off" {
		s.fault("synchronous_commit is off: a crash forgets what was sent, and it is sent again; set it to on")
	}
	if vacuum == "off" {
		s.warn("autovacuum is off: every claim gets slower and the disk fills; switch it on")
	}
	if left := most - connected; left < most/5 {
		s.warn("%d of %d connections are in use; raise max_connections, or put pgbouncer between (geppo help postgresql)", connected, most)
	}
	return nil
}

// standbys finds those that a failover would lose something to. The last commits before it are not on a standby that
// nobody waits for: what they told of as handed over would be handed over again, and nothing would show it.
func (s *Server) standbys(ctx context.Context, db *sql.DB) error {
	var synchronous int
	if err := db.QueryRowContext(ctx, selectSynchronous).Scan(&synchronous); err != nil {
		return err
	}
	return query(ctx, db, selectStandbys, nil, func(row scanner) error {
		var name, address, state string
		err := row.Scan(&name, &address, &state)
		switch {
		case state == "":
			s.warn("whether the standby %s (%s) is synchronous may not be seen; grant pg_monitor to geppo's user", name, address)
		case synchronous == 0:
			s.warn("the standby %s (%s) is asynchronous: after a failover to it, what was sent last is sent again without a mark; set synchronous_standby_names", name, address)
		default:
			s.warn("the standby %s (%s) is asynchronous: never fail over to it, but to one that is synchronous", name, address)
		}
		return err
	})
}

func (s *Server) collations(ctx context.Context, db *sql.DB) error {
	return query(ctx, db, selectCollations, nil, func(row scanner) error {
		var column, collation string
		err := row.Scan(&column, &collation)
		s.fault(`%s is ordered by the collation %s: addresses are not found; ALTER it to COLLATE "C", as geppo made it`, column, collation)
		return err
	})
}

func (s *Server) snapshots(ctx context.Context, db *sql.DB) error {
	return query(ctx, db, selectSnapshots, nil, func(row scanner) error {
		var what string
		var seconds int64
		err := row.Scan(&what, &seconds)
		since := ""
		if seconds > 0 {
			since = " for " + (time.Duration(seconds) * time.Second).String()
		}
		s.warn("%s has kept old rows%s, and every claim gets slower; end it, and back up by pg_basebackup or from a standby", what, since)
		return err
	})
}

func (s *Server) vacuuming(ctx context.Context, db *sql.DB) error {
	var factor float64
	var off bool
	if err := db.QueryRowContext(ctx, selectVacuuming).Scan(&factor, &off); err != nil {
		return err
	}
	if off {
		s.warn("autovacuum is off for the table deliveries; ALTER TABLE deliveries RESET (autovacuum_enabled)")
	}
	if factor > 0.05 {
		s.warn("autovacuum waits until %g %% of the deliveries have changed, and claims get slower until then; ALTER TABLE deliveries SET (autovacuum_vacuum_scale_factor = 0.01)", 100*factor)
	}
	return nil
}
