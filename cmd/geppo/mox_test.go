package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"geppo/store"
)

// mox is another server's eyes: strict about the message, TLS from the first byte, three ways to log
// in, and refusals that are asked for by the recipient's name.
func TestMox(t *testing.T) {
	if _, err := exec.LookPath("mox"); err != nil {
		t.Skip("mox is not installed; go build -modfile=.ci/tools.mod -o DIR github.com/mjl-/mox, and put DIR into PATH")
	}
	dir := filepath.Join(t.TempDir(), "mox")
	command(t, "", "mox", "localserve", "-dir", dir, "-ip", "127.0.0.1", "-initonly")
	smtp, submissions := moveMox(t, filepath.Join(dir, "mox.conf"))
	cmd := exec.CommandContext(t.Context(), "mox", "localserve", "-dir", dir)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		_ = cmd.Wait() // it tells by a signal's exit code that it was stopped
		if t.Failed() {
			t.Log(said.String())
		}
	})
	awaitPort(t, submissions)
	awaitPort(t, smtp)
	from := template(t, 2)
	environ := []string{
		"GEPPO_SMTP_HOST=localhost", "GEPPO_SMTP_CA_FILE=" + filepath.Join(dir, "localhost.crt"), "GEPPO_MAIL_FROM=mox@localhost", "GEPPO_RETRY_GIVE_UP=10ms",
	}
	for _, auth := range []string{"auto", "plain", "login", "scram-sha-256"} {
		t.Run(auth, func(t *testing.T) {
			s := newStation(t, from, append(environ, "GEPPO_SMTP_TLS=implicit", fmt.Sprint("GEPPO_SMTP_PORT=", submissions),
				"GEPPO_SMTP_AUTH="+auth, "GEPPO_SMTP_USERNAME=mox@localhost", "GEPPO_SMTP_PASSWORD=moxmoxmox")...)
			if code := s.runToTheEnd(3); code != exitDone {
				t.Errorf("exit %d", code)
			}
			for _, d := range s.deliveries() {
				if d.LastCode != 250 || !strings.HasPrefix(s.attempts(d.ID)[0].TLS, "TLS 1.3") {
					t.Errorf("%+v", d)
				}
			}
		})
	}
	t.Run("refusals", func(t *testing.T) {
		s := newStation(t, from, append(environ, "GEPPO_SMTP_TLS=starttls", fmt.Sprint("GEPPO_SMTP_PORT=", smtp), "GEPPO_SMTP_AUTH=none")...)
		codes := map[string]int{
			"a0@example.jp": 250, "a1@example.jp": 250,
			"dot-temperror@localhost": 4, "dot-permerror@localhost": 5, "rcptto-452@localhost": 4, "rcptto-550@localhost": 5,
		}
		for address := range codes {
			if strings.HasSuffix(address, "@localhost") {
				if code, output := s.geppo(nil, "recipients", "add", "--contract", "C0", address); code != 0 {
					t.Fatalf("exit %d: %s", code, output)
				}
			}
		}
		if code := s.runToTheEnd(50); code != exitIncomplete {
			t.Errorf("exit %d", code)
		}
		for _, d := range s.deliveries() {
			want := codes[d.Recipient]
			if d.LastCode != want && d.LastCode/100 != want || (d.State == store.Sent) != (want == 250) {
				t.Errorf("%s is %s: %d %s", d.Recipient, d.State, d.LastCode, d.LastReply)
			}
		}
	})
}

// moveMox gives localserve free ports instead of its own, and tells those of SMTP and submissions.
func moveMox(t *testing.T, config string) (smtp, submissions int) {
	t.Helper()
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	moved := map[string]int{}
	text = regexp.MustCompile(`Port: 1\d\d\d\b`).ReplaceAllFunc(text, func(old []byte) []byte {
		port := freePort(t)
		moved[string(old)] = port
		return fmt.Appendf(nil, "Port: %d", port)
	})
	if err := os.WriteFile(config, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return moved["Port: 1025"], moved["Port: 1465"]
}
