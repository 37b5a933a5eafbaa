package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/harmless"
	"geppo/store"
	"geppo/store/sqlstore"
)

// followup is a line of the support desk's list.
type followup struct {
	Contract string        `json:"contract"`
	Company  string        `json:"company"`
	Feature  store.Feature `json:"feature"`
	Result   string        `json:"result"`
	Endpoint string        `json:"endpoint"`
	Name     string        `json:"name"`
	Count    int64         `json:"count"`
	First    store.Day     `json:"first"`
	Last     store.Day     `json:"last"`

	line desk.FollowUp
}

func (a *app) followupsCommand() *cobra.Command {
	var periodFlag string
	var asCSV, asJSON bool
	cmd := &cobra.Command{
		Use:   "followups --period P",
		Short: "List what the support desk must follow up",
		Long: `Lists, by contract and endpoint, the detections that the product could not handle: 要確認 (uncleanable), 駆除されていません
(noncleaned) and 安全ではない (unsafe). The figures are those of the frozen reports; a report that is not frozen yet is computed.`,
		Example: "  geppo followups --period 2026-10 --csv > followups.csv",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&periodFlag, "period", "", "month, `YYYY-MM`")
	cmd.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		p, err := period(periodFlag)
		if err != nil {
			return err
		}
		if err := newPlanner(c, db).Begun(p); err != nil {
			return err
		}
		composer, err := newComposer(c, db, a.logger(c.Log))
		if err != nil {
			return err
		}
		list, missing, err := followups(ctx, composer, p)
		if err != nil {
			return err
		}
		if asCSV && !asJSON {
			err = writeFollowups(a.stdout, list)
		} else {
			err = printList(a.stdout, asJSON, followupColumns, list, followup.row)
		}
		if err == nil && len(missing) > 0 {
			err = fmt.Errorf("%d contracts are missing from the list; the first is %s: %s; mend its data, then list again",
				len(missing), missing[0].Contract, missing[0].Reason)
		}
		return err
	})
	return cmd
}

// resultsInJapanese are the words of the vendor's console, by which the desk speaks of them.
var resultsInJapanese = map[string]string{"uncleanable": "要確認", "noncleaned": "駆除されていません", "unsafe": "安全ではない"}

func (f followup) word() string { return cmp.Or(resultsInJapanese[f.Result], f.Result) }

// followupColumns are for people: what happened stands under whose machine it was.
var followupColumns = columnsAbove("contract", "company", "endpoint", "result", "count", "last", "what and since when")

func (f followup) row() []any {
	return []any{f.Contract, f.Company, f.Endpoint, f.word(), f.Count, f.Last, fmt.Sprintf("%s (%s), %s", f.Name, f.Feature, f.First)}
}

// followups is the desk's list as it is printed.
func followups(ctx context.Context, composer *daemon.Composer, p store.Period) ([]followup, []store.RunError, error) {
	lines, missing, err := desk.FollowUps(ctx, composer, p)
	list := make([]followup, len(lines))
	for i, f := range lines {
		list[i] = followup{f.Contract, f.Company, f.Feature, f.Result, f.Endpoint, f.Name, f.Count, f.From, f.To, f}
	}
	return list, missing, err
}

// newSummarizer tells the operators how a run ended; list is followups, or what does more with its answer.
func newSummarizer(operators daemon.Operators,
	list func(context.Context, *daemon.Composer, store.Period) ([]followup, []store.RunError, error),
) *daemon.Summarizer {
	d := operators.Dispatcher
	return &daemon.Summarizer{
		Operators: operators,
		FollowUps: func(ctx context.Context, p store.Period) (f daemon.FollowUps, err error) {
			found, missing, err := list(ctx, d.Composer, p)
			if err != nil {
				return f, err
			}
			f.Lines, f.Missing = len(found), missing
			f.CSV, err = followupsFile(found)
			return f, err
		},
	}
}

// followupsFile is the list as it is attached to the summary, nil if it is empty.
func followupsFile(list []followup) ([]byte, error) {
	if len(list) == 0 {
		return nil, nil
	}
	var csv bytes.Buffer
	err := writeFollowups(&csv, list)
	return csv.Bytes(), err
}

func writeFollowups(w io.Writer, list []followup) error {
	table := harmless.NewCSV(w, desk.FollowUpColumns)
	for _, f := range list {
		if err := table.Row(f.line.Cells(f.word(), string(f.Feature))...); err != nil {
			return err
		}
	}
	return table.End()
}
