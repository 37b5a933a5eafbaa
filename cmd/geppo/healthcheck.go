package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"geppo/cmd/internal/config"
	"geppo/cmd/internal/console"
)

// healthWithin bounds the wait for a daemon's answer. Readiness asks the relay, within ten seconds.
const healthWithin = 15 * time.Second

func (a *app) healthcheckCommand() *cobra.Command {
	var ready bool
	cmd := &cobra.Command{
		Use: "healthcheck", Short: "Ask the daemon how it is, for a container without a shell",
		Long: `Asks the daemon at http.listen for /healthz, or with --ready for /readyz, and prints its answer.

Exit codes: 0 it is well; 69 it says that it is not, or does not answer.`,
		Example: "  geppo healthcheck\n  geppo healthcheck --ready",
		Args:    cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			c, err := a.config()
			if err != nil {
				return err
			}
			path := "/healthz"
			if ready {
				path = "/readyz"
			}
			return a.healthcheck(cmd.Context(), c.HTTP, path)
		}),
	}
	cmd.Flags().BoolVar(&ready, "ready", false, "ask whether it can do its work, too: database, queue, schedule, relay")
	return cmd
}

func (a *app) healthcheck(ctx context.Context, c config.HTTP, path string) error {
	network, address, err := console.Parse(c.Listen, true)
	if err != nil {
		return err
	}
	scheme := "http"
	if c.TLSCertFile != "" {
		scheme = "https"
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // G402: its name is another than localhost, and nothing secret is sent
	}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://localhost"+path, nil)
	if err != nil {
		return err
	}
	response, err := (&http.Client{Transport: transport}).Do(request)
	if err != nil {
		return exitWith(exitUnavailable, "%s does not answer: %v; see whether geppo serve runs", c.Listen, errors.Unwrap(err))
	}
	defer response.Body.Close()
	says, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err != nil {
		return exitWith(exitUnavailable, "%s: %v; see whether geppo serve runs", c.Listen, err)
	}
	if response.StatusCode != http.StatusOK {
		return exitWith(exitUnavailable, "%s; see the log of geppo serve", strings.TrimSpace(string(says)))
	}
	_, err = fmt.Fprint(a.stdout, string(says))
	return err
}
