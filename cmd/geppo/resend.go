package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/store"
	"geppo/store/sqlite"
)

type resendOptions struct {
	period, contract, to, reason string
	failed, rebuild, force       bool
	queue, json                  bool
}

func (a *app) resendCommand() *cobra.Command {
	var o resendOptions
	cmd := &cobra.Command{
		Use:   "resend --period P (--contract C | --failed) [--to ADDRESS]",
		Short: "Send a report again",
		Long: `Makes new deliveries beside the old ones, with the same frozen report, and follows them to the end. What still waits for
the same address is cancelled, so that no older report arrives after a newer one. --failed takes the deliveries of the
period that failed, are held or bounced, and puts new ones in their place; what was sent is not touched.
One whose address is marked or was removed stays as it is, and counts as an error.
--rebuild computes a corrected report (訂正版) from the detections as they are now, and keeps the old one.

Exit codes are those of geppo run.`,
		Example: `  geppo resend --period 2026-10 --contract C000001 --reason "asked by telephone"
  geppo resend --period 2026-10 --failed
  geppo resend --period 2026-10 --contract C000001 --rebuild --to kanri@example.jp`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&o.period, "period", "", "month of the report, `YYYY-MM`")
	cmd.Flags().StringVar(&o.contract, "contract", "", "contract `ID`")
	cmd.Flags().BoolVar(&o.failed, "failed", false, "every failed, held or bounced delivery of the period")
	cmd.Flags().StringVar(&o.to, "to", "", "only to this `ADDRESS`")
	cmd.Flags().BoolVar(&o.rebuild, "rebuild", false, "a corrected report instead of the frozen one")
	cmd.Flags().StringVar(&o.reason, "reason", "", "why, for the ledger")
	cmd.Flags().BoolVar(&o.force, "force", false, "also to an address that is not registered, or of a month that has not ended")
	cmd.Flags().BoolVar(&o.queue, "queue", false, "return at once; a daemon sends it")
	cmd.Flags().BoolVar(&o.json, "json", false, "print the result as JSON")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		return a.resend(ctx, c, db, o)
	})
	return cmd
}

func (a *app) resend(ctx context.Context, c config.Config, db *databases, o resendOptions) error {
	p, err := period(o.period)
	if err != nil {
		return err
	}
	if (o.contract == "") == !o.failed {
		return exitWith(exitUsage, "name one contract (--contract ID), or --failed")
	}
	if err := c.Sending(); err != nil {
		return err
	}
	sender, err := a.newSender(c, db)
	if err != nil {
		return err
	}
	targets, unreachable, err := resendTargets(ctx, c, db, p, o)
	if err != nil {
		return err
	}
	if len(targets) == 0 && len(unreachable) > 0 {
		return exitWith(exitIncomplete, "nothing can be resent: contract %s: %s", unreachable[0].Contract, unreachable[0].Reason)
	}
	if len(targets) == 0 {
		_, err := fmt.Fprintf(a.stdout, "nothing of %s failed, is held or bounced: nothing to resend\n", p)
		return err
	}
	messages := messageIDs(c, db.ledger)
	run, ids, err := db.ledger.Resend(ctx, store.Resend{
		Period: p, RequestedBy: operator(), What: o.selection(), Reason: o.reason, Targets: targets, Errors: unreachable,
		MessageID: func(t store.ResendTarget, resend int) string {
			return daemon.MessageID(messages, t.Contract, p, t.Revision, t.Address, resend)
		},
	}, time.Now())
	if err != nil {
		return err
	}
	if o.queue {
		_, err := fmt.Fprintf(a.stdout, "%d deliveries queued: geppo show %d and following\n", len(ids), ids[0])
		return err
	}
	return a.sendAndConclude(ctx, c, sender, run, store.Filter{Run: run.ID}, o.json)
}

// selection is what was asked for, for the list of actions.
func (o resendOptions) selection() string {
	what := "--period " + o.period
	for _, flag := range []struct{ name, value string }{{"contract", o.contract}, {"to", o.to}} {
		if flag.value != "" {
			what += " --" + flag.name + " " + flag.value
		}
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{"failed", o.failed}, {"rebuild", o.rebuild}, {"force", o.force}} {
		if flag.set {
			what += " --" + flag.name
		}
	}
	return what
}

