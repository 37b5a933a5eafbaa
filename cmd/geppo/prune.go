package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// keptMonths of detections stay besides the running one: a year of reports, and the month before the
// first of them, which it is compared with.
const keptMonths = 13

type pruneOptions struct {
	dryRun, json, vacuum bool
}

type prunedJSON struct {
	DryRun  bool              `json:"dry_run"`
	Before  store.Period      `json:"before"` // the first month that stays
	Kept    []store.Period    `json:"kept"`   // earlier months that are still needed
	Months  []prunedMonthJSON `json:"months"`
	Archive daemon.Expiry     `json:"archive"`
}

type prunedMonthJSON struct {
	Period     store.Period `json:"period"`
	Detections int64        `json:"detections"`
	Statuses   int64        `json:"agent_status"`
	Events     int64        `json:"edr_events"`
	Coverage   int64        `json:"coverage"`
}

func (a *app) pruneCommand() *cobra.Command {
	var o pruneOptions
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Remove what the retention allows",
		Long: `Removes detections, agents' snapshots, EDR events and coverage of months more than 13 months before the newest in the data, and copies in the archive
that are older than [archive] keep. The ledger with its frozen reports is not touched: what was sent can be sent again, but
a report of a pruned month, or of the month after one, can no longer be computed or corrected (resend --rebuild).

What a delivery that is pending or held needs stays: its month, the one before it, and its copy. Imports and a daemon go
on meanwhile. The room is used again by the next imports; --vacuum gives it back to the file system, for which it writes the
whole file anew while imports wait. On PostgreSQL a month's detections are a table of their own, which is dropped.`,
		Example: "  geppo prune --dry-run\n  geppo prune",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "say what would go, change nothing")
	cmd.Flags().BoolVar(&o.vacuum, "vacuum", false, "also give the room back to the file system")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		if o.vacuum && sqlstore.OnPostgres(c.Detections()) {
			return exitWith(exitUsage, "--vacuum is for SQLite's files: PostgreSQL gives back the room of a pruned month at once, and VACUUM (FULL, ANALYZE) agent_status, edr_events in psql that of the rest")
		}
		return a.prune(ctx, c, db, o)
	})
	return cmd
}

func (a *app) prune(ctx context.Context, c config.Config, db *databases, o pruneOptions) error {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return err
	}
	now, _, err := newClock(c, db, a.logger(c.Log)).Check(ctx)
	if err != nil {
		return err
	}
	unfinished, err := db.ledger.Deliveries(ctx, store.Filter{States: []store.State{
		store.Queued, store.Sending, store.HandingOver, store.Deferred, store.Held,
	}})
	if err != nil {
		return err
	}
	fires, err := db.ledger.OpenFires(ctx)
	if err != nil {
		return err
	}
	newest, err := db.detections.NewestRow(ctx, now)
	if err != nil {
		return err
	}
	retention := retentionAt(running(now, newest, zone), unfinished, fires)
	found, err := db.detections.Prunable(ctx, retention)
	if err != nil {
		return err
	}
	archive := daemon.Archive{Dir: c.Archive.Dir}
	expiry, err := archive.Expire(now.Add(-c.Archive.Keep.Duration), unfinished, o.dryRun)
	if err != nil {
		return err
	}
	if !o.dryRun {
		if err := a.pruneDetections(ctx, db.detections, found, now, o.vacuum); err != nil {
			return err
		}
	}
	return a.printPruned(retention, found, expiry, o)
}

// running is the month that the kept ones are counted from: the newest in the data. A feed that has ended, or a
// clock that is ahead, must not take away what there is; rows dated in the future count for nothing.
func running(now, newest time.Time, zone *time.Location) store.Period {
	if newest.IsZero() {
		newest = now
	}
	return store.PeriodOf(newest, zone)
}

// retentionAt keeps the months that unfinished work is computed from.
func retentionAt(running store.Period, unfinished []store.Delivery, fires []store.Fire) store.Retention {
	r := store.Retention{Before: running, Keep: []store.Period{}}
	for range keptMonths {
		r.Before = r.Before.Previous()
	}
	need := func(p store.Period) {
		for _, month := range []store.Period{p.Previous(), p} {
			if month.String() < r.Before.String() && !slices.Contains(r.Keep, month) {
				r.Keep = append(r.Keep, month)
			}
		}
	}
	for _, d := range unfinished {
		need(d.Period)
	}
	for _, f := range fires {
		need(f.Period)
	}
	return r
}

func (a *app) pruneDetections(ctx context.Context, d *sqlstore.Detections, found sqlstore.Pruning, now time.Time, vacuum bool) error {
	bar := newMeter(a.stderr, found.Rows(), "removing rows", false)
	err := d.Prune(ctx, found, now, func(rows int64) { bar.add(int(rows)) })
	bar.end()
	if err == nil && vacuum {
		err = d.Vacuum(ctx)
	}
	return err
}

func (a *app) printPruned(r store.Retention, found sqlstore.Pruning, expiry daemon.Expiry, o pruneOptions) error {
	if o.json {
		j := prunedJSON{DryRun: o.dryRun, Before: r.Before, Kept: r.Keep, Months: []prunedMonthJSON{}, Archive: expiry}
		for _, m := range found.Months {
			j.Months = append(j.Months, prunedMonthJSON(m))
		}
		return writeJSON(a.stdout, j)
	}
	rows := make([][]any, len(found.Months))
	for i, m := range found.Months {
		rows[i] = []any{m.Period, m.Detections, m.Statuses, m.Events, m.Coverage}
	}
	if err := writeTable(a.stdout, columns("month", "detections", "snapshots", "edr events", "coverage"), rows); err != nil {
		return err
	}
	verb := "were removed"
	if o.dryRun {
		verb = "would be removed; nothing was changed"
	}
	fmt.Fprintln(a.stdout)
	err := say(a.stdout, "%d rows of months before %s and %d archived copies (%d bytes) %s", found.Rows(), r.Before, expiry.Copies, expiry.Bytes, verb)
	for _, kept := range r.Keep {
		err = errors.Join(err, say(a.stdout, "%s stays: a delivery or a fire that is not finished needs it; see geppo status", kept))
	}
	return err
}

// refusePrunedRun lets a resend of a pruned month be followed to its end.
func refusePrunedRun(ctx context.Context, db *databases, p store.Period) error {
	counts, err := db.ledger.CountStates(ctx, store.Filter{Period: p})
	if err != nil {
		return err
	}
	for state, n := range counts {
		if state.Pending() && n > 0 {
			return nil
		}
	}
	return desk.Desk{Detections: db.detections}.NotPruned(ctx, p)
}
