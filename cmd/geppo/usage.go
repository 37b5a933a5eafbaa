package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// advise makes every error of wrong usage end with what to do: cobra and pflag only say what is wrong.
func advise(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return advised(cmd, flagFault(err)) })
	if valid := cmd.Args; valid != nil && !cmd.HasSubCommands() {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return advised(cmd, valid(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		advise(sub)
	}
}

func advised(cmd *cobra.Command, err error) error {
	if err == nil || errors.Is(err, pflag.ErrHelp) {
		return err
	}
	return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
}

// flagFault leaves out how Go failed to read a value.
func flagFault(err error) error {
	if invalid := (*pflag.InvalidValueError)(nil); errors.As(err, &invalid) {
		return fmt.Errorf("--%s cannot be %q", invalid.GetFlag().Name, invalid.GetValue())
	}
	return err
}
