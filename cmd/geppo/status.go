package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/desk"
	"geppo/store"
	"geppo/store/sqlstore"
)

// The JSON forms that other programs read: their names are a contract. A time that is not there is null.
type (
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

// wentWrong are the states that a person must do something about, or acknowledge.
var wentWrong = []store.State{store.Failed, store.Held, store.Bounced, store.Cancelled}

func (a *app) statusCommand() *cobra.Command {
	var f selectionFlags
	var search string
	var asJSON, undone bool
	cmd := &cobra.Command{
		Use:   "status [--period P] [--state S]… [--undone] [--contract C]… [--search TEXT]",
		Short: "Show how the months stand, or deliveries with their last reply and next attempt",
		Long: `Without a filter, sums up each open month: how many deliveries are in each state, and what a person must do. With one,
lists the deliveries; --search finds them by address, company or contract.`,
		Example: `  geppo status
  geppo status --period 2026-10 --undone
  geppo status --period 2026-10 --state deferred --state held
  geppo status --search kanri@example.jp`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&f.period, "period", "", "only this month, `YYYY-MM`")
	cmd.Flags().StringArrayVar(&f.states, "state", nil, "only deliveries in this state; may be repeated")
	cmd.Flags().StringArrayVar(&f.contracts, "contract", nil, "only this contract `ID`; may be repeated")
	cmd.Flags().StringVar(&search, "search", "", "only what has this `TEXT` in its address, company or contract")
	cmd.Flags().BoolVar(&undone, "undone", false, "only what went wrong and was not acknowledged")
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
		if undone {
			filter.Unacknowledged, filter.Standing = true, true
			if len(filter.States) == 0 {
				filter.States = wentWrong
			}
		}
		if !asJSON && !undone && search == "" && f.period == "" && len(f.states)+len(f.contracts) == 0 {
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
	each := func(take func(store.Delivery) error) error {
		if !any {
			return nil
		}
		return ledger.EachDelivery(ctx, filter, take)
	}
	if asJSON {
		return a.statusJSON(runs, each)
	}
	return a.printStatus(ctx, ledger, runs, each)
}

// statusJSON prints {"runs": […], "deliveries": […]}.
func (a *app) statusJSON(runs []store.Run, each func(func(store.Delivery) error) error) error {
	if _, err := io.WriteString(a.stdout, "{\n  \"runs\": "); err != nil {
		return err
	}
	list := newJSONList(a.stdout, "  ")
	for _, r := range runs {
		if err := list.add(toRunJSON(r)); err != nil {
			return err
		}
	}
	if err := list.end(",\n  \"deliveries\": "); err != nil {
		return err
	}
	list = newJSONList(a.stdout, "  ")
	if err := each(func(d store.Delivery) error { return list.add(toDeliveryJSON(d)) }); err != nil {
		return err
	}
	return list.end("\n}\n")
}

// openFire tells what a fire of the schedule waits for, and what to do.
func openFire(fire store.Fire) string {
	if fire.State == store.FireMissed {
		return fmt.Sprintf("MISSED %s: nobody was there to plan it at %s; geppo run --period %s", fire.Period, clockTime(fire.DueAt), fire.Period)
	}
	return fmt.Sprintf("WAITING %s: contracts wait for data, or for their month's end; import it, and they go out within the hour", fire.Period)
}

func (a *app) printStatus(ctx context.Context, ledger *sqlstore.Ledger, runs []store.Run, each func(func(store.Delivery) error) error) error {
	if err := a.printStops(ctx, ledger); err != nil {
		return err
	}
	if err := printList(a.stdout, false, runColumns, runs, runCells); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	counts := map[store.State]int{}
	list := newListing(a.stdout, false, deliveryColumns, deliveryCells)
	err := each(func(d store.Delivery) error {
		counts[d.State]++
		return list.add(d)
	})
	if err == nil {
		err = list.end()
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	summary := desk.Count(list.n, "delivery", "deliveries")
	for _, state := range store.States {
		if counts[state] > 0 {
			summary += fmt.Sprintf(" · %s %d", state, counts[state])
		}
	}
	return say(a.stdout, "%s", summary)
}

var (
	runColumns      = columnsAbove("run", "kind", "period", "started", "finished", "planned", "cancelled", "errors", "who and why")
	deliveryColumns = columnsAbove("id", "contract", "period", "recipient", "state", "tries", "sent or next", "why")
)

func runCells(r store.Run) []any {
	who := r.RequestedBy
	if r.Reason != "" {
		who += ": " + r.Reason
	}
	return []any{r.ID, r.Kind, r.Period, r.StartedAt, r.FinishedAt, r.Planned, r.Cancelled, len(r.Errors), who}
}

func deliveryCells(d store.Delivery) []any {
	at := d.NextAttemptAt
	if !d.SentAt.IsZero() {
		at = d.SentAt
	}
	return []any{d.ID, d.Contract, d.Period, d.Recipient, stateOf(d), d.Attempts, at, why(d)}
}

// stateOf is a delivery's state for people.
func stateOf(d store.Delivery) string {
	if !d.AcknowledgedAt.IsZero() {
		return string(d.State) + " (dealt with)"
	}
	return string(d.State)
}

// why is the reason that a delivery has its state, and what the relay said last; that of one that was sent is told by show.
func why(d store.Delivery) string {
	if d.State == store.Sent {
		return ""
	}
	reply := d.LastReply
	if d.LastCode != 0 {
		reply = fmt.Sprintf("%d %s", d.LastCode, d.LastReply)
	}
	if d.Reason == "" || reply == "" || strings.Contains(d.Reason, d.LastReply) || strings.Contains(reply, d.Reason) {
		return cmp.Or(d.Reason, reply)
	}
	return d.Reason + ": " + reply
}
