package daemon

import (
	"context"
	"fmt"
	"slices"

	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Summarizer tells the operators how a run ended.
type Summarizer struct {
	Operators
	// FollowUps lists the support desk's work of a period.
	FollowUps func(context.Context, store.Period) (FollowUps, error)
}

// FollowUps is the support desk's work as it is attached to a summary.
type FollowUps struct {
	CSV     []byte // nil if there is none
	Lines   int
	Missing []store.RunError // contracts whose report could not be read
}

// mostProblems bounds the mail; geppo status lists all.
const mostProblems = 100

// Send writes to the operators.
func (s *Summarizer) Send(ctx context.Context, run store.Run) error {
	if len(s.Addresses) == 0 {
		return nil
	}
	summary, err := s.summary(ctx, run)
	if err != nil {
		return fmt.Errorf("summary of run %d: %w", run.ID, err)
	}
	parts, err := render.SummaryParts(s.Templates, summary)
	if err != nil {
		return err
	}
	return s.mail(ctx, parts, fmt.Sprintf("summary of run %d", run.ID))
}

// standing counts the deliveries of a run's period, and tells whether anything of it is left.
func standing(ctx context.Context, ledger *sqlstore.Ledger, run store.Run) (summary render.Summary, err error) {
	counts, err := ledger.CountStates(ctx, store.Filter{Period: run.Period})
	if err != nil {
		return summary, err
	}
	summary = render.Summary{Period: run.Period.String(), States: map[string]int{}}
	for state, n := range counts {
		summary.States[string(state)] = n
		summary.Total += n
		if state.Pending() {
			summary.Waiting += n
		}
	}
	summary.Done = summary.States[string(store.Sent)] == summary.Total && len(run.Errors)+len(run.Waiting) == 0
	summary.Pending = summary.Waiting > 0
	return summary, nil
}

func (s *Summarizer) summary(ctx context.Context, run store.Run) (summary render.Summary, err error) {
	ledger, filter := s.Dispatcher.Ledger, store.Filter{Period: run.Period}
	summary, err = standing(ctx, ledger, run)
	if err != nil {
		return summary, err
	}
	for _, e := range run.Errors {
		summary.Errors = append(summary.Errors, render.SummaryError(e))
	}
	for _, w := range run.Waiting[:min(len(run.Waiting), mostProblems)] {
		summary.Errors = append(summary.Errors, render.SummaryError(w))
	}
	filter.States = slices.DeleteFunc(slices.Clone(store.States), func(s store.State) bool { return s == store.Sent || s == store.Queued })
	filter.Unacknowledged = true
	problems, err := ledger.Deliveries(ctx, filter)
	if err != nil {
		return summary, err
	}
	problems = slices.DeleteFunc(problems, func(d store.Delivery) bool { return d.ReplacedBy != 0 }) // the resend tells
	for _, d := range problems[:min(len(problems), mostProblems)] {
		reason := d.Reason
		if reason == "" {
			reason = d.LastReply
		}
		summary.Problems = append(summary.Problems, render.SummaryProblem{ID: d.ID, Contract: d.Contract, Recipient: d.Recipient, State: string(d.State), Reason: reason})
	}
	list, err := s.FollowUps(ctx, run.Period)
	if err != nil {
		return summary, err
	}
	summary.CSV, summary.FollowUps = list.CSV, list.Lines
	for _, m := range list.Missing[:min(len(list.Missing), mostProblems)] {
		summary.Errors = append(summary.Errors, render.SummaryError(m))
	}
	return summary, nil
}
