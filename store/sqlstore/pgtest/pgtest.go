// Package pgtest gives tests a real PostgreSQL: a cluster for a test package, begun by the first test that asks for a
// database, and a database for each test. It knows no schema and speaks no SQL.
//
// The server is a child of the test program, without a daemon's start and stop around it: the kernel ends it if the
// test program is killed, and its own words tell when it is ready, so that nothing here waits by the clock. It listens
// on a socket in a directory of its own and nowhere else, so that test programs run beside each other. A cluster is
// ready after about 0.7 s, a database after 0.1 s.
package pgtest

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Needed is the environment variable that forbids to skip what has no PostgreSQL.
const Needed = "PGTEST_REQUIRED"

var shared struct {
	sync.Mutex
	cluster *Cluster
}

// Main runs a package's tests and then ends what Database has begun. TestMain of a package that uses Database hands it
// to os.Exit, or to another that wants to run the tests itself.
type Main struct{ M *testing.M }

// Run returns the exit code.
func (m Main) Run() int {
	code := m.M.Run()
	if shared.cluster != nil {
		if err := shared.cluster.close(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			return max(code, 1)
		}
	}
	return code
}

// Database gives the data source name of an empty database in the package's cluster, which goes when the test ends.
// Without PostgreSQL's programs it skips the test, or fails it if the environment forbids that.
func Database(t testing.TB) string {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil {
		cluster, err := begin(programs(t))
		if err != nil {
			t.Fatal("pgtest:", err)
		}
		shared.cluster = cluster
	}
	return shared.cluster.Database(t)
}

// Cluster is a server and its files.
type Cluster struct {
	bin, dir string
	as       *syscall.SysProcAttr
	server   *exec.Cmd     // nil while it is stopped
	ended    chan struct{} // closed then
	said     *log

	naming    sync.Mutex
	databases int
}

// Start begins a cluster for one test, which may stop it and start it again; it goes when the test ends. settings are as
// in postgresql.conf, "wal_level=logical".
func Start(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	c, err := begin(programs(t), settings...)
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		if err := c.close(); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return c
}

// Database gives the data source name of a new database, which goes when the test ends.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	c.naming.Lock()
	c.databases++
	name := "test" + strconv.Itoa(c.databases)
	c.naming.Unlock()
	if err := c.tool("createdb", name); err != nil {
		t.Fatal("pgtest:", err)
	}
	t.Cleanup(func() {
		if c.server == nil {
			return // stopped by its test: the whole cluster goes next
		}
		if err := c.tool("dropdb", "--force", name); err != nil {
			t.Error("pgtest:", err)
		}
	})
	return c.DSN(name)
}

// DSN is the data source name of a database of the cluster.
func (c *Cluster) DSN(database string) string {
	return "postgres://postgres@/" + database + "?" + url.Values{"host": {c.dir}}.Encode()
}

// Dir is where the server's socket and files are.
func (c *Cluster) Dir() string { return c.dir }

// Restart ends the server by a signal and starts it again: syscall.SIGQUIT is the "immediate" of pg_ctl, a crash after
// which PostgreSQL recovers; syscall.SIGINT is its "fast".
func (c *Cluster) Restart(t testing.TB, signal syscall.Signal) {
	t.Helper()
	c.Stop(t, signal)
	c.Resume(t)
}

// Stop ends the server by a signal and waits for its end.
func (c *Cluster) Stop(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := c.stop(signal); err != nil {
		t.Fatal("pgtest:", err)
	}
}

// Resume starts a server that was stopped.
func (c *Cluster) Resume(t testing.TB) {
	t.Helper()
	if err := c.serve(nil); err != nil {
		t.Fatal("pgtest:", err)
	}
}

// programs is the directory with PostgreSQL's programs.
func programs(t testing.TB) string {
	t.Helper()
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err != nil { // the others are beside what a link leads to
			t.Fatal("pgtest:", err)
		}
		return filepath.Dir(path)
	}
	// Debian keeps them out of PATH, by version; two digits sort as the numbers do.
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		t.Fatal("pgtest:", err)
	}
	if len(found) > 0 {
		return filepath.Dir(found[len(found)-1])
	}
	const missing = "PostgreSQL's initdb is neither in PATH nor below /usr/lib/postgresql; install the package postgresql"
	if os.Getenv(Needed) != "" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// begin makes a cluster and starts its server.
func begin(bin string, settings ...string) (c *Cluster, err error) {
	// Not t.TempDir: the path of a socket ends at 107 bytes.
	dir, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	c = &Cluster{bin: bin, dir: dir}
	if err = c.owned(); err == nil {
		err = c.tool("initdb", "--no-sync", "--auth=trust", "--locale=C", "--encoding=UTF8", "--username=postgres", "--pgdata="+c.data())
	}
	if err == nil {
		err = c.serve(settings)
	}
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// owned gives the directory to the user postgres where root runs the tests: PostgreSQL refuses to run as root.
func (c *Cluster) owned() error {
	c.as = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() != 0 {
		return nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("PostgreSQL does not run as root: %w", err)
	}
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return err
	}
	c.as.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(c.dir, int(uid), int(gid))
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// tool runs one of PostgreSQL's programs to its end, as the cluster's owner.
func (c *Cluster) tool(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(c.bin, name), args...) //nolint:noctx,gosec // ends by itself; the caller's own words
	cmd.Dir, cmd.SysProcAttr = c.dir, c.as
	cmd.Env = append(os.Environ(), "PGHOST="+c.dir, "PGUSER=postgres")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// serve starts the server and returns when it takes connections. Without fsync it loses nothing if it is killed, only
// if the machine is.
func (c *Cluster) serve(settings []string) error {
	if settings != nil {
		conf := strings.Join(settings, "\n") + "\n"
		if err := appendTo(filepath.Join(c.data(), "postgresql.conf"), conf); err != nil {
			return err
		}
	}
	c.said = newLog()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data(), //nolint:noctx,gosec // ends by stop; no words of others
		"-c", "listen_addresses=", "-c", "unix_socket_directories="+c.dir, "-c", "fsync=off", "-c", "log_destination=stderr")
	cmd.Dir, cmd.SysProcAttr, cmd.Stderr = c.dir, c.as, c.said
	cmd.Env = append(os.Environ(), "LC_ALL=C") // the log's language, see ready
	if err := cmd.Start(); err != nil {
		return err
	}
	c.ended = make(chan struct{})
	go func() {
		defer close(c.ended)
		_ = cmd.Wait() // ended by a signal, it may exit with any code; what matters is what it said
	}()
	select {
	case <-c.said.ready:
	case <-c.ended:
		return fmt.Errorf("the server did not start: %s", c.said)
	}
	c.server = cmd
	return nil
}

func appendTo(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

func (c *Cluster) stop(signal syscall.Signal) error {
	if err := c.server.Process.Signal(signal); err != nil {
		return fmt.Errorf("stop the server: %w: %s", err, c.said)
	}
	<-c.ended
	c.server = nil
	return nil
}

// close ends the server, if it runs, and removes its files.
func (c *Cluster) close() error {
	if c.server != nil {
		if err := c.stop(syscall.SIGQUIT); err != nil {
			return err
		}
	}
	return os.RemoveAll(c.dir)
}
