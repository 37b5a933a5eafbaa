package main

import (
	"context"
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"

	"geppo/cmd/internal/daemon"
	"geppo/store/sqlstore"
)

// Room on the databases' disk: a month of 100,000 contracts writes some gigabytes of frozen reports.
const (
	tooLittleRoom = 100 << 20
	littleRoom    = 1 << 30
)

// writable looks at what a database stands on: beside it SQLite and the lock need files of their own,
// and room. Where it tells that something may only be read, there is no use in opening it.
func (k *checker) writable(database string) bool {
	dir := filepath.Dir(database)
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	fine := true
	for _, path := range []string{dir, database} {
		if err := unix.Access(path, unix.W_OK); err != nil && !errors.Is(err, unix.ENOENT) {
			fine = false
			k.tell("database", exitUnavailable, "%s: %v; check as the service's user (runuser -u geppo -- geppo check), or let that user write to it", path, err)
		}
	}
	var disk unix.Statfs_t
	if fine && unix.Statfs(dir, &disk) == nil {
		k.room(dir, disk.Bavail*uint64(disk.Bsize))
	}
	return fine
}

func (k *checker) room(dir string, free uint64) {
	if k.told["room "+dir] {
		return
	}
	k.told["room "+dir] = true
	switch {
	case free < tooLittleRoom:
		k.fault("disk", exitError, "%s has only %d MB left; make room, or nothing can be recorded and so nothing is sent", dir, free>>20)
	case free < littleRoom:
		k.warn("disk", "%s has only %d MB left; make room before the month's end (geppo prune)", dir, free>>20)
	default:
		k.ok("disk", "%s has %d MB left", dir, free>>20)
	}
}

// openFires finds the months that wait for somebody.
func (k *checker) openFires(ctx context.Context, ledger *sqlstore.Ledger) {
	open, err := ledger.OpenFires(ctx)
	if err != nil {
		k.fault("schedule", exitError, "%v; restore a backup (geppo help restoring)", err)
	}
	for _, fire := range open {
		k.fault("schedule", exitError, "%s", openFire(fire))
	}
}

// clock finds a machine whose clock would not be believed.
func (k *checker) clock(ctx context.Context, clock daemon.Clock) {
	reason, err := clock.Doubt(ctx)
	if err != nil {
		k.fault("clock", exitError, "%v", err)
	} else if reason != "" {
		k.fault("clock", exitError, "%s; set it right, or say geppo resume if it is: until then nothing is planned or pruned", reason)
	}
}
