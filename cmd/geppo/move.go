package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/files"
	"geppo/store"
	"geppo/store/sqlstore"
)

type moveOptions struct {
	from, to string
	json     bool
}

// movedJSON is what became of one kind of data.
type movedJSON struct {
	Of      string `json:"of"`
	From    string `json:"from"`
	To      string `json:"to"`
	Rows    int64  `json:"rows"`
	Already bool   `json:"already"` // an earlier move had copied it
}

func (a *app) moveCommand() *cobra.Command {
	var o moveOptions
	cmd := &cobra.Command{
		Use:   "move --to DSN",
		Short: "Move the databases to PostgreSQL, or back to files",
		Long: `Copies the detections and the ledger to an empty place, reads both again and compares every row. Both places are paused
then, as by an operator: nothing is sent from either before somebody has said geppo resume at the new one. The old one
stays as it was, and must never be resumed: what is sent from both is sent twice.

No geppo may send or import meanwhile. What was cut off is begun again by the same command: it copies what is missing, and
compares the rest. A password has no place on a command line: it stands in ~/.pgpass (geppo help postgresql).`,
		Example: `  geppo move --to postgres://geppo@db.example.jp/geppo
  geppo move --from postgres://geppo@db.example.jp/geppo --to sqlite:/var/lib/geppo/geppo.db`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&o.from, "from", "", "`DSN` of the ledger that is moved, the detections beside it (default those of the configuration)")
	cmd.Flags().StringVar(&o.to, "to", "", "`DSN` of the ledger's new place, the detections beside it")
	cmd.Flags().BoolVar(&o.json, "json", false, "print JSON")
	cmd.RunE = a.do(func(cmd *cobra.Command, _ []string) error { return a.move(cmd.Context(), o) })
	return cmd
}

func (a *app) move(ctx context.Context, o moveOptions) error {
	moves, err := a.planMove(o)
	if err != nil {
		return err
	}
	ledger := moves[len(moves)-1]
	if err := pauseSource(ctx, ledger.From, ledger.To); err != nil {
		return err
	}
	for i := range moves {
		m := &moves[i]
		bar := newMeter(a.stderr, -1, "moving rows of the "+m.Of, false)
		done, err := sqlstore.Move(ctx, m.Of, m.From, m.To, func(p sqlstore.Moving) { bar.add(int(p.Rows)) })
		bar.end()
		if err != nil {
			return fmt.Errorf("%w; %s stays paused: begin again, or geppo resume to stay there", err, sqlstore.Shown(ledger.From))
		}
		m.Rows, m.Already = done.Rows, done.Already
		m.From, m.To = sqlstore.Shown(m.From), sqlstore.Shown(m.To)
	}
	if o.json {
		return writeJSON(a.stdout, moves)
	}
	for _, m := range moves {
		how := "copied"
		if m.Already {
			how = "there already"
		}
		fmt.Fprintf(a.stdout, "%s: %d rows %s, and the same in %s as in %s\n", m.Of, m.Rows, how, printable(m.To), printable(m.From))
	}
	_, err = fmt.Fprintf(a.stderr, "both are paused: set store.dsn to the new place, start geppo, and say geppo resume there; never at %s\n", printable(moves[1].From))
	return err
}

// planMove says what goes where, the ledger last: it is the one that must not change meanwhile.
func (a *app) planMove(o moveOptions) ([]movedJSON, error) {
	if o.to == "" {
		return nil, exitWith(exitUsage, "--to is missing; name the new place as postgres://USER@HOST/DATABASE or sqlite:PATH")
	}
	detections := movedJSON{Of: "detections", From: sqlstore.DetectionsBeside(o.from), To: sqlstore.DetectionsBeside(o.to)}
	ledger := movedJSON{Of: "ledger", From: o.from, To: o.to}
	if o.from == "" {
		c, err := a.config()
		if err != nil {
			return nil, err
		}
		detections.From, ledger.From = c.Detections(), c.Ledger()
	}
	for _, dsn := range []string{ledger.From, ledger.To} {
		if _, err := sqlstore.ParseDSN(dsn); err != nil {
			return nil, &codedError{exitUsage, err}
		}
	}
	if sqlstore.Shown(ledger.From) == sqlstore.Shown(ledger.To) {
		return nil, exitWith(exitUsage, "%s is where the ledger is; name another place", sqlstore.Shown(ledger.To))
	}
	for _, m := range []movedJSON{detections, ledger} {
		if parsed, err := sqlstore.ParseDSN(m.To); err == nil && parsed.Path != "" {
			if err := files.OwnerOf(parsed.Path).Make(parsed.Path); err != nil {
				return nil, &codedError{exitUnavailable, err}
			}
		}
	}
	return []movedJSON{detections, ledger}, nil
}

// pauseSource keeps the old place from sending, from now on.
func pauseSource(ctx context.Context, from, to string) (err error) {
	ledger, err := sqlstore.OpenLedger(ctx, from, sqlstore.Existing)
	if err != nil {
		return &codedError{exitUnavailable, err}
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	workers, err := ledger.Workers(ctx)
	if err != nil {
		return err
	}
	for _, w := range workers {
		if w.Lives {
			return exitWith(exitUnavailable, "%s sends from %s; stop every geppo, and move it then", w.Name, sqlstore.Shown(from))
		}
	}
	pauses, err := ledger.Pauses(ctx)
	if err != nil || slices.ContainsFunc(pauses, func(p store.Pause) bool { return p.Cause == store.CauseOperator }) {
		return err
	}
	reason := fmt.Sprintf("moved from %s to %s: resume it there alone", sqlstore.Shown(from), sqlstore.Shown(to))
	return ledger.Pause(ctx, store.CauseOperator, reason, desk.Operator(), time.Now())
}
