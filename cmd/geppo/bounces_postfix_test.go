package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/smtp"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	gosmtp "github.com/emersion/go-smtp"

	"geppo/store"
)

// What "geppo help bounces" tells to write into main.cf, but for the paths.
const postfixBounces = `
compatibility_level = 3.6
config_directory = %[1]s
queue_directory = %[1]s/queue
data_directory = %[1]s/data
maillog_file = %[1]s/log
maillog_file_prefixes = /
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:%[2]d
smtp_dns_support_level = disabled
smtp_fallback_relay =
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
header_checks = regexp:%[1]s/header_checks

mydestination = geppo.example
recipient_delimiter = +
alias_maps = hash:%[1]s/state/aliases
`

// postfixHouse is a real Postfix that sends geppo's mail on, and what comes back of it to geppo: the ledger and the aliases belong
// to a user of their own, as "geppo help bounces" has it.
type postfixHouse struct {
	t    *testing.T
	dir  string
	port int
	next int // port of the server behind it
	uid  uint32
	gid  uint32
}

// ledgerUser stands in for the user geppo.
const ledgerUser = "daemon"

// newPostfixHouse refuses the recipients of the given contracts only after its Postfix has accepted them.
func newPostfixHouse(t *testing.T, aliases, headerChecks, settings string, gone ...string) *postfixHouse {
	t.Helper()
	needs(t, "postfix", "postfix", "postalias")
	onward := newTestRelay(t, func(s stage, to string, _ int) error {
		if s == stageRcpt && slices.Contains(gone, to) {
			return &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
		}
		return nil
	})
	account, err := user.Lookup(ledgerUser)
	if err != nil {
		t.Skip("no user " + ledgerUser)
	}
	h := &postfixHouse{t: t, dir: openDir(t, "root"), port: freePort(t), next: onward.port, uid: idOf(t, account.Uid), gid: idOf(t, account.Gid)}
	state := filepath.Join(h.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	copyDatabases(t, state, template(t, 3))
	binary, err := exec.LookPath("geppo")
	if err != nil {
		t.Fatal(err)
	}
	copyTo(t, filepath.Join(h.dir, "geppo"), binary)
	h.write("geppo.toml", "root", 0o644, fmt.Sprintf("[store]\ndsn = 'sqlite:%s/geppo.db'\n[smtp]\nport = %d\ntls = 'none'\n"+
		"[mail]\nfrom = 'geppo@geppo.example'\nbounce = 'bounce@geppo.example'\n%s", state, h.port, settings))
	h.write("header_checks", "root", 0o644, headerChecks)
	give(t, filepath.Join(h.dir, "geppo"), "root", 0o755)
	for _, name := range []string{"", "geppo.db", "geppo-detections.db"} {
		give(t, filepath.Join(state, name), ledgerUser, map[bool]os.FileMode{true: 0o700, false: 0o600}[name == ""])
	}
	h.aliases(ledgerUser, aliases)
	runPostfix(t, h.dir, h.port, fmt.Sprintf(postfixBounces, h.dir, onward.port))
	return h
}

func idOf(t *testing.T, id string) uint32 {
	t.Helper()
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	return uint32(n)
}

func (h *postfixHouse) write(name, owner string, mode os.FileMode, text string) {
	h.t.Helper()
	if err := os.WriteFile(filepath.Join(h.dir, name), []byte(strings.ReplaceAll(text, "DIR", h.dir)), mode); err != nil {
		h.t.Fatal(err)
	}
	give(h.t, filepath.Join(h.dir, name), owner, mode)
}

// aliases writes the table; whom it belongs to is whom its commands and files are run and written as.
func (h *postfixHouse) aliases(owner, text string) {
	h.t.Helper()
	for _, name := range []string{"state/aliases", "state/aliases.db"} {
		if err := os.Remove(filepath.Join(h.dir, name)); err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
	}
	h.write("state/aliases", owner, 0o644, text)
	h.write("main.cf", "root", 0o644, fmt.Sprintf(postfixBounces, h.dir, h.next))
	command(h.t, "", "postalias", "-c", h.dir, "hash:"+filepath.Join(h.dir, "state", "aliases"))
}

// geppo is run as the ledger's user.
func (h *postfixHouse) geppo(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(h.dir, "geppo"), append([]string{"-c", filepath.Join(h.dir, "geppo.toml")}, args...)...)
	cmd.Dir, cmd.Env = filepath.Join(h.dir, "state"), []string{"PATH=" + os.Getenv("PATH"), "HOME=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: h.uid, Gid: h.gid}}
	return cmd
}

func (h *postfixHouse) run() {
	h.t.Helper()
	if out, err := h.geppo(h.t.Context(), "run", "--period", "2026-09", "--force").CombinedOutput(); err != nil {
		h.t.Fatalf("%v\n%s", err, out)
	}
}

// await returns once look says so.
func (h *postfixHouse) await(what string, look func() bool) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !look() {
		select {
		case <-ctx.Done():
			h.t.Fatalf("waited in vain for %s", what)
		case <-ticker.C:
		}
	}
}

