package desk

import (
	"context"
	"slices"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/store"
)

// What operators look at: mails, addresses, feeds, the next fires.

// Letter is a mail, and how it is known.
type Letter struct {
	Message []byte
	Source  Source
}

// Source is where a mail was taken from.
type Source string

// The sources.
const (
	Archived Source = "archived" // the copy that was kept when it was handed over
	Same     Source = "same"     // composed again, and its bytes are those that were handed over
	Differs  Source = "differs"  // composed again, with other bytes: templates or configuration have changed since
	Unsent   Source = "unsent"   // as it would be handed over now
)

// Letter gives the mail of a delivery.
func (d Desk) Letter(ctx context.Context, of store.Delivery) (Letter, error) {
	l, err := d.Composer.Letter(ctx, of)
	if err != nil {
		return Letter{}, refused(err)
	}
	shown := Letter{Message: l.Message, Source: Unsent}
	switch {
	case l.Archived:
		shown.Source = Archived
	case l.Same(of):
		shown.Source = Same
	case of.SHA256 != nil:
		shown.Source = Differs
	}
	return shown, nil
}

// Preview gives the mail that a contract would get of a period, to the first of its addresses.
func (d Desk) Preview(ctx context.Context, id string, p store.Period) (Letter, error) {
	contract, err := d.Detections.Contract(ctx, id)
	if err != nil {
		return Letter{}, err
	}
	if err := d.reported(ctx, id, p); err != nil {
		return Letter{}, err
	}
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	if err != nil {
		return Letter{}, err
	}
	to := store.Recipient{Address: "nobody@localhost"} // a report can be looked at before there is anybody to get it
	if usable, _ := addresses.Of(contract); len(usable) > 0 {
		to = usable[0]
	}
	ids, _ := d.Planner.IDsOf(contract.Brand) // the composer knows the brand
	l, err := d.Composer.Preview(ctx, store.Delivery{
		Contract: id, Period: p, Recipient: to.Address, RecipientName: to.Name, DatedAt: PreviewDate(contract, p),
		MessageID: daemon.MessageID(ids, id, p, 1, to.Address, 0),
	})
	return Letter{Message: l.Message, Source: Unsent}, refused(err)
}

// reported refuses a period of which a contract gets no report: it had not begun yet, or had ended.
func (d Desk) reported(ctx context.Context, contract string, p store.Period) error {
	_, err := d.Planner.Contracts(ctx, daemon.Request{Period: p, Contracts: []string{contract}})
	return err
}

// PreviewDate stands in for the date of sending, so that equal reports preview as equal bytes: the
// first of the next month, 9 o'clock in the contract's zone.
func PreviewDate(contract store.Contract, p store.Period) time.Time {
	zone, err := time.LoadLocation(contract.Timezone)
	if err != nil {
		zone = time.UTC
	}
	_, end := p.Bounds(zone)
	return time.Date(end.Year(), end.Month(), end.Day(), 9, 0, 0, 0, zone)
}

// Addresses are those of a contract, with what keeps mail from each; stop is what the contract itself said, nil: nothing.
func (d Desk) Addresses(ctx context.Context, contract store.Contract) (list []daemon.Registered, stop *store.Stop, err error) {
	addresses, err := daemon.ReadAddresses(ctx, d.Ledger)
	if err != nil {
		return nil, nil, err
	}
	stops, err := d.Ledger.Stops(ctx)
	i := slices.IndexFunc(stops, func(s store.Stop) bool { return s.Kind == store.StopContract && s.Name == contract.ID })
	if i >= 0 {
		stop = &stops[i]
	}
	return addresses.Registered(contract), stop, err
}

// Feed is a source of files, by its last import.
type Feed struct {
	store.ImportRecord
	Usual  time.Duration // how often it comes; 0: not known
	Silent bool          // it used to come, and does not any more
}

// Feeds are the sources of files, with those that have fallen silent.
func (d Desk) Feeds(ctx context.Context) (list []Feed, err error) {
	feeds, err := d.Detections.Feeds(ctx, time.Time{})
	if err != nil {
		return nil, err
	}
	for _, record := range feeds {
		list = append(list, Feed{ImportRecord: record})
	}
	if d.Inbox == nil {
		return list, nil
	}
	for _, silent := range d.Inbox.Silent() {
		for i := range list {
			if list[i].Feed == silent.Feed {
				list[i].Silent, list[i].Usual = true, silent.Usual
			}
		}
	}
	return list, nil
}

// Fires are the next ones of the schedule.
func (d Desk) Fires(most int) (list []time.Time) {
	at := d.Now()
	for range most {
		if at = d.Schedule.Next(at); at.IsZero() {
			break
		}
		list = append(list, at)
	}
	return list
}
