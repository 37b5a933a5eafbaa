package sqlstore

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"geppo/store"
)

// Seat is a worker's place at the ledger: only who has joined may claim, hand over and settle.
//
// That nothing is sent twice beyond what a lost reply explains does not hang on anybody's knowing who lives. An attempt
// has a number, and HandOver and Settle change a delivery only while that attempt is its open one: whoever was declared
// dead, wrongly or not, cannot begin to hand over what another has taken. Of what it had begun before, one message for
// each of its connections, nobody can know the outcome: that is what grace is for.
//
// Who lives is a matter of speed. On SQLite the one who joins has the file's lock, and all others are dead (Lock). On
// PostgreSQL each has a row that it touches by Beat. Silent for longer than the lease, its claims are given back by
// anybody; what it was handing over only after its grace, when it can have got no reply any more and its own timer has
// killed it. One of the same name, in the same place of the same machine, whose place is free, is dead at once (place).
type Seat struct {
	l     *Ledger
	who   Worker
	id    atomic.Int64
	place io.Closer
}

// Worker is who takes a seat.
type Worker struct {
	Name  string        // of the machine, say; one that is taken there gets a number behind it
	Build string        // what makes its messages' bytes
	Grace time.Duration // so long after its last heartbeat its timer has killed it
}

// Lease is how long a worker may be silent before others take what it has claimed.
const Lease = 30 * time.Second

const (
	// cleanUp removes those who are gone and have left nothing behind.
	cleanUp = `
DELETE FROM workers WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE owner = workers.id AND state IN ('sending', 'handing_over'))
/*pg AND beat_at < now_ms() - grace_ms*/`

	addWorker = `
INSERT INTO workers (name, host, build, grace_ms, started_at, beat_at) VALUES (?, ?, ?, ?, ` + nowMillis + `, ` + nowMillis + `) RETURNING id`

	takeOverNamesakes = `UPDATE workers SET beat_at = 0 WHERE name = ?1 AND host = ?2 AND id <> ?3`

	beat = `UPDATE workers SET beat_at = ` + nowMillis + ` WHERE id = ?1`

	retire = `
DELETE FROM workers WHERE id = ?1
  AND NOT EXISTS (SELECT 1 FROM deliveries WHERE owner = workers.id AND state IN ('sending', 'handing_over'))`

	// nowMillis is the time by the database's clock.
	nowMillis = `CAST(unixepoch('subsec') * 1000 AS INTEGER)`

	// abandoned are the deliveries under way of those who are dead, and with ?2 those of the asker, who has none in its
	// hands.
	abandoned = `
SELECT ` + deliveryColumns + ` FROM deliveries INDEXED BY deliveries_under_way WHERE state IN ('sending', 'handing_over')
  AND (owner <> ?1 OR ?2 = 1)
/*pg AND owner NOT IN (SELECT w.id FROM workers AS w WHERE w.id <> $1 AND w.beat_at >= now_ms() -
    CASE WHEN state = 'sending' THEN least(w.grace_ms, 30000) ELSE w.grace_ms END)*/
ORDER BY id`

	selectWorkers = `
SELECT w.id, w.name, w.build, w.started_at, w.beat_at, ` + nowMillis + `, (
  SELECT count(*) FROM deliveries AS d INDEXED BY deliveries_under_way WHERE d.owner = w.id AND d.state IN ('sending', 'handing_over'))
FROM workers AS w ORDER BY w.name, w.id`
)

