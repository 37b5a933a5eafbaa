package main

import (
	"context"

	geppod "geppo/cmd/internal/daemon"
	"geppo/store"
)

// summary tells the operators how a run ended, and the metrics what is left to the support desk.
func (s *service) summary(operators geppod.Operators) func(context.Context, store.Run) error {
	if len(operators.Addresses) > 0 {
		return newSummarizer(operators, s.followUps).Send
	}
	return func(ctx context.Context, run store.Run) error {
		if run.Kind == "resend" {
			return nil // changes the support desk's list seldom, and costs a minute for 100,000 contracts
		}
		_, _, err := s.followUps(ctx, operators.Dispatcher.Composer, run.Period)
		return err
	}
}

func (s *service) followUps(ctx context.Context, composer *geppod.Composer, p store.Period) (list []followup, missing []store.RunError, err error) {
	list, missing, err = followups(ctx, composer, p)
	if err != nil {
		return nil, nil, err
	}
	for _, m := range missing {
		s.log.Error("a contract is missing from the follow-ups", "contract", m.Contract, "period", p, "error", m.Reason)
	}
	byResult := map[string]int64{}
	for _, f := range list {
		byResult[f.Result] += f.Count
	}
	s.metrics.FollowUps(p, byResult)
	return list, missing, nil
}

// lastFollowUps gives the metrics what the month before a restart has left to the support desk.
func (s *service) lastFollowUps(ctx context.Context, composer *geppod.Composer) {
	runs, err := s.db.ledger.Runs(ctx, store.Period{})
	for i := len(runs) - 1; i >= 0 && err == nil; i-- {
		if !runs[i].FinishedAt.IsZero() {
			_, _, err = s.followUps(ctx, composer, runs[i].Period)
			break
		}
	}
	if err != nil && ctx.Err() == nil {
		s.log.Warn("the follow-ups could not be counted", "error", err)
	}
}
