package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/mail"
	"slices"

	"geppo/mailer"
	"geppo/render"
	"geppo/store"
)

// Summarizer tells the operators' addresses how a run ended.
type Summarizer struct {
	Dispatcher *Dispatcher // its client, composer and ledger
	Operators  []string    // nobody: nothing is sent
	Domain     string      // of the Message-IDs
	Templates  fs.FS
	// FollowUps lists the support desk's work of a period as CSV, and tells how many lines it has.
	FollowUps func(context.Context, store.Period) (csv []byte, lines int, err error)
}

// mostProblems bounds the mail; geppo status lists all.
const mostProblems = 100

// Send writes to every operator; a failure at one does not keep the others from their mail.
func (s *Summarizer) Send(ctx context.Context, run store.Run) error {
	if len(s.Operators) == 0 {
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
	conn, err := s.Dispatcher.Client.Connect(ctx)
	if err != nil {
		return fmt.Errorf("summary of run %d: %w", run.ID, err)
	}
	var errs []error
	for _, operator := range s.Operators {
		errs = append(errs, s.sendTo(ctx, conn, parts, operator, run))
	}
	return errors.Join(append(errs, conn.Close())...)
}

func (s *Summarizer) sendTo(ctx context.Context, conn *mailer.Conn, parts render.Parts, operator string, run store.Run) error {
	to, err := mail.ParseAddress(operator)
	if err != nil {
		return fmt.Errorf("mail.operators: %q: %w", operator, err)
	}
	now := s.Dispatcher.Now()
	id := mailer.MessageID(s.Domain, "summary", fmt.Sprint(run.ID), to.Address, now.String())
	message, err := s.Dispatcher.Composer.Address(parts, *to, id, now)
	if err != nil {
		return err
	}
	if _, err := conn.Send(ctx, message, func() error { return nil }); err != nil {
		return fmt.Errorf("summary to %s: %w", to.Address, err)
	}
	return nil
}

func (s *Summarizer) summary(ctx context.Context, run store.Run) (summary render.Summary, err error) {
	ledger, filter := s.Dispatcher.Ledger, store.Filter{Period: run.Period}
	counts, err := ledger.CountStates(ctx, filter)
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
	for _, e := range run.Errors {
		summary.Errors = append(summary.Errors, render.SummaryError(e))
	}
	summary.Done = summary.States[string(store.Sent)] == summary.Total && len(run.Errors) == 0
	summary.Pending = summary.Waiting > 0
	filter.States = slices.DeleteFunc(slices.Clone(store.States), func(s store.State) bool { return s == store.Sent || s == store.Queued })
	problems, err := ledger.Deliveries(ctx, filter)
	if err != nil {
		return summary, err
	}
	for _, d := range problems[:min(len(problems), mostProblems)] {
		reason := d.Reason
		if reason == "" {
			reason = d.LastReply
		}
		summary.Problems = append(summary.Problems, render.SummaryProblem{ID: d.ID, Contract: d.Contract, Recipient: d.Recipient, State: string(d.State), Reason: reason})
	}
	summary.CSV, summary.FollowUps, err = s.FollowUps(ctx, run.Period)
	return summary, err
}
