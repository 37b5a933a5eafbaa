package main

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"
)

// On a terminal a run shows its bar and what went wrong, and nothing of what went well.
func TestARunOnATerminalTellsWhatWentWrong(t *testing.T) {
	relay := newTestRelay(t, func(at stage, to string, _ int) error {
		if at == stageRcpt && strings.HasPrefix(to, "a1@") {
			return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 2, 1}, Message: strings.Repeat("メールボックス disabled ", 8)}
		}
		return nil
	})
	dir := t.TempDir()
	copyDatabases(t, dir, template(t, 3))
	t.Setenv("GEPPO_SMTP_PORT", strconv.Itoa(relay.port))
	code, shown := onTerminal(t.Context(), t, usualWidth, "--db", "sqlite:"+filepath.Join(dir, "geppo.db"), "run", "--force", "--period", september.String())
	if code != exitIncomplete || !strings.Contains(shown, "warning: attempt") || !strings.Contains(shown, "state=failed") || !strings.Contains(shown, "sending") {
		t.Errorf("exit %d, and it shows\n%s", code, shown)
	}
	if strings.Contains(shown, "state=sent") || strings.Contains(shown, "level=") {
		t.Errorf("it shows what went well:\n%s", shown)
	}
}

// Who stops a run is told what is finished, what stays, and how to go on.
func TestStoppingARunSaysWhatHappensNext(t *testing.T) {
	stored, speak := make(chan string), make(chan struct{})
	relay := newTestRelay(t, func(at stage, to string, _ int) error {
		if at == stageStored {
			stored <- to
			<-speak
		}
		return nil
	})
	dir := t.TempDir()
	copyDatabases(t, dir, template(t, 3))
	t.Setenv("GEPPO_SMTP_PORT", strconv.Itoa(relay.port))
	t.Setenv("GEPPO_SMTP_CONNECTIONS", "1")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go func() {
		<-stored
		stop()
		close(speak)
	}()
	code, shown := onTerminal(ctx, t, usualWidth, "--db", "sqlite:"+filepath.Join(dir, "geppo.db"), "run", "--force", "--period", september.String())
	for _, want := range []string{
		"Stopping: what is being handed over is finished first, within 30s.", "geppo run --period " + september.String(),
		"Ctrl-C again ends at once: nothing is lost, but up to 1 mail may arrive twice.", "deliveries are still to be sent; geppo run",
	} {
		if !strings.Contains(strings.Join(strings.Fields(shown), " "), want) {
			t.Errorf("it does not say %q:\n%s", want, shown)
		}
	}
	if strings.Contains(shown, "warning") {
		t.Errorf("what was stopped is told as a fault:\n%s", shown)
	}
	if code != exitPending {
		t.Errorf("exit %d", code)
	}
}
