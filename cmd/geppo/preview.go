package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"geppo/aggregate"
	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/mailer"
	"geppo/render"
	"geppo/store"
	"geppo/store/sqlite"
)

type previewOptions struct {
	period, out string
	contracts   []string
	frozen      bool
}

func (a *app) previewCommand() *cobra.Command {
	var o previewOptions
	cmd := &cobra.Command{
		Use:   "preview --period P --out DIR [--contract C]…",
		Short: "Write a period's mails, charts and PDFs as files, without sending",
		Long: `Writes DIR/<contract>/ with message.eml, body.html, body.txt, report.json, the charts and the PDFs, computed afresh, or
with --frozen as they were when the first mail was composed. Nothing in the database changes.`,
		Example: "  geppo preview --period 2026-10 --contract C000001 --out preview",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&o.period, "period", "", "month to report on, `YYYY-MM`")
	cmd.Flags().StringVar(&o.out, "out", "", "`DIR` to write into")
	cmd.Flags().StringArrayVar(&o.contracts, "contract", nil, "only this contract `ID`; may be repeated")
	cmd.Flags().BoolVar(&o.frozen, "frozen", false, "the stored report instead of a fresh one")
	cmd.RunE = a.withDatabases(sqlite.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		return a.preview(ctx, c, db, o)
	})
	return cmd
}

func (a *app) preview(ctx context.Context, c config.Config, db *databases, o previewOptions) error {
	p, err := period(o.period)
	if err != nil {
		return err
	}
	if o.out == "" {
		return exitWith(exitUsage, "--out is missing; name the directory to write into")
	}
	composer, err := newComposer(c, db, a.logger(c.Log))
	if err != nil {
		return err
	}
	planner := newPlanner(c, db)
	contracts, err := planner.Contracts(ctx, daemon.Request{Period: p, Contracts: o.contracts})
	if err != nil {
		return err
	}
	addresses, err := daemon.ReadAddresses(ctx, db.ledger)
	if err != nil {
		return err
	}
	bar := newMeter(a.stderr, int64(len(contracts)), "previewing", false)
	defer bar.end()
	for _, contract := range contracts {
		usable, _ := addresses.Of(contract)
		if err := a.previewContract(ctx, composer, planner.IDs, contract, p, usable, o); err != nil {
			return fmt.Errorf("preview contract %s: %w", contract.ID, err)
		}
		bar.add(1)
	}
	_, err = fmt.Fprintf(a.stdout, "%d contracts written to %s\n", len(contracts), o.out)
	return err
}

func (a *app) previewContract(ctx context.Context, composer *daemon.Composer, messages mailer.IDs, contract store.Contract, p store.Period, usable []store.Recipient, o previewOptions) error {
	report, err := previewReport(ctx, composer, contract.ID, p, o.frozen)
	if err != nil {
		return err
	}
	parts, err := composer.Renderer.Parts(report)
	if err != nil {
		return err
	}
	dir := filepath.Join(o.out, contract.ID)
	if err := writeParts(dir, report, parts); err != nil {
		return err
	}
	if len(usable) == 0 {
		_, err := fmt.Fprintf(a.stderr, "contract %s has no address: no message.eml; add one by geppo recipients add\n", contract.ID)
		return err
	}
	first := usable[0]
	message, err := composer.Address(parts, mail.Address{Name: first.Name, Address: first.Address},
		daemon.MessageID(messages, contract.ID, p, report.Revision, first.Address, 0), previewDate(contract, p))
	if err != nil {
		return err
	}
	return writeFile(dir, "message.eml", message.Bytes)
}

// previewDate stands in for the date of sending, so that equal reports preview as equal bytes: the
// ninth hour of the day after the period.
func previewDate(contract store.Contract, p store.Period) time.Time {
	zone, err := time.LoadLocation(contract.Timezone)
	if err != nil {
		zone = time.UTC
	}
	_, end := p.Bounds(zone)
	return time.Date(end.Year(), end.Month(), end.Day(), 9, 0, 0, 0, zone)
}

func previewReport(ctx context.Context, composer *daemon.Composer, contract string, p store.Period, frozen bool) (aggregate.Report, error) {
	revision, err := composer.Ledger.NewestRevision(ctx, contract, p)
	if err != nil {
		return aggregate.Report{}, err
	}
	if !frozen {
		return composer.Fresh(ctx, contract, p, max(revision, 1))
	}
	report, err := composer.Frozen(ctx, contract, p, revision)
	if errors.Is(err, store.ErrNotFound) {
		return report, errors.New("no report of that period is stored yet; leave out --frozen")
	}
	return report, err
}

func writeParts(dir string, report aggregate.Report, parts render.Parts) error {
	reportJSON, err := render.JSON(report)
	if err != nil {
		return err
	}
	files := map[string][]byte{"report.json": reportJSON, "body.html": parts.HTML, "body.txt": parts.Text}
	for _, image := range parts.Images {
		files[image.Name] = image.Data
	}
	for _, document := range parts.PDFs {
		files[document.Name] = document.Data
	}
	for name, data := range files {
		if err := writeFile(dir, name, data); err != nil {
			return err
		}
	}
	return nil
}
