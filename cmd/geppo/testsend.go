package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/mailer"
	"geppo/store/sqlstore"
)

func (a *app) testSendCommand() *cobra.Command {
	var contracts []string
	var periodFlag, to, reason string
	cmd := &cobra.Command{
		Use:   "test-send --contract C --period P --to A",
		Short: "Send a contract's mail to an address of yours",
		Long: `Sends the same message with 【テスト】 before the subject, kept apart from the deliveries: it changes no delivery, freezes no
report, and may be used while a daemon sends.`,
		Example: "  geppo test-send --contract C000001 --period 2026-10 --to me@example.jp",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringArrayVar(&contracts, "contract", nil, "the mail of this contract `ID`; may be repeated")
	cmd.Flags().StringVar(&periodFlag, "period", "", "month of the report, `YYYY-MM`")
	cmd.Flags().StringVar(&to, "to", "", "`ADDRESS` to send to")
	bindReason(cmd, &reason)
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		p, err := period(periodFlag)
		if err != nil {
			return err
		}
		if len(contracts) == 0 {
			return exitWith(exitUsage, "--contract is missing; geppo contracts lists them")
		}
		if err := c.Sending(); err != nil {
			return err
		}
		d, err := a.newDesk(c, db)
		if err != nil {
			return err
		}
		if d.Sender, err = a.newSender(c, db); err != nil {
			return err
		}
		for _, contract := range contracts {
			reply, err := d.TestSend(ctx, contract, p, to, order(reason))
			var failure *mailer.Error
			if errors.As(err, &failure) {
				return &codedError{exitUnavailable, err}
			}
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(a.stdout, "%s sent to %s: %s\n", contract, printable(to), reply); err != nil {
				return err
			}
		}
		return nil
	})
	return cmd
}