// Join takes a seat. On SQLite there is one: it fails with store.ErrLocked while another process has it, and says which.
func (l *Ledger) Join(ctx context.Context, who Worker) (s *Seat, err error) {
	s = &Seat{l: l, who: who}
	host := ""
	if l.file != nil {
		s.place, err = l.lock()
	} else {
		host = hostID()
		s.who.Name, s.place, err = takePlace(ctx, l.secret, who.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := s.register(ctx, host); err != nil {
		return nil, errors.Join(fmt.Errorf("join the workers: %w", err), s.place.Close())
	}
	return s, nil
}

// register makes the worker's row. The row of one of the same name and host is that of a dead one: it had this place.
func (s *Seat) register(ctx context.Context, host string) error {
	return s.l.write(ctx, func(tx ledgerTx) error {
		if _, err := tx.exec(ctx, cleanUp); err != nil {
			return err
		}
		id, err := insert(ctx, tx, addWorker, s.who.Name, host, s.who.Build, s.who.Grace.Milliseconds())
		if err != nil {
			return err
		}
		if s.l.file == nil && host != "" {
			if _, err := tx.exec(ctx, takeOverNamesakes, s.who.Name, host, id); err != nil {
				return err
			}
		}
		s.id.Store(id)
		return nil
	})
}

// Name is by what name the worker was registered.
func (s *Seat) Name() string { return s.who.Name }

// Leave gives the seat up; nothing may be under way.
func (s *Seat) Leave(ctx context.Context) error {
	err := s.l.write(ctx, func(tx ledgerTx) error {
		_, err := tx.exec(ctx, retire, s.id.Load())
		return err
	})
	if err != nil {
		err = fmt.Errorf("leave the workers: %w", err)
	}
	return errors.Join(err, s.place.Close())
}

// Shared tells whether others may sit beside this one: then it must show that it lives, by Beat.
func (s *Seat) Shared() bool { return s.l.file == nil }

// Beat shows that the worker lives.
func (s *Seat) Beat(ctx context.Context) error {
	there := false
	err := s.l.writeTogether(ctx, func(tx ledgerTx) error {
		n, err := changed(tx.exec(ctx, beat, s.id.Load()))
		there = n > 0
		return err
	})
	if err == nil && !there { // it was silent for so long that others have forgotten it
		err = s.register(ctx, hostID())
	}
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	return nil
}

// Abandoned lists what the dead have left under way; with all also what is under way by this worker's name, which must
// have nothing in its hands then: claims of which it never heard.
func (s *Seat) Abandoned(ctx context.Context, all bool) ([]store.Delivery, error) {
	return s.l.queryDeliveries(ctx, abandoned, s.id.Load(), all)
}

// reserve is GCRA: the row holds when the next slot begins, and is put on by those that were taken. PostgreSQL's alone.
const reserve = `
INSERT INTO limits AS l (key, next_at) VALUES (?1, now_us() + ?2)
ON CONFLICT (key) DO UPDATE SET next_at = greatest(l.next_at, now_us()) + ?2 RETURNING next_at - ?2 - now_us()`

// Reserve takes slots of a limit that holds over all workers, each so long after the other, and tells how long it is to
// the first. One that is alone keeps its limits itself.
func (s *Seat) Reserve(ctx context.Context, key string, slots int, every time.Duration) (wait time.Duration, err error) {
	err = s.l.patiently(ctx, handOverWithin, func() error {
		return s.l.writeTogether(ctx, func(tx ledgerTx) error {
			var micros int64
			err := tx.row(ctx, reserve, key, every.Microseconds()*int64(slots)).Scan(&micros)
			wait = time.Duration(micros) * time.Microsecond
			return err
		})
	})
	if err != nil {
		return 0, fmt.Errorf("reserve %d slots of %s: %w", slots, key, err)
	}
	return wait, nil
}

// Claim takes the deliveries that have been due longest, at most so many, registers an attempt of
// each and returns them, or ErrNotFound if none of the filter's is due or an operator has paused the
// queue. Their state is then sending.
func (s *Seat) Claim(ctx context.Context, filter store.Filter, now time.Time, most int) (claimed []store.Delivery, err error) {
	if err := s.l.InPlace(); err != nil {
		return nil, err
	}
	condition, args := where(filter)
	due := dueDeliveries
	if len(filter.Contracts) > 0 || len(filter.IDs) > 0 {
		due = dueOfContracts
	}
	args = append(append([]any{now.UnixMilli()}, args...), most)
	claim := func(tx ledgerTx) (err error) {
		if claimed, err = tx.deliveries(ctx, due+condition+dueFirst, args...); err != nil {
			return err
		}
		if len(claimed) == 0 {
			return store.ErrNotFound
		}
		ids := make([]int64, len(claimed))
		for i := range claimed {
			d := &claimed[i]
			ids[i], d.State, d.NextAttemptAt, d.Attempts = d.ID, store.Sending, time.Time{}, d.Attempts+1
			if d.DatedAt.IsZero() {
				d.DatedAt = now.UTC().Truncate(time.Millisecond)
			}
		}
		if _, err := tx.exec(ctx, claimDeliveries, list(ids), now.UnixMilli(), s.id.Load()); err != nil {
			return err
		}
		_, err = tx.exec(ctx, startAttempts, list(ids), now.UnixMilli())
		return err
	}
	err = s.l.patiently(ctx, claimWithin, func() error { return s.l.writeTogether(ctx, claim) })
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		err = fmt.Errorf("claim: %w", err)
	}
	return claimed, err
}

// HandOver commits that the final dot of a delivery's attempt is about to be written; saying it again
// for the same attempt is no fault. It refuses bytes that differ from an earlier handing over of the same
// delivery with ErrBytesDiffer, and an attempt that is not the delivery's open one with ErrStale.
func (s *Seat) HandOver(ctx context.Context, id int64, attempt int, sum [sha256.Size]byte, now time.Time) error {
	if err := s.l.InPlace(); err != nil {
		return err
	}
	handOver := func(tx ledgerTx) error {
		err := mustChangeOne(tx.exec(ctx, markHandingOver, id, attempt, sum[:], now.UnixMilli()))
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		var open bool
		if err := tx.row(ctx, attemptIsOpen, id, attempt).Scan(&open); err != nil {
			return err
		}
		if open {
			return store.ErrBytesDiffer
		}
		return store.ErrStale
	}
	err := s.l.patiently(ctx, handOverWithin, func() error { return s.l.writeTogether(ctx, handOver) })
	if err != nil {
		return fmt.Errorf("hand over delivery %d, attempt %d: %w", id, attempt, err)
	}
	return nil
}

// Settle records an attempt's end and its delivery's new state in one transaction. Saying the same of the
// same attempt again is no fault; of an attempt that ended in another way, or is not the delivery's, it is ErrStale.
// The outcome is known and must not be lost: while another process locks the ledger, or it cannot be reached, it is tried
// again and again.
func (s *Seat) Settle(ctx context.Context, end store.Settlement) error {
	err := s.l.patiently(ctx, settleWithin, func() error {
		return s.l.writeTogether(ctx, func(tx ledgerTx) error { return tx.settle(ctx, end) })
	})
	if err != nil {
		return fmt.Errorf("settle delivery %d, attempt %d: %w", end.Attempt.Delivery, end.Attempt.Number, err)
	}
	return nil
}
