package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Names, replies and reasons come from other people, and a terminal obeys what it is shown. All that geppo prints
// goes through clean, whoever prints it and whatever forgets to ask; printable is for what must stay on its line.

// printable makes text that others wrote safe for a line on a terminal and for a cell of a table.
func printable(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if r == '\n' || r == '\t' || commands(r) {
			escape(&b, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// plain tells text of printable ASCII, which nearly all is: a letter is a column wide, and none does anything else.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// commands tells what a terminal would obey, or a reader would not see: control characters, among them the escapes
// that move a cursor or set a title, what turns the direction of writing, and what has no width. The joiners within
// emoji stay.
func commands(r rune) bool {
	switch r {
	case '\n', '\t', '\u200c', '\u200d':
		return false
	case utf8.RuneError, '\u2028', '\u2029':
		return true
	}
	return unicode.In(r, unicode.Cc, unicode.Cf)
}

// escape writes a character's code as JSON does, so that cleaned JSON means the same.
func escape(b *strings.Builder, r rune) {
	for _, unit := range utf16.Encode([]rune{r}) {
		fmt.Fprintf(b, `\u%04x`, unit)
	}
}

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
		if commands(r) {
			b.Write(text[done:i])
			escape(&b, r)
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
