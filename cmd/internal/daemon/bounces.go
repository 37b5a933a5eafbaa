package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlstore"
)

// Bounces takes notifications of what became of deliveries after the relay had accepted them.
//
// Anybody can write a notification, so it counts for what it knows. It names its delivery by the Message-ID or the token in the
// return address, which are keyed, or by the id that the relay told us alone, and then only for the delivery's own address.
// Taking the same one again changes nothing, so that whoever brings it may repeat it: a mail server whose pipe broke, or a reader of a
// Maildir that was killed.
type Bounces struct {
	Ledger *sqlstore.Ledger
	Log    *slog.Logger
	Now    func() time.Time
}

// RefusedError says that a mail is no notification that can be acted on, whoever brings it again.
type RefusedError struct{ Reason string }

func (e *RefusedError) Error() string { return e.Reason }

// Take reads one mail and records what it says, which it tells in a sentence. A *RefusedError is about the mail; with any other error
// it was not taken, and must be brought again.
func (b Bounces) Take(ctx context.Context, mail io.Reader) (said string, err error) {
	raw, err := io.ReadAll(io.LimitReader(mail, mailer.MaxBounce))
	if err != nil {
		return "", fmt.Errorf("read notification: %w", err)
	}
	bounce, err := mailer.ReadBounce(raw)
	if errors.Is(err, mailer.ErrNoBounce) {
		b.Log.Info("a mail to the bounce address needs nothing done", "reason", err)
		return err.Error() + "; nothing was changed", nil
	}
	if err != nil {
		return "", &RefusedError{err.Error()}
	}
	d, err := b.match(ctx, bounce)
	if errors.Is(err, store.ErrNotFound) {
		name := slices.Concat(bounce.MessageIDs, bounce.Tokens, bounce.RelayIDs)[0]
		return "", &RefusedError{fmt.Sprintf("it reports on message %s, which is none of ours; nothing was changed", name)}
	}
	if err != nil {
		return "", err
	}
	said, err = b.record(ctx, d, bounce)
	if errors.Is(err, store.ErrNotFound) {
		return "", &RefusedError{fmt.Sprintf("delivery %d is %s and was never handed over; nothing was changed", d.ID, d.State)}
	}
	return said, err
}

// match finds the delivery that a notification names, or store.ErrNotFound.
func (b Bounces) match(ctx context.Context, bounce mailer.Bounce) (store.Delivery, error) {
	for _, id := range bounce.MessageIDs {
		if d, err := b.Ledger.DeliveryOf(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return d, err
		}
	}
	if len(bounce.RelayIDs) > 0 {
		if d, err := b.matchRelay(ctx, bounce); !errors.Is(err, store.ErrNotFound) {
			return d, err
		}
	}
	for _, token := range bounce.Tokens {
		if d, err := b.Ledger.DeliveryOfPrefix(ctx, mailer.TokenPrefix(token)); !errors.Is(err, store.ErrNotFound) {
			return d, err
		}
	}
	return store.Delivery{}, store.ErrNotFound
}

// matchRelay looks for the relay's id among the replies to what went to the addresses of the notification.
func (b Bounces) matchRelay(ctx context.Context, bounce mailer.Bounce) (store.Delivery, error) {
	for _, r := range bounce.Recipients {
		for _, address := range []string{r.Original, r.Address} {
			if address == "" {
				continue
			}
			list, err := b.Ledger.DeliveriesTo(ctx, address)
			if err != nil {
				return store.Delivery{}, err
			}
			i := slices.IndexFunc(list, func(d store.Delivery) bool {
				return slices.Contains(bounce.RelayIDs, mailer.RelayID(d.LastReply))
			})
			if i >= 0 {
				return list[i], nil
			}
		}
	}
	return store.Delivery{}, store.ErrNotFound
}

// record writes what a notification says of its delivery.
func (b Bounces) record(ctx context.Context, d store.Delivery, bounce mailer.Bounce) (said string, err error) {
	of, direct := bounce.Of(d.Recipient)
	if !direct {
		// Of another address: the reader forwards the mail, and it did not arrive there. That is no
		// reason to mark the address we know.
		of = bounce.Worst()
		of.Hard = false
	}
	text := of.Status + " " + of.Diagnostic
	log := b.Log.With("delivery", d.ID, "contract", d.Contract, "period", d.Period, "recipient", d.Recipient)
	if of.Action != "failed" {
		if err := b.Ledger.Accepted(ctx, d, "a notification says: "+of.Action+" "+text, b.Now()); err != nil {
			return "", err
		}
		log.Info("a notification that needs nothing done", "action", of.Action, "diagnostic", text)
		return fmt.Sprintf("delivery %d: %s", d.ID, of.Action), nil
	}
	if err := b.Ledger.Bounce(ctx, d, text, of.Hard, b.Now()); err != nil {
		return "", err
	}
	log.Warn("bounced", "hard", of.Hard, "diagnostic", text)
	return fmt.Sprintf("delivery %d bounced: %s", d.ID, text), nil
}
