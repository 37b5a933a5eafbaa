package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"geppo/store"
)

// mox is another server's eyes: strict about the message, TLS from the first byte or from STARTTLS,
// every way to log in, and refusals that are asked for by the recipient's name.
func TestMox(t *testing.T) {
	dir, said, submission, submissions := startMox(t)
	from := template(t, 2)
	environ := []string{
		"GEPPO_SMTP_HOST=localhost", "GEPPO_SMTP_CA_FILE=" + filepath.Join(dir, "localhost.crt"), "GEPPO_MAIL_FROM=mox@localhost", "GEPPO_RETRY_GIVE_UP=10ms",
		"GEPPO_SMTP_USERNAME=mox@localhost", "GEPPO_SMTP_PASSWORD=moxmoxmox",
	}
	for auth, spoken := range map[string]string{
		"auto": "SCRAM-SHA-256", "plain": "PLAIN", "login": "LOGIN", "scram-sha-256": "SCRAM-SHA-256",
	} {
		t.Run(auth, func(t *testing.T) {
			before := len(said())
			s := newStation(t, from, append(environ, "GEPPO_SMTP_TLS=implicit", fmt.Sprint("GEPPO_SMTP_PORT=", submissions), "GEPPO_SMTP_AUTH="+auth)...)
			if code := s.runToTheEnd(3); code != exitDone {
				t.Errorf("exit %d", code)
			}
			for _, d := range s.deliveries() {
				if d.LastCode != 250 || !strings.HasPrefix(s.attempts(d.ID)[0].TLS, "TLS 1.3") {
					t.Errorf("%+v", d)
				}
			}
			kinds := regexp.MustCompile(`RC: AUTH ([^ \\]*)`).FindAllStringSubmatch(said()[before:], -1)
			if len(kinds) != 1 || kinds[0][1] != spoken {
				t.Errorf("logged in by %q, want %s", kinds, spoken)
			}
		})
	}
	t.Run("refusals", func(t *testing.T) {
		s := newStation(t, from, append(environ, "GEPPO_SMTP_TLS=starttls", fmt.Sprint("GEPPO_SMTP_PORT=", submission))...)
		codes := map[string]int{
			"a0@example.jp": 250, "a1@example.jp": 250,
			"dot-temperror@localhost": 451, "dot-permerror@localhost": 550, "rcptto-452@localhost": 452, "rcptto-551@localhost": 551,
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
		list := s.deliveries()
		if len(list) != len(codes) {
			t.Errorf("%d deliveries, want %d", len(list), len(codes))
		}
		for _, d := range list {
			want, state := codes[d.Recipient], store.Failed
			if want == 250 {
				state = store.Sent
			}
			if d.LastCode != want || d.State != state || want/100 == 4 != (d.Attempts > 1) {
				t.Errorf("%s is %s after %d attempts: %d %s", d.Recipient, d.State, d.Attempts, d.LastCode, d.LastReply)
			}
		}
	})
}

// startMox runs localserve from a directory of its own, with an account mox@localhost. Mail goes in by submission:
// at its port 25 mox judges whether a mail is junk, which one from a machine without a name is.
func startMox(t *testing.T) (dir string, said func() string, submission, submissions int) {
	t.Helper()
	if _, err := exec.LookPath("mox"); err != nil {
		t.Skip("mox is not installed; go build -modfile=.ci/tools.mod -o DIR github.com/mjl-/mox, and put DIR into PATH")
	}
	dir = filepath.Join(t.TempDir(), "mox")
	command(t, "", "mox", "localserve", "-dir", dir, "-ip", "127.0.0.1", "-initonly")
	submission, submissions = moveMox(t, filepath.Join(dir, "mox.conf"))
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	said = func() string {
		text, err := os.ReadFile(log.Name())
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), "mox", "localserve", "-dir", dir)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Kill(); err != nil { // told to stop it waits for seconds, and there is nothing to keep
			t.Error(err)
		}
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said())
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	awaitPort(t, submissions)
	awaitPort(t, submission)
	return dir, said, submission, submissions
}

// moveMox gives localserve free ports instead of its own, and tells those of submission and submissions.
func moveMox(t *testing.T, config string) (submission, submissions int) {
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
	return moved["Port: 1587"], moved["Port: 1465"]
}
