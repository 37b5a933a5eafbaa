package pgtest_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"geppo/store/sqlstore/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main{M: m}.Run()) }

func TestADatabaseForEachTest(t *testing.T) {
	if a, b := pgtest.Database(t), pgtest.Database(t); a == b {
		t.Errorf("both are %s", a)
	}
}

func TestAClusterComesBackAndGoesWithItsTest(t *testing.T) {
	var c *pgtest.Cluster
	t.Run("used", func(t *testing.T) {
		c = pgtest.Start(t, "max_connections=20")
		for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT} {
			c.Restart(t, signal)
			c.Database(t)
		}
		c.Stop(t, syscall.SIGQUIT)
	})
	if c == nil {
		return // skipped
	}
	if _, err := os.Stat(filepath.Dir(c.Dir())); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(c.Dir()); !os.IsNotExist(err) {
		t.Errorf("its files are still there: %v", err)
	}
}
