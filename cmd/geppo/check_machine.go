package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"geppo/cmd/internal/config"
	"geppo/store"
)

// Room on the databases' disk: a month of 100,000 contracts writes some gigabytes of frozen reports.
const (
	tooLittleRoom = 100 << 20
	littleRoom    = 1 << 30
)

// machine looks at what the databases stand on.
func (k *checker) machine(c config.Config) {
	seen := map[string]bool{}
	for _, file := range []string{c.Ledger(), c.Detections()} {
		k.writable(file)
		dir := filepath.Dir(file)
		var disk unix.Statfs_t
		if seen[dir] || unix.Statfs(dir, &disk) != nil {
			continue // that there is no such directory is told with the database
		}
		seen[dir] = true
		k.room(dir, disk.Bavail*uint64(disk.Bsize))
	}
}

// writable finds what geppo may read and not write; beside a database SQLite and the lock need room
// for files of their own.
func (k *checker) writable(file string) {
	for _, path := range []string{file, filepath.Dir(file)} {
		err := unix.Access(path, unix.W_OK)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			k.fault("database", exitUnavailable, "%s: %v; check as the service's user (runuser -u geppo -- geppo check), or let that user write to it", path, err)
		}
	}
}

func (k *checker) room(dir string, free uint64) {
	switch {
	case free < tooLittleRoom:
		k.fault("disk", exitError, "%s has only %d MB left; make room, or nothing can be recorded and so nothing is sent", dir, free>>20)
	case free < littleRoom:
		k.warn("disk", "%s has only %d MB left; make room before the month's end (geppo prune)", dir, free>>20)
	default:
		k.ok("disk", "%s has %d MB left", dir, free>>20)
	}
}

// clock finds a machine whose clock is behind what the ledger has seen.
func (k *checker) clock(ctx context.Context, ledger *store.Ledger, now time.Time) {
	last, err := ledger.LastFire(ctx)
	if err == nil && last.DueAt.After(now) {
		k.warn("clock", "it is %s here, but the schedule fired at %s already; see whether the clock is right", clockTime(now), clockTime(last.DueAt))
	}
}
