package desk

import (
	"context"
	"errors"
	"fmt"
	"net/mail"

	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/store"
)

// TestSend sends the mail of a contract and period to an address of the operator's, apart from the deliveries, and
// gives the relay's reply.
func (d Desk) TestSend(ctx context.Context, contract string, p store.Period, to string, order store.Order) (mailer.Reply, error) {
	address, err := mail.ParseAddress(to)
	if err == nil {
		err = store.CheckAddress(address.Address)
	}
	if err != nil {
		return mailer.Reply{}, daemon.Misuse("bad-address", "%q is not an address such as me@example.jp", to)
	}
	if err := d.reported(ctx, contract, p); err != nil {
		return mailer.Reply{}, err
	}
	reply, err := d.Sender.TestSend(ctx, d.Planner, store.TestSend{Contract: contract, Period: p, RequestedBy: order.By}, *address)
	var failure *mailer.Error
	if errors.As(err, &failure) {
		err = daemon.Refuse("relay", "test mail to %s: %w; check [smtp]", address.Address, err)
	}
	order.What = fmt.Sprintf("--contract %s --period %s --to %s", contract, p, address.Address)
	if noted := d.Ledger.Note(context.WithoutCancel(ctx), "test-send", order, d.Now()); noted != nil && err == nil {
		err = noted
	}
	return reply, err
}
