package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/store"
	"geppo/store/sqlstore"
)

type (
	attemptJSON struct {
		Number    int           `json:"number"`
		StartedAt time.Time     `json:"started_at"`
		EndedAt   *time.Time    `json:"ended_at"`
		Stage     string        `json:"stage"`
		Code      int           `json:"code"`
		Enhanced  string        `json:"enhanced"`
		Reply     string        `json:"reply"`
		TLS       string        `json:"tls"`
		Outcome   store.Outcome `json:"outcome"`
	}
	showJSON struct {
		deliveryJSON
		Run      int64         `json:"run"`
		Attempts []attemptJSON `json:"attempt_log"`
		Actions  []actionJSON  `json:"actions"`
	}
)

func (a *app) showCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "show DELIVERY",
		Short:   "Show one delivery with all its attempts",
		Example: "  geppo show 17",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, _ config.Config, db *databases, args []string) error {
		id, err := strconv.ParseInt(args[0], 10, 64)
		if err != nil {
			return exitWith(exitUsage, "%q is not the number of a delivery; geppo status lists them", args[0])
		}
		delivery, err := db.ledger.Delivery(ctx, id)
		if errors.Is(err, store.ErrNotFound) {
			return fmt.Errorf("there is no delivery %d; geppo status lists them", id)
		}
		if err != nil {
			return err
		}
		attempts, err := db.ledger.Attempts(ctx, id)
		if err != nil {
			return err
		}
		actions, err := db.ledger.ActionsOf(ctx, id)
		if err != nil {
			return err
		}
		return a.show(delivery, attempts, actions, asJSON)
	})
	return cmd
}

func (a *app) show(d store.Delivery, attempts []store.Attempt, actions []store.Action, asJSON bool) error {
	if asJSON {
		j := showJSON{toDeliveryJSON(d), d.Run, []attemptJSON{}, []actionJSON{}}
		for _, action := range actions {
			j.Actions = append(j.Actions, toActionJSON(action))
		}
		for _, t := range attempts {
			j.Attempts = append(j.Attempts, attemptJSON{t.Number, t.StartedAt, orNull(t.EndedAt), t.Stage, t.Code, t.Enhanced, t.Reply, t.TLS, t.Outcome})
		}
		return writeJSON(a.stdout, j)
	}
	var err error
	out, width := bufio.NewWriter(a.stdout), terminalWidth(a.stdout)
	for _, line := range [][2]string{
		{"delivery", strconv.FormatInt(d.ID, 10)},
		{"contract", d.Contract},
		{"period", fmt.Sprintf("%s, revision %d, resend %d", d.Period, d.Revision, d.Resend)},
		{"recipient", strings.TrimSpace(fmt.Sprintf("%s <%s>", d.RecipientName, d.Recipient))},
		{"state", stateOf(d)},
		{"reason", d.Reason},
		{"message-id", d.MessageID},
		{"next attempt", clockTime(d.NextAttemptAt)},
		{"sent", clockTime(d.SentAt)},
		{"sha-256", fmt.Sprintf("%x", d.SHA256)},
	} {
		err = errors.Join(err, labelled(out, 13, line[0], printable(line[1]), width))
	}
	err = errors.Join(err, out.Flush(), a.showAttempts(attempts))
	if err != nil || len(actions) == 0 {
		return err
	}
	fmt.Fprintln(a.stdout)
	return printList(a.stdout, false, actionColumns, actions, actionCells)
}

func (a *app) showAttempts(attempts []store.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout)
	t := columnsAbove("try", "started", "ended", "stage", "outcome", "code", "enhanced", "tls", "reply")
	return printList(a.stdout, false, t, attempts, func(t store.Attempt) []any {
		return []any{t.Number, t.StartedAt, t.EndedAt, t.Stage, t.Outcome, t.Code, t.Enhanced, t.TLS, t.Reply}
	})
}
