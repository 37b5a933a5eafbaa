package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"geppo/render/words"
)

// clockTime is a time as people on this machine read it; "-" for none.
func clockTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// terminal tells whether w is one.
func terminal(w io.Writer) bool {
	file := fileOf(w)
	return file != nil && term.IsTerminal(int(file.Fd()))
}

// meter is a progress bar on a terminal, and nothing elsewhere. It is decoration: that it cannot be
// drawn any more, say because the terminal went away, must not stop the work it tells of.
type meter struct{ bar *progressbar.ProgressBar }

// newMeter starts a bar; most -1: the length is not known.
func newMeter(w io.Writer, most int64, what string, bytes bool) meter {
	if !terminal(w) || most == 0 {
		return meter{}
	}
	return meter{progressbar.NewOptions64(most, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(fileOf(w)),
		progressbar.OptionShowCount(), progressbar.OptionShowBytes(bytes), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

func (m meter) add(n int) {
	if m.bar != nil {
		_ = m.bar.Add(n)
	}
}

func (m meter) set(n int) {
	if m.bar != nil {
		_ = m.bar.Set(n)
	}
}

func (m meter) end() {
	if m.bar != nil {
		_ = m.bar.Finish()
	}
}

// usualWidth is that of a terminal that does not tell.
const usualWidth = 80

// terminalWidth is how many columns a terminal has, 0 for what is none.
func terminalWidth(w io.Writer) int {
	if !terminal(w) {
		return 0
	}
	width, _, err := term.GetSize(int(fileOf(w).Fd()))
	if err != nil || width <= 0 {
		return usualWidth
	}
	return width
}

// labelled writes "label text", with the text's further lines below its first one; nothing where there is no text. Width 0
// is that of a file, where it stays one line.
func labelled(w io.Writer, room int, label, text string, width int) (err error) {
	if text == "" {
		return nil
	}
	lines := []string{text}
	if width > 0 {
		lines = folded(text, width-room-1)
	}
	for _, line := range lines {
		_, e := fmt.Fprintf(w, "%-*s %s\n", room, label, line)
		err, label = errors.Join(err, e), ""
	}
	return err
}

// folded breaks text into lines for a terminal.
func folded(text string, width int) []string {
	return words.Wrap(text, float64(max(width, leastColumn)), func(r rune) float64 { return float64(words.Width(string(r))) })
}

// say writes a line for people. On a terminal its further lines are set in as the first is.
func say(w io.Writer, format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	inner := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(inner)]
	if width := terminalWidth(w); width > 0 {
		inner = strings.Join(folded(inner, width-len(indent)), "\n"+indent)
	}
	_, err := fmt.Fprintln(w, indent+inner)
	return err
}
