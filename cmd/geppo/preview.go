package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"geppo/aggregate"
	"geppo/cmd/internal/config"
	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/desk"
	"geppo/cmd/internal/files"
	"geppo/render"
	"geppo/store"
	"geppo/store/sqlstore"
)

type previewOptions struct {
	period, out string
	contracts   []string
	frozen      bool
	brand       string
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
	cmd.Flags().StringVar(&o.brand, "brand", "", "as the brand `B` of the configuration would send them, whatever brand the contracts have")
	cmd.Flags().BoolVar(&o.frozen, "frozen", false, "the stored report instead of a fresh one")
	cmd.RunE = a.withDatabases(sqlstore.Existing, func(ctx context.Context, c config.Config, db *databases, _ []string) error {
		return a.preview(ctx, c, db, o)
	})
	return cmd
}

func (a *app) preview(ctx context.Context, c config.Config, db *databases, o previewOptions) (err error) {
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
	if _, known := composer.Brands[o.brand]; !known {
		return exitWith(exitUsage, "--brand %q is not configured; add [brand.%s]", o.brand, o.brand)
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
	out, err := files.OpenDir(o.out)
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	failed, err := a.previewEach(ctx, previewer{composer, planner, p, o.frozen, o.brand}, out, contracts, addresses)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s written to %s\n", desk.Count(len(contracts)-len(failed), "contract", "contracts"), printable(o.out))
	if len(failed) > 1 {
		return errors.Join(err, fmt.Errorf("%d contracts could not be previewed; the first: %w", len(failed), failed[0]))
	}
	return errors.Join(append(failed, err)...)
}

// previewEach writes what it can: one contract that fails keeps no other back.
func (a *app) previewEach(ctx context.Context, v previewer, out *os.Root, contracts []store.Contract, addresses daemon.Addresses) (failed []error, err error) {
	bar := newMeter(a.stderr, int64(len(contracts)), "previewing", false)
	defer bar.end()
	for _, contract := range contracts {
		usable, _ := addresses.Of(contract)
		contents, err := v.files(ctx, contract, usable)
		if err == nil {
			err = files.Replace(out, contract.ID, contents)
		}
		bar.add(1)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("preview contract %s: %w", contract.ID, err))
			continue
		}
		if len(usable) == 0 {
			fmt.Fprintf(a.stderr, "contract %s has no address: no message.eml; add one by geppo recipients add\n", contract.ID)
		}
	}
	return failed, nil
}

// previewer composes what would be sent, and keeps it.
type previewer struct {
	composer *daemon.Composer
	planner  daemon.Planner
	period   store.Period
	frozen   bool
	brand    string // "": each contract's own
}

// files are those of one contract by name; the message is the one to the first of its addresses.
func (v previewer) files(ctx context.Context, contract store.Contract, usable []store.Recipient) (map[string][]byte, error) {
	report, err := v.report(ctx, contract.ID)
	if err == nil && v.brand != "" {
		report, err = v.composer.As(report, v.brand)
	}
	if err != nil {
		return nil, err
	}
	parts, err := v.composer.Parts(report)
	if err != nil {
		return nil, err
	}
	contents, err := partFiles(report, parts)
	if err != nil || len(usable) == 0 {
		return contents, err
	}
	first := slices.MinFunc(usable, func(a, b store.Recipient) int { return strings.Compare(a.Address, b.Address) })
	ids, _ := v.planner.IDsOf(report.Contract.Brand) // the composer knows the brand
	message, err := v.composer.Address(report.Contract.Brand, parts, mail.Address{Name: first.Name, Address: first.Address},
		daemon.MessageID(ids, contract.ID, v.period, report.Revision, first.Address, 0), desk.PreviewDate(contract, v.period))
	contents["message.eml"] = message.Bytes
	return contents, err
}

func (v previewer) report(ctx context.Context, contract string) (aggregate.Report, error) {
	revision, err := v.composer.Ledger.NewestRevision(ctx, contract, v.period)
	if err != nil {
		return aggregate.Report{}, err
	}
	if !v.frozen {
		return v.composer.Fresh(ctx, contract, v.period, max(revision, 1))
	}
	report, err := v.composer.Frozen(ctx, contract, v.period, revision)
	if errors.Is(err, store.ErrNotFound) {
		return report, errors.New("no report of that period is stored yet; leave out --frozen")
	}
	return report, err
}

// partFiles are a report and what is made of it, by the names of their files.
func partFiles(report aggregate.Report, parts render.Parts) (map[string][]byte, error) {
	reportJSON, err := render.JSON(report)
	if err != nil {
		return nil, err
	}
	contents := map[string][]byte{"report.json": reportJSON, "body.html": parts.HTML, "body.txt": parts.Text}
	for _, image := range parts.Images {
		contents[image.Name] = image.Data
	}
	for _, document := range parts.PDFs {
		contents[document.Name] = document.Data
	}
	return contents, nil
}
