package main

import (
	"time"

	geppod "geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
)

// desk is the desk that the console asks, with the settings in force.
func (s *service) desk(first geppod.Settings) desk.Desk {
	settings := first
	if now := s.daemon.Current(); now != nil {
		settings = *now
	}
	return desk.Desk{
		Ledger: s.db.ledger, Detections: s.db.detections, Composer: settings.Dispatcher.Composer, Planner: settings.Scheduler.Planner,
		Sender: settings.Dispatcher, Inbox: settings.Inbox, Schedule: settings.Scheduler.Schedule, Now: time.Now,
	}
}
