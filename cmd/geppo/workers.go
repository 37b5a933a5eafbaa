package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/store"
	"geppo/store/sqlstore"
)

// workerJSON is a worker as --json prints it; a time that is not known is left out.
type workerJSON struct {
	Name      string     `json:"name"`
	Build     string     `json:"build"`
	Lives     bool       `json:"lives"`
	UnderWay  int        `json:"under_way"`
	StartedAt time.Time  `json:"started_at"`
	BeatAt    *time.Time `json:"beat_at,omitempty"`
}

func (a *app) workersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "workers",
		Short: "List the processes that send",
		Long: `Lists every process that sends from the ledger, or has left deliveries under way: its name, its version, how many deliveries
are in its hands, and when it last showed that it lives. What a silent one has claimed goes to others after half a minute,
what it was handing over after the relay's time-out (geppo help postgresql). On SQLite there is one at a time.`,
		Example: "  geppo workers",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, _ []string) error {
		workers, err := db.ledger.Workers(ctx)
		if err != nil {
			return err
		}
		return a.printWorkers(workers, asJSON)
	})
	return cmd
}

func (a *app) printWorkers(workers []store.Worker, asJSON bool) error {
	if asJSON {
		list := []workerJSON{}
		for _, w := range workers {
			j := workerJSON{Name: w.Name, Build: w.Build, Lives: w.Lives, UnderWay: w.UnderWay, StartedAt: w.StartedAt}
			if !w.BeatAt.IsZero() {
				j.BeatAt = &w.BeatAt
			}
			list = append(list, j)
		}
		return writeJSON(a.stdout, list)
	}
	if len(workers) == 0 {
		return say(a.stdout, "nobody sends; geppo serve or geppo run does")
	}
	rows := make([][]any, len(workers))
	for i, w := range workers {
		heart := fmt.Sprintf("%s ago", w.Silent.Round(time.Second))
		switch {
		case w.Lives && w.BeatAt.IsZero():
			heart = "lives"
		case !w.Lives && (w.BeatAt.IsZero() || w.BeatAt.Unix() == 0):
			heart = "dead"
		case !w.Lives:
			heart += ", silent"
		}
		rows[i] = []any{w.Name, w.UnderWay, heart, w.StartedAt, w.Build}
	}
	return writeTable(a.stdout, columnsAbove("worker", "under way", "last heartbeat", "started", "version"), rows)
}
