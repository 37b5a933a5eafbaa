package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/emersion/go-smtp"
	"github.com/spf13/cobra"

	"geppo/cmd/internal/sink"
	"geppo/store/sqlstore/pgtest"
)

// Every example of every command is run by a shell, in a small installation that stands as the example supposes, and
// ends with 0. What an example needs beforehand stands here, by its line or command.
var examplesNeed = map[string]string{
	"geppo ack":               sentAndBounced,
	"geppo approve":           planned,
	"geppo backup":            sent,
	"geppo bounce":            sent + "\n" + notified,
	"geppo cancel":            planned,
	"geppo contracts start":   "geppo contracts stop C000001",
	"geppo convert":           vendors,
	"geppo forget":            sent,
	"geppo followups":         sent,
	"geppo import":            vendors + "\ngeppo sample --contracts 2 --period 2026-10 > october.jsonl",
	"geppo log":               sent + "\ngeppo resend 17",
	"geppo recipients import": `printf '契約,メールアドレス,氏名\nC000001,soumu@example.jp,総務\n' > addresses.csv`,
	"geppo recipients start":  "geppo recipients stop kanri@example.jp",
	"geppo release":           planned + "\ngeppo cancel --period 2026-10 --yes",
	"geppo resend":            sentAndBounced + "\n" + corrected,
	"geppo move --from " + exampleServer + " --to sqlite:/var/lib/geppo/geppo.db": "geppo move --to " + exampleServer,

	"geppo resume":   "geppo pause looking",
	"geppo retry":    deferred,
	"geppo show":     sent,
	"geppo stale":    sent + "\n" + corrected,
	"geppo status":   sent,
	"geppo user add": "echo a long and secret sentence > password.txt",
}

const (
	sent           = "cp sent/*.db ."
	planned        = "GEPPO_SCHEDULE_APPROVAL=full geppo run --period 2026-10 || test $? = 75"
	deferred       = "GEPPO_SMTP_PORT=$LATER geppo run --period 2026-10 || test $? = 75"
	notified       = `geppo show 17 --json | sed -n 's/.*"message_id": "\(.*\)",/\1/p' > id && sed "s/MESSAGE/$(cat id)/" template.eml > notification.eml`
	sentAndBounced = sent + "\n" + notified + " && geppo bounce < notification.eml"
	corrected      = `echo '{"type":"detection","contract":"C000003","id":"late","feature":"virus","time":"2026-10-05T14:03:22+09:00","endpoint":"Late01","name":"TROJ_LATE.A","result":"quarantined","count":40}' | geppo import -`
	vendors        = `geppo sample --contracts 1 --period 2026-10 --format cef > apexcentral.log
geppo sample --contracts 1 --period 2026-10 --format feeder | sed 's/C000001/Sample Trading/g' > worryfree.log
geppo sample --contracts 1 --period 2026-10 --format csv > spyware.csv`
)

func TestEveryExampleIsTrue(t *testing.T) {
	root := t.TempDir() // of no name that a shell would take for a variable
	template := exampleTemplate(t, root)
	everyCommand(newRoot(), func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Example) {
			line = strings.TrimSpace(line)
			t.Run(line, func(t *testing.T) {
				t.Parallel()
				x := newExample(t, root, template)
				if strings.Contains(line, exampleServer) {
					x.server = pgtest.Database(t)
				}
				if need := cmp.Or(examplesNeed[line], examplesNeed[cmd.CommandPath()]); need != "" {
					x.succeeds(strings.Join(strings.Split(need, "\n"), " && "))
				}
				switch cmd.CommandPath() {
				case "geppo serve":
					x.serves(line)()
				case "geppo healthcheck":
					defer x.serves("geppo serve")()
					x.succeeds(line)
				default:
					x.succeeds(line)
				}
			})
		}
	})
}

// example is a directory of its own, in which the paths of a machine stand below it.
type example struct {
	t      *testing.T
	dir    string
	env    []string
	server string // the data source name of a database that stands for exampleServer's
}

// exampleServer is the one that the examples name.
const exampleServer = "postgres://geppo@db.example.jp/geppo"

// exampleTemplate has the databases before a month is sent, and in sent/ those after.
func exampleTemplate(t *testing.T, root string) (dir string) {
	t.Helper()
	x := newExample(t, root, "")
	x.succeeds("geppo sample --contracts 12 --seed 11 --period 2026-10 | geppo import -")
	x.succeeds(`echo '{"type":"contract","id":"C000001","name":"株式会社サンプル商事","product":"antivirus","licences":20,"since":"2025-04-01","recipients":[{"address":"kanri@example.jp"},{"address":"info@example.jp"}]}' | geppo import -`)
	x.succeeds("cp *.db sent && geppo --db sqlite:sent/geppo.db run --period 2026-10")
	return x.dir
}

