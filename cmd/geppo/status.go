package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// The JSON forms of interface.md; a time that is not there is null.
type (
	statusJSON struct {
		Runs       []runJSON      `json:"runs"`
		Deliveries []deliveryJSON `json:"deliveries"`
	}
	runJSON struct {
		ID          int64        `json:"id"`
		Kind        string       `json:"kind"`
		Period      store.Period `json:"period"`
		StartedAt   time.Time    `json:"started_at"`
		FinishedAt  *time.Time   `json:"finished_at"`
		RequestedBy string       `json:"requested_by"`
		Reason      string       `json:"reason"`
		Planned     int          `json:"planned"`
		Cancelled   int          `json:"cancelled"`
		Errors      []runError   `json:"errors"`
	}
	deliveryJSON struct {
		ID            int64        `json:"id"`
		Contract      string       `json:"contract"`
		Period        store.Period `json:"period"`
		Recipient     string       `json:"recipient"`
		State         store.State  `json:"state"`
		Attempts      int          `json:"attempts"`
		Ambiguous     int          `json:"ambiguous"`
		MessageID     string       `json:"message_id"`
		LastCode      int          `json:"last_code"`
		LastReply     string       `json:"last_reply"`
		NextAttemptAt *time.Time   `json:"next_attempt_at"`
		SentAt        *time.Time   `json:"sent_at"`
		Resend        int          `json:"resend"`
		Revision      int          `json:"revision"`
		Reason        string       `json:"reason"`
		Acknowledged  *time.Time   `json:"acknowledged_at"`
	}
)

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func toRunJSON(r store.Run) runJSON {
	j := runJSON{r.ID, r.Kind, r.Period, r.StartedAt, orNull(r.FinishedAt), r.RequestedBy, r.Reason, r.Planned, r.Cancelled, []runError{}}
	for _, e := range r.Errors {
		j.Errors = append(j.Errors, runError(e))
	}
	return j
}

func toDeliveryJSON(d store.Delivery) deliveryJSON {
	return deliveryJSON{
		d.ID, d.Contract, d.Period, d.Recipient, d.State, d.Attempts, d.Ambiguous, d.MessageID,
		d.LastCode, d.LastReply, orNull(d.NextAttemptAt), orNull(d.SentAt), d.Resend, d.Revision, d.Reason, orNull(d.AcknowledgedAt),
	}
}

func (a *app) statusCommand() *cobra.Command {
	var f selectionFlags
	var search string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [--period P] [--state S]… [--contract C]… [--search TEXT]",
		Short: "Show how the months stand, or deliveries with their last reply and next attempt",
		Long: `Without a filter, sums up each open month: how many deliveries are in each state, and what a person must do. With one,
lists the deliveries; --search finds them by address, company or contract.`,
		Example: `  geppo status
  geppo status --period 2026-10 --state failed --state held
  geppo status --search kanri@example.jp`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&f.period, "period", "", "only this month, `YYYY-MM`")
	cmd.Flags().StringArrayVar(&f.states, "state", nil, "only deliveries in this state; may be repeated")
	cmd.Flags().StringArrayVar(&f.contracts, "contract", nil, "only this contract `ID`; may be repeated")
	cmd.Flags().StringVar(&search, "search", "", "only what has this `TEXT` in its address, company or contract")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, of all deliveries where there is no filter")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		s, err := f.selection(a, nil)
		if err != nil {
			return err
		}
		d := desk.Desk{Ledger: db.ledger, Detections: db.detections, Now: time.Now}
		filter, any, err := d.Filter(ctx, s, search)
		if err != nil {
			return err
		}
		if !asJSON && search == "" && f.period == "" && len(f.states)+len(f.contracts) == 0 {
			return a.summariseStatus(ctx, c, db.ledger)
		}
		return a.status(ctx, db.ledger, filter, any, asJSON)
	})
	return cmd
}

func (a *app) status(ctx context.Context, ledger *sqlstore.Ledger, filter store.Filter, any, asJSON bool) error {
	runs, err := ledger.Runs(ctx, filter.Period)
	if err != nil {
		return err
	}
	var deliveries []store.Delivery
	if any {
		if deliveries, err = ledger.Deliveries(ctx, filter); err != nil {
			return err
		}
	}
	if asJSON {
		status := statusJSON{[]runJSON{}, []deliveryJSON{}}
		for _, r := range runs {
			status.Runs = append(status.Runs, toRunJSON(r))
		}
		for _, d := range deliveries {
			status.Deliveries = append(status.Deliveries, toDeliveryJSON(d))
		}
		return writeJSON(a.stdout, status)
	}
	return a.printStatus(ctx, ledger, runs, deliveries)
}

// openFire tells what a fire of the schedule waits for, and what to do.
func openFire(fire store.Fire) string {
	if fire.State == store.FireMissed {
		return fmt.Sprintf("MISSED %s: nobody was there to plan it at %s; geppo run --period %s", fire.Period, clockTime(fire.DueAt), fire.Period)
	}
	return fmt.Sprintf("WAITING %s: contracts wait for data, or for their month's end; import it, and they go out within the hour", fire.Period)
}

func (a *app) printStatus(ctx context.Context, ledger *sqlstore.Ledger, runs []store.Run, deliveries []store.Delivery) error {
	if err := a.printStops(ctx, ledger); err != nil {
		return err
	}
	rows := make([][]string, len(runs))
	for i, r := range runs {
		rows[i] = []string{
			strconv.FormatInt(r.ID, 10), r.Kind, r.Period.String(), clockTime(r.StartedAt), clockTime(r.FinishedAt),
			strconv.Itoa(r.Planned), strconv.Itoa(r.Cancelled), strconv.Itoa(len(r.Errors)), r.RequestedBy,
		}
	}
	if err := writeTable(a.stdout, []string{"run", "kind", "period", "started", "finished", "planned", "cancelled", "errors", "by"}, rows); err != nil {
		return err
	}
	counts := map[store.State]int{}
	rows = make([][]string, len(deliveries))
	for i, d := range deliveries {
		counts[d.State]++
		rows[i] = []string{
			strconv.FormatInt(d.ID, 10), d.Contract, d.Period.String(), d.Recipient, stateOf(d),
			strconv.Itoa(d.Attempts), clockTime(d.NextAttemptAt), clockTime(d.SentAt), reply(d),
		}
	}
	if _, err := fmt.Fprintln(a.stdout); err != nil {
		return err
	}
	if err := writeTable(a.stdout, []string{"id", "contract", "period", "recipient", "state", "tries", "next", "sent", "last reply"}, rows); err != nil {
		return err
	}
	summary := fmt.Sprintf("\n%d deliveries", len(deliveries))
	for _, state := range store.States {
		if counts[state] > 0 {
			summary += fmt.Sprintf(" · %s %d", state, counts[state])
		}
	}
	_, err := fmt.Fprintln(a.stdout, summary)
	return err
}

// stateOf is a delivery's state for people.
func stateOf(d store.Delivery) string {
	if !d.AcknowledgedAt.IsZero() {
		return string(d.State) + " (dealt with)"
	}
	return string(d.State)
}

func reply(d store.Delivery) string {
	if d.LastCode == 0 {
		return d.LastReply
	}
	return fmt.Sprintf("%d %s", d.LastCode, d.LastReply)
}
