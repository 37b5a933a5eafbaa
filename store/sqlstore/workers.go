package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"geppo/store"
)

// Workers lists who sends, or has left something under way, by name.
func (l *Ledger) Workers(ctx context.Context) (list []store.Worker, err error) {
	err = query(ctx, l.r, selectWorkers, nil, func(row scanner) error {
		var w store.Worker
		var started, beat, now sql.NullInt64
		err := row.Scan(&w.ID, &w.Name, &w.Build, &started, &beat, &now, &w.UnderWay)
		w.StartedAt, w.BeatAt = fromMillis(started), fromMillis(beat)
		w.Silent = time.Duration(now.Int64-beat.Int64) * time.Millisecond
		w.Lives = w.Silent < Lease
		list = append(list, w)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("workers: %w", err)
	}
	if l.file != nil {
		l.whoHasTheFile(list)
	}
	return list, nil
}

// whoHasTheFile is known by its lock, which needs no heartbeats: the last that joined, or nobody.
func (l *Ledger) whoHasTheFile(list []store.Worker) {
	last := int64(0)
	for _, w := range list {
		last = max(last, w.ID)
	}
	for i := range list {
		w := &list[i]
		w.BeatAt, w.Silent = time.Time{}, 0
		w.Lives = w.ID == last && holder(l.file.handle) != nobody
	}
}

// Manned tells whether anybody sends.
func (l *Ledger) Manned(ctx context.Context) (bool, error) {
	workers, err := l.Workers(ctx)
	return slices.ContainsFunc(workers, func(w store.Worker) bool { return w.Lives }), err
}

// hostID tells where sockets of one name are the same one: in one network namespace of one boot. It is empty if nobody
// knows.
func hostID() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// mostPlaces bounds how many workers of one name a machine may have.
const mostPlaces = 1000

// takePlace takes the first place of a name that is free on this host, and gives the place's name: "host", "host-2" and
// so on. A place is a socket in the abstract namespace, which the kernel frees when its holder dies, and nothing else
// does.
func takePlace(ctx context.Context, ledger []byte, name string) (string, io.Closer, error) {
	for n := 1; n <= mostPlaces; n++ {
		taken := name
		if n > 1 {
			taken = fmt.Sprintf("%s-%d", name, n)
		}
		sum := sha256.Sum256(append([]byte(taken+"\x00"), ledger...))
		place, err := new(net.ListenConfig).Listen(ctx, "unix", fmt.Sprintf("@geppo/%x", sum[:16]))
		if errors.Is(err, unix.EADDRINUSE) {
			continue
		}
		if err != nil {
			return "", nil, fmt.Errorf("take a place among the workers: %w", err)
		}
		return taken, place, nil
	}
	return "", nil, fmt.Errorf("%w: %d workers of this machine are called %s", store.ErrLocked, mostPlaces, name)
}
