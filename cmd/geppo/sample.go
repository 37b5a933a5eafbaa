package main

import (
	"bufio"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"geppo/store/sample"
)

func (a *app) sampleCommand() *cobra.Command {
	var contracts int
	var format string
	var seed uint64
	var periodFlag string
	var mess bool
	cmd := &cobra.Command{
		Use:   "sample --contracts N --seed S --period P",
		Short: "Write deterministic sample data as JSON Lines to standard output",
		Long: `Writes two months (the period and the one before it) of invented contracts. The same numbers give the same bytes.
Of the contracts 60 % are without detections, 30 % have 1 to 50, 9 % have 51 to 1,000 and 1 % have 5,000 to 20,000.

With --format the same data comes in the shape of a vendor's file, as far as that can carry it: cef, feeder and ocsf
hold the detections, csv those of viruses, pccnt and ofcurlf the log of one machine, workbench the EDR events, smpi the
inventory.

With --mess it is as bad as real data: machines in all spellings, with their domain, reinstalled and renamed, detections
told again with a later outcome, clocks that are years wrong, late rows, contracts without inventory, and gaps.`,
		Example: "  geppo sample --contracts 1000 --seed 1 --period 2026-10 > sample.jsonl\n  geppo sample --contracts 1 --period 2026-10 --format cef | geppo convert --contract C000001 -",
		Args:    cobra.NoArgs,
		RunE: a.do(func(*cobra.Command, []string) error {
			p, err := period(periodFlag)
			if err != nil {
				return err
			}
			if !slices.Contains(sample.Formats(), format) {
				return exitWith(exitUsage, "--format %q is unknown; use one of %s", format, strings.Join(sample.Formats(), ", "))
			}
			if contracts < 1 {
				return exitWith(exitUsage, "--contracts must be at least 1")
			}
			out := bufio.NewWriterSize(a.stdout, 1<<20)
			opts := sample.Options{Contracts: contracts, Seed: seed, Period: p}
			if mess {
				opts.Mess = sample.MessAll
			}
			if err := sample.WriteAs(out, opts, format); err != nil {
				return err
			}
			return out.Flush()
		}),
	}
	cmd.Flags().StringVar(&format, "format", "jsonl", "write it as a vendor's program would: "+strings.Join(sample.Formats(), ", "))
	cmd.Flags().IntVar(&contracts, "contracts", 100, "number `N` of contracts")
	cmd.Flags().Uint64Var(&seed, "seed", 1, "other seeds give other data")
	cmd.Flags().BoolVar(&mess, "mess", false, "spoil it, to be as bad as real data")
	cmd.Flags().StringVar(&periodFlag, "period", "", "month to report on, `YYYY-MM`")
	return cmd
}
