package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/store"
)

// A Postfix with a limit on a client's connections, from which its own networks would be exempt. What it takes is thrown away.
const postfixWithLimit = `
compatibility_level = 3.6
config_directory = %[1]s
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
default_transport = discard
smtpd_client_event_limit_exceptions =
smtpd_client_connection_count_limit = %[2]d
`

// A relay that takes fewer connections of us than we would make: all goes out in one run, over those that it takes, and
// hardly slower than with the setting that fits it best.
func TestPostfixLimitsConnections(t *testing.T) {
	needs(t, "postfix", "postfix")
	contracts := 60
	if *long {
		contracts = 297
	}
	from := template(t, contracts)
	for _, limit := range []int{3, 2, 1} {
		t.Run(fmt.Sprint("limit ", limit), func(t *testing.T) {
			dir := openDir(t, "root")
			port := freePort(t)
			runPostfix(t, dir, port, fmt.Sprintf(postfixWithLimit, dir, limit))
			run := func(connections int) time.Duration {
				s := newStation(t, from, fmt.Sprint("GEPPO_SMTP_PORT=", port), fmt.Sprint("GEPPO_SMTP_CONNECTIONS=", connections))
				began := time.Now()
				code, output := s.run()
				took := time.Since(began)
				if code != exitDone {
					t.Errorf("%d connections: exit %d: %s", connections, code, output)
				}
				for _, d := range s.deliveries() {
					if d.State != store.Sent || d.Attempts != 1 {
						t.Errorf("%d connections: %s is %s after %d attempts: %s", connections, d.Recipient, d.State, d.Attempts, d.LastReply)
					}
				}
				return took
			}
			took := run(4) // the default
			log, err := os.ReadFile(filepath.Join(dir, "log"))
			refused := strings.Count(string(log), "Connection concurrency limit exceeded")
			if err != nil || refused == 0 || refused > 10 {
				t.Errorf("the relay refused %d connections (%v), want few and not none", refused, err)
			}
			if !*long {
				return
			}
			best := time.Hour
			for connections := 1; connections <= limit; connections++ {
				best = min(best, run(connections))
			}
			t.Logf("limit %d: %d deliveries in %s, with the best fixed setting in %s (%.0f %%); %d refused", limit, contracts, took, best, 100*best.Seconds()/took.Seconds(), refused)
			if best < took*8/10 {
				t.Errorf("%s, with the best fixed setting %s", took, best)
			}
		})
	}
}
