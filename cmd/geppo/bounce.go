package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/mailer"
	"geppo/store"
	"geppo/store/sqlite"
)

func (a *app) bounceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bounce",
		Short: "Read a delivery status notification from standard input",
		Long: `Reads one notification (RFC 3464), as a mail server pipes it in. If it carries the Message-ID of a mail that was sent, that
delivery becomes bounced, and an address that does not exist is marked: nothing is planned to it until an operator
adds it again. Anything else is refused (exit code 65) and changes nothing.`,
		Example: "  geppo bounce < notification.eml\n  # Postfix, /etc/aliases:\n  geppo-bounce: \"|/usr/local/bin/geppo bounce\"",
		Args:    cobra.NoArgs,
	}
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		bounce, err := mailer.ReadBounce(a.stdin)
		if err != nil {
			return &codedError{exitData, fmt.Errorf("bounce: %w", err)}
		}
		delivery, err := db.ledger.DeliveryOf(ctx, bounce.MessageID)
		if errors.Is(err, store.ErrNotFound) {
			return exitWith(exitData, "bounce: it reports on message %s, which is none of ours; nothing was changed", bounce.MessageID)
		}
		if err != nil {
			return err
		}
		return a.recordBounce(ctx, c, db.ledger, delivery, bounce)
	})
	return cmd
}

func (a *app) recordBounce(ctx context.Context, c config.Config, ledger *sqlite.Ledger, d store.Delivery, bounce mailer.Bounce) error {
	of, direct := bounce.Of(d.Recipient)
	if !direct {
		// Of another address: the reader forwards the mail, and it did not arrive there. That is no
		// reason to mark the address we know.
		if of = firstFailed(bounce); of.Action == "" {
			of = bounce.Recipients[0]
		}
		of.Hard = false
	}
	if of.Action != "failed" {
		_, err := fmt.Fprintf(a.stdout, "delivery %d: %s; nothing was changed\n", d.ID, printable(of.Action))
		return err
	}
	diagnostic := of.Status + " " + of.Diagnostic
	err := ledger.Bounce(ctx, d, diagnostic, of.Hard, time.Now())
	if errors.Is(err, store.ErrNotFound) {
		return exitWith(exitData, "bounce: delivery %d is %s, not sent; nothing was changed", d.ID, d.State)
	}
	if err != nil {
		return err
	}
	a.logger(c.Log).Warn("bounced", "delivery", d.ID, "contract", d.Contract, "period", d.Period, "recipient", d.Recipient,
		"hard", of.Hard, "diagnostic", diagnostic)
	_, err = fmt.Fprintf(a.stdout, "delivery %d bounced: %s\n", d.ID, printable(diagnostic))
	return err
}

func firstFailed(b mailer.Bounce) mailer.BouncedRecipient {
	i := slices.IndexFunc(b.Recipients, func(r mailer.BouncedRecipient) bool { return r.Action == "failed" })
	if i < 0 {
		return mailer.BouncedRecipient{}
	}
	return b.Recipients[i]
}
