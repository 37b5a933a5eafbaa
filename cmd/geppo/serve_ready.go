package main

import (
	"context"
	"fmt"
	"time"

	"geppo/cmd/internal/console"
	geppod "geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

// relayFresh is for how long /readyz repeats what was learned of the relay, so that it may be asked
// often.
const relayFresh = time.Minute

// checks are what /readyz answers by.
func (s *service) checks() []console.Check {
	return []console.Check{
		{Name: "database", Run: s.databaseReady},
		{Name: "queue", Run: s.queueReady},
		{Name: "schedule", Run: s.scheduleReady},
		{Name: "relay", Run: func(ctx context.Context) error { return s.daemon.Relay.Ask(ctx, relayFresh) }},
	}
}

func (s *service) databaseReady(ctx context.Context) error {
	if _, err := s.db.ledger.Pauses(ctx); err != nil {
		return err
	}
	_, err := s.db.detections.LastImport(ctx)
	return err
}

func (s *service) queueReady(ctx context.Context) error {
	return geppod.StandStill(ctx, s.post.Seat)
}

func (s *service) scheduleReady(ctx context.Context) error {
	pauses, err := s.db.ledger.Pauses(ctx)
	if err != nil {
		return err
	}
	for _, p := range pauses {
		if p.Cause == store.CauseClock {
			return fmt.Errorf("%w: %s", geppod.ErrClock, p.Reason)
		}
	}
	fires, err := s.db.ledger.OpenFires(ctx)
	if err == nil && len(fires) > 0 {
		err = fmt.Errorf("the fire of %s is %s", fires[0].DueAt.Format(time.RFC3339), fires[0].State)
	}
	return err
}

// login logs in to the relay of the settings in force and out again; before there are any, to first.
func (s *service) login(first *mailer.Client) func(context.Context) error {
	return func(ctx context.Context) error {
		client := first
		if settings := s.daemon.Current(); settings != nil {
			client = settings.Dispatcher.Client
		}
		conn, err := client.Connect(ctx)
		if err != nil {
			return err
		}
		return conn.Close()
	}
}
