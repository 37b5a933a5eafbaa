package console

import (
	"context"
	"time"

	"geppo/cmd/internal/desk"
	"geppo/store"
)

// Office does what the pages only ask for: it is the desk, whose word is worded here.
type Office interface {
	Acts
	Letters
	Lists
}

// Acts plans and does what an operator asks. An error that is a *desk.Refusal is for the person to read.
type Acts interface {
	// Consider says what a request would do, and changes nothing.
	Consider(context.Context, desk.Request) (desk.Outline, error)
	Do(context.Context, desk.Request) (desk.Done, error)
}

// Letters gives mails as their readers get them.
type Letters interface {
	Letter(context.Context, store.Delivery) (desk.Letter, error)
	Preview(ctx context.Context, contract string, p store.Period) (desk.Letter, error)
}

// Lists are read from more than one place.
type Lists interface {
	Search(ctx context.Context, text string, most int) ([]store.Hit, error)
	Addresses(ctx context.Context, contract store.Contract) (list []desk.Registered, stop *store.Stop, err error)
	Stale(ctx context.Context, p store.Period, contracts []string, progress func(done, of int)) ([]desk.StaleReport, error)
	Feeds(context.Context) ([]desk.Feed, error)
	Fires(most int) []time.Time
}
