package daemon

import (
	"context"
	"errors"
	"time"

	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Asking the operators for an approval: at once where all of a month waits for it, and when the canaries are out, or will
// not get out by themselves, where the rest waits for these. It is told once, by mail and by webhook, and told again
// until the mail is out: whoever is to object must know of it.

// Asker tells the operators what awaits their word.
type Asker struct {
	Operators *Operators
	Zone      *time.Location
	posted    map[int64]bool // the first run of what the webhooks were told of, while the mail is tried again
}

// asksEvery is how often it is looked whether something is to be told.
const asksEvery = 20 * time.Second

// Ask tells of what nobody was told yet.
func (a *Asker) Ask(ctx context.Context) error {
	o := a.Operators
	ledger := o.Dispatcher.Ledger
	asks, err := ledger.Unasked(ctx)
	if err != nil || len(asks) == 0 {
		return err
	}
	canaries, err := ledger.Canaries(ctx)
	for i := 0; err == nil && i < len(asks); i++ {
		alert, ready := a.alert(asks[i], canaries)
		if !ready {
			continue
		}
		if err = a.tell(ctx, asks[i], alert); err == nil {
			err = ledger.Asked(ctx, asks[i], o.Dispatcher.Now())
		}
	}
	return err
}

// alert words an ask; it is not ready while canaries are on their way.
func (a *Asker) alert(ask store.Ask, canaries []sqlstore.Canary) (alert render.Alert, ready bool) {
	alert = render.Alert{Kind: render.AlertApproval, Period: ask.Period.String(), Awaiting: ask.Awaiting}
	if ask.Approval != store.ApprovalCanary {
		return alert, true
	}
	for _, c := range canaries {
		if c.Period != ask.Period {
			continue
		}
		alert.Sent, alert.Stuck = c.Sent, c.Stuck
		if follows := c.Follows(a.Operators.Dispatcher.Policy.CanaryWait); !follows.IsZero() {
			alert.Follows = follows.In(a.Zone).Format("2006-01-02 15:04")
		}
		return alert, c.Unsent == c.Stuck
	}
	return alert, false
}

func (a *Asker) tell(ctx context.Context, ask store.Ask, alert render.Alert) error {
	var told error
	if first := ask.Runs[0]; !a.posted[first] {
		told = a.Operators.tell(noticeOf(alert))
		if a.posted == nil {
			a.posted = map[int64]bool{}
		}
		a.posted[first] = true
	}
	return errors.Join(told, a.Operators.alertByMail(ctx, alert))
}

// askLoop asks for approvals while the daemon runs.
func (d *Daemon) askLoop(ctx context.Context, s Settings) {
	asker := Asker{Operators: s.Operators, Zone: s.Scheduler.Zone}
	watch(ctx, asksEvery, asker.Ask, func(err error) {
		d.Log.Error("the operators could not be told what awaits their approval; it is tried again", "error", err)
	})
}