// awaitBounced waits until the deliveries to these addresses are bounced, and nothing else is.
func (h *postfixHouse) awaitBounced(addresses ...string) {
	h.t.Helper()
	h.await(fmt.Sprint("bounces of ", addresses), func() bool {
		out, err := h.geppo(h.t.Context(), "status", "--period", "2026-09", "--json").Output()
		var status struct {
			Deliveries []struct {
				Recipient string
				State     store.State
			}
		}
		if err == nil {
			err = json.Unmarshal(out, &status)
		}
		if err != nil {
			h.t.Fatal(err)
		}
		var bounced []string
		for _, d := range status.Deliveries {
			if d.State == store.Bounced {
				bounced = append(bounced, d.Recipient)
			}
		}
		slices.Sort(bounced)
		return slices.Equal(bounced, addresses)
	})
}

// logged counts what Postfix has said.
func (h *postfixHouse) logged(says string) int {
	h.t.Helper()
	log, err := os.ReadFile(filepath.Join(h.dir, "log"))
	if err != nil {
		h.t.Fatal(err)
	}
	return bytes.Count(log, []byte(says))
}

// The pipe of "geppo help bounces": taken as the ledger's user; kept by Postfix while it is run as another; and an absence
// note gets no answer.
func TestPostfixPipesBounces(t *testing.T) {
	const pipe = `bounce: "|DIR/geppo -c DIR/geppo.toml bounce"` + "\n"
	h := newPostfixHouse(t, pipe, "", "", "a1@example.jp", "a2@example.jp")
	h.aliases("root", pipe) // as it would stand in /etc/aliases: run as nobody
	command(t, "", "postfix", "-c", h.dir, "reload")
	h.run()
	h.await("a notification that is kept", func() bool {
		return h.logged("status=deferred (temporary failure. Command output: geppo: bounce: the notification was not taken, try again") >= 2
	})
	h.awaitBounced()
	h.aliases(ledgerUser, pipe)
	command(t, "", "postfix", "-c", h.dir, "reload")
	h.awaitBounced("a1@example.jp", "a2@example.jp")

	absence := "From: a0@example.jp\r\nTo: bounce@geppo.example\r\nSubject: =?UTF-8?B?5LiN5Zyo?=\r\nIn-Reply-To: <x@geppo.example>\r\n\r\nI am away.\r\n"
	if err := smtp.SendMail(fmt.Sprint("127.0.0.1:", h.port), nil, "a0@example.jp", []string{"bounce@geppo.example"}, []byte(absence)); err != nil {
		t.Fatal(err)
	}
	h.await("the absence note", func() bool { return h.logged("status=sent (delivered to command: ") == 3 })
	if h.logged("Command died") > 0 {
		t.Error("a mail was returned")
	}
}

// The Maildir of "geppo help bounces", by a relay that returns nothing by which the message could be known: the return address
// alone tells it.
func TestPostfixDeliversBouncesToAMaildir(t *testing.T) {
	h := newPostfixHouse(t, "bounce: DIR/state/bounces/\n", "/^Message-ID:/ IGNORE\n",
		"verp = true\n[bounce]\nmaildir = 'DIR/state/bounces'\n[http]\nlisten = 'unix:DIR/state/http'\n", "a1@example.jp")
	h.run()
	ctx, stop := context.WithCancel(t.Context())
	daemon := h.geppo(ctx, "serve")
	var said buffer
	daemon.Stdout, daemon.Stderr = &said, &said
	daemon.Cancel = func() error { return daemon.Process.Signal(syscall.SIGTERM) }
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		stop()
		if err := daemon.Wait(); err != nil || t.Failed() {
			t.Log(err, said.String())
		}
	}()
	h.awaitBounced("a1@example.jp")
	taken, err := filepath.Glob(filepath.Join(h.dir, "state", "bounces", "cur", "*:2,S"))
	if err != nil || len(taken) != 1 {
		t.Error(taken, err)
	}
}
