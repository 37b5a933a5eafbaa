package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"geppo/cmd/internal/console"
)

func (a *app) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: "Who may use the console", Example: "  geppo user add yamada --role desk"}
	cmd.AddCommand(a.userAddCommand())
	return cmd
}

// fewestLetters of a password, as ASVS wants it.
const fewestLetters = 12

func (a *app) userAddCommand() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "add NAME --role viewer|desk|operator",
		Short: "Print the lines of the configuration that let somebody use the console",
		Long: `Asks for a password, or reads it as the first line of standard input, and prints what is to be added to the
configuration. The password itself is kept nowhere. A viewer reads; the desk may also send tests, resend one delivery and
work through the follow-ups; an operator may do everything.`,
		Example: "  geppo user add yamada --role desk >> /etc/geppo/geppo.toml\n  geppo user add yamada --role operator < password.txt",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&role, "role", "viewer", "viewer, desk or operator")
	cmd.RunE = a.do(func(_ *cobra.Command, args []string) error {
		if role != string(console.Viewer) && role != string(console.Clerk) && role != string(console.Operator) {
			return exitWith(exitUsage, "--role %q is not viewer, desk or operator", role)
		}
		password, err := a.newPassword()
		if err != nil {
			return err
		}
		if len([]rune(password)) < fewestLetters {
			return exitWith(exitUsage, "the password has less than %d letters; choose a longer one, such as a sentence", fewestLetters)
		}
		lines, err := toml.Marshal(map[string]any{"http": map[string]any{"users": map[string]any{
			args[0]: map[string]string{"role": role, "password": console.HashPassword(password)},
		}}})
		if err != nil {
			return err
		}
		_, err = a.stdout.Write(justUsers(lines))
		return err
	})
	return cmd
}

// justUsers leaves out the headings of empty tables above: a file may have [http] only once.
func justUsers(lines []byte) []byte {
	text := strings.TrimPrefix(string(lines), "[http]\n")
	return []byte(strings.TrimPrefix(text, "[http.users]\n"))
}

// newPassword asks twice on a terminal, and once elsewhere.
func (a *app) newPassword() (string, error) {
	if file, ok := a.stdin.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		var said [2][]byte
		for i, question := range []string{"password: ", "again: "} {
			fmt.Fprint(a.stderr, question)
			if flusher, ok := a.stderr.(interface{ Flush() error }); ok {
				if err := flusher.Flush(); err != nil {
					return "", err
				}
			}
			var err error
			said[i], err = term.ReadPassword(int(file.Fd()))
			fmt.Fprintln(a.stderr)
			if err != nil {
				return "", fmt.Errorf("read the password: %w", err)
			}
		}
		if string(said[0]) != string(said[1]) {
			return "", exitWith(exitUsage, "the two passwords differ; try again")
		}
		return string(said[0]), nil
	}
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}
