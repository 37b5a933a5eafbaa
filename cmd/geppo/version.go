package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"geppo/store/sqlstore"
)

// version is set by the linker in releases: -ldflags '-X main.version=v1.2.3'.
var version = "dev"

// commit is the revision that the binary was built from.
func commit() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				return setting.Value
			}
		}
	}
	return "unknown"
}

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print version, commit, Go and SQLite version",
		Example: "  geppo version --json",
		Args:    cobra.NoArgs,
		RunE: a.do(func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(a.stdout, map[string]string{
					"version": version, "commit": commit(), "go": runtime.Version(), "sqlite": sqlstore.LibraryVersion(),
				})
			}
			_, err := fmt.Fprintf(a.stdout, "geppo %s\ncommit %s\n%s\nSQLite %s\n", version, commit(), runtime.Version(), sqlstore.LibraryVersion())
			return err
		}),
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