func newExample(t *testing.T, root, template string) example {
	t.Helper()
	dir, err := os.MkdirTemp(root, "")
	if err != nil {
		t.Fatal(err)
	}
	x := example{t: t, dir: dir}
	accepts, err := sink.Start(context.Background(), func(sink.Message) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := accepts.Close(); err != nil {
			t.Error(err)
		}
	})
	later := newTestRelay(t, func(s stage, _ string, _ int) error {
		if s == stageRcpt {
			return &smtp.SMTPError{Code: 450, EnhancedCode: smtp.EnhancedCode{4, 2, 1}, Message: "mailbox busy"}
		}
		return nil
	})
	x.env = []string{
		"PATH=" + filepath.Join(x.dir, "bin") + ":" + os.Getenv("PATH"), "HOME=" + x.dir, "GEPPO_LOG_LEVEL=info", "GEPPO_HTTP_LISTEN=unix:http",
		"GEPPO_SMTP_PORT=" + strconv.Itoa(accepts.Port()), "LATER=" + strconv.Itoa(later.port),
	}
	for _, dir := range []string{"bin", "sent", "etc/geppo", "etc/bash_completion.d", "var/backups", "var/lib/geppo", "usr/local/share/man", "tmp", "fpath", ".config/fish/completions"} {
		if err := os.MkdirAll(filepath.Join(x.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	x.write("geppo.toml", "")
	x.write("etc/geppo/geppo.toml", "")
	x.write("template.eml", exampleBounce)
	for _, viewer := range []string{"less", "benchstat"} { // that need not be on this machine
		x.write(filepath.Join("bin", viewer), "#!/bin/sh\ncat $*\n")
	}
	if template != "" {
		copyDatabases(t, x.dir, template)
		copyDatabases(t, filepath.Join(x.dir, "sent"), filepath.Join(template, "sent"))
	}
	return x
}

func (x example) write(name, text string) {
	x.t.Helper()
	if err := os.WriteFile(filepath.Join(x.dir, name), []byte(text), 0o700); err != nil {
		x.t.Fatal(err)
	}
}

// here puts the places of a machine below the directory, and makes large things small.
func (x example) here(line string) string {
	return strings.NewReplacer("/etc/", x.dir+"/etc/", "/var/", x.dir+"/var/", "/usr/", x.dir+"/usr/", "/tmp/geppo-demo", x.dir+"/tmp/demo",
		"${fpath[1]}", x.dir+"/fpath", "--contracts 1000", "--contracts 10", "old.txt", "new.txt", exampleServer, "'"+x.server+"'").Replace(line)
}

func (x example) command(line string) *exec.Cmd {
	cmd := exec.CommandContext(x.t.Context(), "bash", "-o", "pipefail", "-c", line)
	cmd.Dir, cmd.Env = x.dir, x.env
	return cmd
}

// succeeds runs a line, whose standard input is a password that may be asked for.
func (x example) succeeds(line string) {
	x.t.Helper()
	cmd := x.command(x.here(line))
	cmd.Stdin = strings.NewReader("a long and secret sentence\n")
	if output, err := cmd.CombinedOutput(); err != nil {
		x.t.Errorf("%s: %v\n%s", line, err, output)
	}
}

// serves begins a daemon and returns once it serves; the function ends it.
func (x example) serves(line string) (end func()) {
	x.t.Helper()
	cmd := x.command("exec " + x.here(line))
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		x.t.Fatal(err)
	}
	var said bytes.Buffer
	lines := bufio.NewScanner(log)
	for lines.Scan() && !strings.Contains(lines.Text(), "geppo serves") {
		said.WriteString(lines.Text() + "\n")
	}
	return func() {
		err := cmd.Process.Signal(syscall.SIGTERM)
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
		}
		if err = errors.Join(err, cmd.Wait()); err != nil {
			x.t.Errorf("%s: %v\n%s", line, err, said.String())
		}
	}
}

// exampleBounce says of a message that its address is no more.
const exampleBounce = `From: MAILER-DAEMON@relay.example
To: bounce@example.jp
Subject: Undelivered
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The message was not delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; kanri@example.jp
Action: failed
Status: 5.2.2
Diagnostic-Code: smtp; 552 5.2.2 mailbox full
--b
Content-Type: text/rfc822-headers

Message-ID: <MESSAGE>
Subject: x

--b--
`
