package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/daemon"
	"geppo/store/sqlstore"
)

func (a *app) bounceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "bounce",
		Short: "Read a delivery status notification from standard input",
		Long: `Reads one notification (RFC 3464), as a mail server pipes it in. If it names a mail that was sent – by the Message-ID, by the id
that the relay gave it, or by the return address where [mail] verp = true – that delivery becomes bounced, and an address
that does not exist is marked: nothing is planned to it until an operator adds it again. A delivery that is held because
the relay's reply was lost is settled by what its notification says.

It must run as the user that owns the ledger. "geppo help bounces" shows how Postfix does that, and how geppo serve reads
a Maildir instead.

Exit codes are those a mail server knows: 0 taken, or recognisably no bounce (an absence note, an abuse report, a read
receipt); 65 rubbish, or a notification of somebody else's mail; 75 the ledger cannot be read or written now, so that the
server keeps the mail and tries again.`,
		Example: "  geppo -c /etc/geppo/geppo.toml bounce < notification.eml\n  geppo help bounces",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			said, err := a.takeBounce(cmd.Context())
			var refused *daemon.RefusedError
			switch {
			case errors.As(err, &refused):
				return exitWith(exitData, "bounce: %s", refused.Reason)
			case err != nil:
				// Whatever else is wrong is ours and will be mended; any other code would have the mail thrown away.
				return &codedError{exitPending, fmt.Errorf("bounce: the notification was not taken, try again: %w", err)}
			}
			fmt.Fprintln(a.stdout, printable(said))
			return nil
		}),
	}
}

func (a *app) takeBounce(ctx context.Context) (said string, err error) {
	c, err := a.config()
	if err != nil {
		return "", err
	}
	ledger, err := sqlstore.OpenLedger(ctx, c.Ledger(), sqlstore.Existing)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, ledger.Close()) }()
	said, err = daemon.Bounces{Ledger: ledger, Log: a.logger(c.Log), Now: time.Now}.Take(ctx, a.stdin)
	// A mail server minds a pipe that is closed before it has written all.
	_, drained := io.Copy(io.Discard, a.stdin)
	return said, errors.Join(err, drained)
}
