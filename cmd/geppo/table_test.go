package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"

	"geppo/render/words"
	"geppo/store"
	"geppo/store/sqlstore"
)

// onTerminal runs a command whose output goes to a terminal of so many columns, and gives what it shows.
func onTerminal(ctx context.Context, t *testing.T, columns uint16, args ...string) (code int, shown string) {
	t.Helper()
	return answering(ctx, t, columns, "", args...)
}

// interrupted is the answer of somebody who presses Ctrl-C: what main makes of that, for the test has no signal of its own.
const interrupted = "\x03"

// answering runs a command on a terminal where somebody types an answer once he is asked; "": nobody sits there.
func answering(ctx context.Context, t *testing.T, columns uint16, answer string, args ...string) (code int, shown string) {
	t.Helper()
	ctx, interrupt := context.WithCancel(ctx)
	defer interrupt()
	screen, tty, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close()
	if err := pty.Setsize(screen, &pty.Winsize{Rows: 24, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	read := make(chan error, 1)
	go func() {
		asked := bufio.NewReader(screen)
		for rest := answer; ; {
			c, err := asked.ReadByte()
			if err != nil {
				read <- err
				return
			}
			seen.WriteByte(c)
			if rest != "" && bytes.HasSuffix(seen.Bytes(), []byte("[y/N] ")) {
				if rest == interrupted {
					interrupt()
				} else if _, err := screen.WriteString(rest); err != nil {
					read <- err
					return
				}
				rest = ""
			}
		}
	}()
	var stdin io.Reader
	if answer != "" {
		stdin = tty
	}
	code = run(ctx, append([]string{"-c", filepath.Join("testdata", "empty.toml")}, args...), stdin, tty, tty)
	if answer == interrupted { // ends what still reads
		if _, err := screen.WriteString("\n"); err != nil {
			t.Fatal(err)
		}
	}
	// That nobody holds the terminal any more is told by an error of input.
	if err := errors.Join(tty.Close(), <-read); err != nil && !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	return code, strings.ReplaceAll(seen.String(), "\r\n", "\n")
}

// A small ledger in which everything that a table shows is as long as it gets.
func longNamed(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	ledger := openTestLedger(t, dir)
	detections, err := sqlstore.OpenDetections(t.Context(), filepath.Join(dir, "geppo-detections.db"), sqlstore.Migrate)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(ledger.Close(), detections.Close()); err != nil {
			t.Error(err)
		}
	}()
	company, now := strings.Repeat("株式会社サンプル商事", 20), time.Now()
	address := strings.Repeat("soumubu-", 7) + "@" + strings.Repeat("mail.", 20) + "example.jp"
	contract := store.Contract{
		ID: strings.Repeat("C", 64), Name: company, Product: store.ProductSecurityPackage, EDR: true, Licences: 200_000, Timezone: "Asia/Tokyo",
		Since: "2025-01-01", Ends: "2027-03-31", Recipients: []store.Recipient{{Address: address, Name: company}},
	}
	_, err = detections.Import(t.Context(), store.Import{File: strings.Repeat("月次/", 30) + "検出.csv", Now: time.Now}, func(tx *sqlstore.ImportTx) error {
		return errors.Join(tx.PutContract(t.Context(), contract, false), tx.PutCoverage(t.Context(), contract.ID, "2025-10-31"))
	})
	if err != nil {
		t.Fatal(err)
	}
	plan := store.Plan{Kind: "resend", Period: september, RequestedBy: company, Each: func(take func(store.Chosen) error) error {
		return take(store.Chosen{Contract: contract.ID, Error: company, Targets: []store.Target{{Address: address, Name: company, MessageID: "m@x"}}})
	}}
	_, err = ledger.Plan(t.Context(), plan, now)
	_, frozen := ledger.Freeze(t.Context(), store.Freezing{Contract: contract.ID, Period: september, Revision: 1, JSON: []byte("{}"), FollowUps: []store.FollowUp{
		{Contract: contract.ID, Feature: store.Virus, Result: "noncleaned", Endpoint: company, Name: company, Count: 1234567, From: "2025-09-05", To: "2025-09-06"},
	}}, now)
	_, cancelled := ledger.Cancel(t.Context(), store.Filter{IDs: []int64{1}}, store.Order{By: company, Reason: company}, now)
	if err := errors.Join(err, frozen, cancelled, ledger.Pause(t.Context(), store.CauseOperator, company, company, now)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Whatever stands in the data, no line of a table is broken by a terminal of 80 columns.
func TestTablesFitATerminal(t *testing.T) {
	dir := longNamed(t)
	sample := filepath.Join(dir, strings.Repeat("月次", 20)+".jsonl")
	if err := os.WriteFile(sample, []byte(`{"type":"coverage","contract":"`+strings.Repeat("C", 64)+`","day":"2025-10-05"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{
		"status", "status --period 2026-09", "status --undone", "show 1", "log", "log 1", "contracts", "contracts --search サンプル", "recipients",
		"followups --period 2026-09", "stale --period 2026-09", "import " + sample, "check --no-smtp", "run --period 2026-10 --dry-run", "prune --dry-run",
		"resume", "workers", "run --help", "help 運用", "help console", "--help",
	} {
		code, shown := onTerminal(t.Context(), t, usualWidth, append([]string{"--db", "sqlite:" + filepath.Join(dir, "geppo.db")}, strings.Fields(args)...)...)
		if shown == "" && args != "resume" {
			t.Errorf("geppo %s shows nothing (%d)", args, code)
		}
		for line := range strings.Lines(shown) {
			line = strings.TrimRight(line, "\n")
			if width := words.Width(line); width > usualWidth && !strings.HasPrefix(line, "geppo: ") {
				t.Errorf("geppo %s: a line takes %d columns: %s", args, width, line)
			}
		}
		if testing.Verbose() {
			t.Logf("geppo %s\n%s", args, shown)
		}
	}
}

// What does not fit is told in fewer words first, then below, and cut last.
func TestATableGivesWayByDegrees(t *testing.T) {
	other := time.Date(2024, 5, 1, 9, 0, 0, 0, time.Local)
	title := columnsAbove("id", "when", "nothing", "name", "why")
	rows := [][]any{{7, other, "-", "サーバー室の端末", "550 no such user"}}
	for width, want := range map[int]struct {
		shown []int
		under int
		name  int // columns of the name
	}{
		0: {[]int{0, 1, 2, 3, 4}, -1, 16}, 70: {[]int{0, 1, 2, 3, 4}, -1, 16}, 55: {[]int{0, 1, 3, 4}, -1, 16},
		40: {[]int{0, 1, 3}, 4, 16}, 25: {[]int{0, 1, 3}, 4, 9},
	} {
		l := fitting(title, rows, width)
		if !slices.Equal(l.shown, want.shown) || l.under != want.under || l.widths[3] != want.name || l.records || width > 0 && l.total() > width {
			t.Errorf("%d: %+v", width, l)
		}
	}
	if !fitting(title, rows, 20).records {
		t.Error("a row that cannot fit is no record")
	}
	if shortTime(other) != "2024-05-01" {
		t.Error(shortTime(other))
	}
}

// A later row finds its room where there is some, and never more.
func TestALaterRowStaysWithinTheTerminal(t *testing.T) {
	l := fitting(columns("id", "name"), [][]any{{1, strings.Repeat("x", 20)}}, 30)
	l.widen(l.text([]any{1000, strings.Repeat("x", 50)}), 30)
	if l.widths[0] != 4 || l.widths[1] != 24 {
		t.Errorf("%v", l.widths)
	}
}
