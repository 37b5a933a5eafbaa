package sqlstore

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"geppo/store/sqlstore/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main{M: m}.Run()) }

// On SQLite a ledger that is opened prepares its statements; here a test does, once for all.
func TestPostgresTakesEveryStatementOfTheLedger(t *testing.T) {
	l, err := OpenLedger(t.Context(), pgtest.Database(t), Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fit(t, l.r, slices.Concat(ledgerStatements, postgresStatements)...)
}

func TestPostgresTakesEveryStatementOfTheDetections(t *testing.T) {
	d := openOnPostgres(t)
	list := []string{
		selectEvidences, selectPartitions, selectZones, countDetections, countEvents, countCoverage, countStatuses,
		pruneEvents, pruneCoverage, pruneStatuses, pruneIdentities, selectLastKey, keepWritersOut, countRows, forgetFolder, forgetNamed,
	}
	for _, s := range d.statements() {
		list = append(list, s.text)
	}
	fit(t, d.f.r, append(list, forgetRows...)...)
}

// fit has PostgreSQL itself look at statements.
func fit(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		for _, statement := range statements {
			if _, err := c.(*pgConn).Conn.Conn().Prepare(t.Context(), "", rebind(statement)); err != nil {
				t.Errorf("%s\n%v", rebind(statement), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRebind(t *testing.T) {
	for in, want := range map[string]string{
		`SELECT 1`:             `SELECT 1`,
		`SELECT ?2, ?1, ?, +?`: `SELECT $2, $1, $3, $4`,
		`SELECT '?', "a?b", '' FROM t -- why?` + "\n WHERE a = ?": `SELECT '?', "a?b", '' FROM t -- why?` + "\n WHERE a = $1",
		`SELECT 1 FROM runs AS r INDEXED BY runs_open WHERE a`:    `SELECT 1 FROM runs AS r  WHERE a`,
		`FROM a CROSS JOIN b ON b.x = a.x`:                        `FROM a JOIN b ON b.x = a.x`,
		`IN (SELECT value FROM json_each(?1))`:                    `IN (SELECT value FROM json_array_elements_text($1))`,
		`LIMIT +? /*pg FOR UPDATE SKIP LOCKED*/`:                  `LIMIT $1  FOR UPDATE SKIP LOCKED`,
	} {
		if got := rebind(in); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", in, got, want)
		}
	}
}

// A DSN's password is in no message, wherever it stands and whatever is wrong with it.
func TestAPasswordIsNeverShown(t *testing.T) {
	for _, dsn := range []string{
		"postgres://geppo:hunter2@127.0.0.1:1/geppo?connect_timeout=1",
		"postgres://geppo@127.0.0.1:1/geppo?password=hunter2",
		"postgres://geppo:hunter2@127.0.0.1:port/geppo",
		"postgres://geppo:hunter2@[::1/geppo",
		"postgres://geppo:hunter2@127.0.0.1/geppo?sslmode=odd",
		"postgresql://geppo:hunter2%zz@127.0.0.1/geppo",
		"postgres:geppo:hunter2@127.0.0.1:1/geppo",
		"mysql://geppo:hunter2@127.0.0.1/geppo",
	} {
		_, err := OpenLedger(t.Context(), dsn, Existing)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", dsn, err)
		}
	}
}

// A server that takes what it is sent and says nothing is given up for as long as the bound lasts, and not for ever.
func TestASilentServerIsGivenUp(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	dsn, err := ParseDSN("postgres://geppo@" + listener.Addr().String() + "/geppo?sslmode=disable&connect_timeout=1")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	_, err = newConnector(*dsn.config).Connect(t.Context())
	if err == nil || !(&pgWriter{}).passing(err) {
		t.Errorf("error %v, want one that may pass", err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if passing := (&pgWriter{}).passing(errors.New("any other")); passing {
		t.Error("any error is said to pass")
	}
}