// resendTargets says what shall go to whom. One that failed and whose address cannot be written to any
// more stops nothing else: it stays as it is, an error of the run.
func resendTargets(ctx context.Context, c config.Config, db *databases, p store.Period, o resendOptions) (
	targets []store.ResendTarget, unreachable []store.RunError, err error,
) {
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return nil, nil, err
	}
	var wanted []store.ResendTarget
	if o.failed {
		wanted, err = failedTargets(ctx, db, p, o)
	} else {
		wanted, err = contractTargets(ctx, db, addresses, o)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, t := range wanted {
		err := resolveAddress(ctx, db, addresses, o, &t)
		if err != nil && o.failed && o.to == "" {
			unreachable = addError(unreachable, t.Contract, err.Error())
			continue
		}
		if err == nil {
			err = resolveRevision(ctx, c, db, p, o, &t)
		}
		if err != nil {
			return nil, nil, err
		}
		targets = append(targets, t)
	}
	return targets, unreachable, nil
}

func failedTargets(ctx context.Context, db *databases, p store.Period, o resendOptions) (targets []store.ResendTarget, err error) {
	failed, err := db.ledger.Deliveries(ctx, store.Filter{Period: p, States: []store.State{store.Failed, store.Held, store.Bounced}})
	for _, d := range failed {
		if o.to == "" || store.Mailbox(o.to) == store.Mailbox(d.Recipient) {
			targets = append(targets, store.ResendTarget{Contract: d.Contract, Address: d.Recipient, Name: d.RecipientName, Replaces: d.ID})
		}
	}
	return targets, err
}

func contractTargets(ctx context.Context, db *databases, addresses daemon.Addresses, o resendOptions) (targets []store.ResendTarget, err error) {
	contract, err := db.detections.Contract(ctx, o.contract)
	if errors.Is(err, store.ErrNotFound) {
		return nil, exitWith(exitUsage, "contract %s is unknown; geppo contracts lists them", o.contract)
	}
	if err != nil {
		return nil, err
	}
	if o.to != "" {
		return []store.ResendTarget{{Contract: contract.ID, Address: o.to}}, nil
	}
	usable, _ := addresses.Of(contract)
	for _, r := range usable {
		targets = append(targets, store.ResendTarget{Contract: contract.ID, Address: r.Address, Name: r.Name})
	}
	if len(targets) == 0 {
		return nil, exitWith(exitIncomplete, "contract %s has no valid address; add one by geppo recipients add", contract.ID)
	}
	return targets, nil
}

// addError adds to what is said of a contract.
func addError(list []store.RunError, contract, reason string) []store.RunError {
	i := slices.IndexFunc(list, func(e store.RunError) bool { return e.Contract == contract })
	if i < 0 {
		return append(list, store.RunError{Contract: contract, Reason: reason})
	}
	if !strings.Contains(list[i].Reason, reason) { // a mail and its resend may both have failed
		list[i].Reason += "; " + reason
	}
	return list
}

// resolveAddress makes sure that the address may be written to.
func resolveAddress(ctx context.Context, db *databases, addresses daemon.Addresses, o resendOptions, t *store.ResendTarget) error {
	contract, err := db.detections.Contract(ctx, t.Contract)
	if err != nil {
		return err
	}
	usable, _ := addresses.Of(contract)
	mailbox := store.Mailbox(t.Address)
	i := slices.IndexFunc(usable, func(r store.Recipient) bool { return store.Mailbox(r.Address) == mailbox })
	switch {
	case i >= 0:
		t.Address, t.Name = usable[i].Address, usable[i].Name
	case !o.force:
		return exitWith(exitUsage, "%s is no registered address of contract %s, or it is marked; use --force, or geppo recipients add", t.Address, t.Contract)
	default:
		if err := store.CheckAddress(t.Address); err != nil {
			return &codedError{exitUsage, err}
		}
		t.Forced = true
	}
	return nil
}

// resolveRevision finds the report's revision. One that is not frozen yet must not be frozen too early, for it will not
// change again.
func resolveRevision(ctx context.Context, c config.Config, db *databases, p store.Period, o resendOptions, t *store.ResendTarget) error {
	newest, err := db.ledger.NewestRevision(ctx, t.Contract, p)
	if err != nil {
		return err
	}
	if o.rebuild || newest == 0 {
		if err := refusePruned(ctx, db.detections, p); err != nil {
			return err
		}
		request := daemon.Request{Period: p, Contracts: []string{t.Contract}, Force: o.force}
		if err := newPlanner(c, db).Ready(ctx, request); err != nil {
			return err
		}
	}
	t.Revision = max(newest, 1)
	if o.rebuild {
		t.Revision = newest + 1
	}
	return nil
}
