package main

import (
	"io"
	"os"
	"strings"
	"sync"
	"unicode/utf8"

	"geppo/cmd/internal/harmless"
)

// Names, replies and reasons come from other people, and a terminal obeys what it is shown. All that geppo prints
// goes through clean, whoever prints it and whatever forgets to ask; printable is for what must stay on its line.

// printable makes text that others wrote safe for a line on a terminal and for a cell of a table.
func printable(s string) string { return harmless.Line(s) }

// clean passes text on to a stream that people read, with the codes of what it may not hold. It keeps the mark that
// a spreadsheet wants at the beginning.
type clean struct {
	mu    sync.Mutex
	w     io.Writer
	begun bool
	rest  []byte // of a character that a write has cut
}

// Write may be called by several goroutines.
func (c *clean) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := p
	if len(c.rest) > 0 {
		text = append(c.rest, p...)
	}
	whole := len(text) - cutOff(text)
	out, rest := c.cleaned(text[:whole]), append([]byte(nil), text[whole:]...)
	c.rest = rest
	if len(out) == 0 {
		return len(p), nil
	}
	if _, err := c.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cutOff is how many bytes at the end begin a character without ending it.
func cutOff(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// cleaned gives text itself where there is nothing to clean, which is nearly always.
func (c *clean) cleaned(text []byte) []byte {
	const mark = "\ufeff"
	start := 0
	if !c.begun && strings.HasPrefix(string(text[:min(len(text), len(mark))]), mark) {
		start = len(mark)
	}
	c.begun = c.begun || len(text) > 0
	var b strings.Builder
	done := 0 // copied or escaped up to here
	for i := start; i < len(text); {
		if text[i] >= ' ' && text[i] < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		if harmless.Commands(r) {
			b.Write(text[done:i])
			harmless.Escape(&b, r)
			done = i + size
		}
		i += size
	}
	if done == 0 {
		return text
	}
	b.Write(text[done:])
	return []byte(b.String())
}

// Flush passes on what has remained of a cut character.
func (c *clean) Flush() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rest) == 0 {
		return nil
	}
	out := c.cleaned(c.rest)
	c.rest = nil
	_, err := c.w.Write(out)
	return err
}

// fileOf is the file behind a stream, nil if there is none.
func fileOf(w io.Writer) *os.File {
	if c, ok := w.(*clean); ok {
		w = c.w
	}
	file, ok := w.(*os.File)
	if !ok {
		return nil
	}
	return file
}
