package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

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

// say writes a line for people. On a terminal its further lines are set in a little more than the first is.
func say(w io.Writer, format string, args ...any) error {
	line := fmt.Sprintf(format, args...)
	inner := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(inner)]
	if width := terminalWidth(w); width > 0 && words.Width(line) > width {
		further := indent + "  "
		inner = strings.Join(folded(inner, width-len(further)), "\n"+further)
	}
	_, err := fmt.Fprintln(w, indent+inner)
	return err
}
