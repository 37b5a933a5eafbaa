package main

import (
	"errors"
	"fmt"

	"geppo/cmd/internal/config"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// advise makes every error of wrong usage end with what to do: cobra and pflag only say what is wrong.
func advise(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if meant := flagMeant(cmd, err); meant != "" {
			return fmt.Errorf("%w; did you mean --%s?", err, meant)
		}
		return advised(cmd, flagFault(err))
	})
	if valid := cmd.Args; valid != nil && !cmd.HasSubCommands() {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return advised(cmd, valid(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		advise(sub)
	}
}

// flagMeant is the flag that is near to an unknown one, "" if there is none.
func flagMeant(cmd *cobra.Command, err error) string {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) || unknown.GetSpecifiedShortnames() != "" {
		return ""
	}
	var names []string
	cmd.Flags().VisitAll(func(flag *pflag.Flag) { names = append(names, flag.Name) })
	return config.Nearest(unknown.GetSpecifiedName(), names)
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
