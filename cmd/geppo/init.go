package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/store/sqlstore"
)

type madeJSON struct {
	File string `json:"file"`
	Made bool   `json:"made"` // false: it was there
}

func (a *app) initCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the two databases, and say where",
		Long: `Makes the ledger and the detections where the configuration says; what is there stays, and is brought to this geppo's schema.
Only init, import and demo make databases: a run in the wrong directory, or beside a disk that is not mounted, must not find
nothing to do and call that done.`,
		Example: "  geppo init\n  geppo -c /etc/geppo/geppo.toml init",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.RunE = a.do(func(cmd *cobra.Command, _ []string) error {
		c, err := a.config()
		if err != nil {
			return err
		}
		return a.initialize(cmd.Context(), c, asJSON)
	})
	return cmd
}

func (a *app) initialize(ctx context.Context, c config.Config, asJSON bool) error {
	files := []madeJSON{{File: sqlstore.Shown(c.Ledger())}, {File: sqlstore.Shown(c.Detections())}}
	for i, dsn := range []string{c.Ledger(), c.Detections()} {
		made, err := sqlstore.Made(ctx, dsn, []string{"ledger", "detections"}[i])
		if err != nil {
			return &codedError{exitUnavailable, err}
		}
		files[i].Made = !made
	}
	db, err := openDatabases(ctx, c, sqlstore.Migrate)
	if err != nil {
		return err
	}
	if err := db.close(); err != nil {
		return err
	}
	if asJSON {
		return writeJSON(a.stdout, files)
	}
	for _, f := range files {
		said := "is there"
		if f.Made {
			said = "made"
		}
		if _, err := fmt.Fprintf(a.stdout, "%s: %s\n", printable(f.File), said); err != nil {
			return err
		}
	}
	return nil
}
