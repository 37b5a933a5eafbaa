package mailer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// A relay is not trusted to be well behaved: it may send a reply without end, terminal escapes or noise.
const (
	maxReply = 64 << 10 // bytes read for one reply
	maxText  = 1 << 10  // bytes kept of it
)

// errGarbled stands for bytes that are no SMTP reply.
var errGarbled = errors.New("the relay does not speak SMTP")

// readLines reads one reply of one or more lines (RFC 5321 4.2): its code, and what stands behind it on each line,
// of which at most a few KB are kept. It gives up after maxReply bytes. hide takes secrets out of what errors quote.
func readLines(r *bufio.Reader, hide func(string) string) (code int, texts []string, err error) {
	var first string
	for budget, kept := maxReply, 0; ; {
		line, size, err := readLine(r, budget)
		if err != nil {
			return 0, nil, err
		}
		budget -= size
		digits, last, rest, ok := splitReply(line)
		if !ok {
			return 0, nil, fmt.Errorf("%w: %q", errGarbled, printable(hide(line), 80))
		}
		if first != "" && digits != first {
			return 0, nil, fmt.Errorf("%w: one reply with two codes, %s and %s", errGarbled, first, digits)
		}
		first = digits
		if kept < 16*maxText { // more than any list of extensions
			texts, kept = append(texts, rest), kept+len(rest)+1
		}
		if last {
			code, err = strconv.Atoi(first)
			return code, texts, err
		}
	}
}

// readLine returns a line without its end, cut at the reader's buffer, and how many bytes it took.
func readLine(r *bufio.Reader, budget int) (line string, size int, err error) {
	for first := true; ; first = false {
		part, err := r.ReadSlice('\n')
		size += len(part)
		if first {
			line = string(bytes.TrimRight(part, "\r\n"))
		}
		switch {
		case size > budget:
			return "", size, fmt.Errorf("%w: a reply of more than %d bytes", errGarbled, maxReply)
		case err == nil:
			return line, size, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", size, err
		}
	}
}

// splitReply takes "250-text", "250 text" or "250" apart; the last is a reply without text.
func splitReply(line string) (code string, last bool, text string, ok bool) {
	ok = len(line) >= 3 && line[0] >= '2' && line[0] <= '5'
	for i := 1; i < 3 && ok; i++ {
		ok = line[i] >= '0' && line[i] <= '9'
	}
	switch {
	case !ok || len(line) > 3 && line[3] != ' ' && line[3] != '-':
		return "", false, "", false
	case len(line) == 3:
		return line, true, "", true
	}
	return line[:3], line[3] == ' ', line[4:], true
}

// newReply makes a Reply of a code and the texts of its lines. The enhanced code that every line repeats (RFC 2034)
// is taken out, and so is what hide hides.
func newReply(code int, texts []string, hide func(string) string) Reply {
	if len(texts) == 0 {
		return Reply{Code: code}
	}
	enhanced := enhancedCode(code, texts[0])
	lines := make([]string, len(texts))
	for i, line := range texts {
		if enhanced != "" {
			line = strings.TrimPrefix(line, enhanced)
		}
		lines[i] = strings.TrimSpace(hide(line))
	}
	return Reply{Code: code, Enhanced: enhanced, Text: printable(strings.Join(lines, " "), maxText)}
}

// enhancedCode finds the status code of RFC 3463 before the text, if its class is the reply's.
func enhancedCode(code int, text string) string {
	word, _, _ := strings.Cut(text, " ")
	parts := strings.Split(word, ".")
	if len(parts) != 3 || parts[0] != strconv.Itoa(code/100) {
		return ""
	}
	for _, p := range parts[1:] {
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n > 999 || len(p) > 3 {
			return ""
		}
	}
	return word
}

// printable makes text of unknown origin safe for a terminal and a ledger: one line of at most limit bytes;
// control characters, bidi marks and broken UTF-8 become a question mark.
func printable(s string, limit int) string {
	var b strings.Builder
	for _, r := range strings.TrimSpace(s) {
		switch {
		case r == '\n', r == '\t', r == '\r':
			r = ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			r = '?'
		}
		if b.Len()+len(string(r)) > limit {
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// Kind is what replies to different recipients have in common if they say the same: code and enhanced code or, where the
// relay gives none, its words without what differs from message to message.
func (r Reply) Kind() string {
	if r.Enhanced != "" {
		return fmt.Sprint(r.Code, " ", r.Enhanced)
	}
	words := slices.DeleteFunc(strings.Fields(strings.ToLower(r.Text)), func(word string) bool {
		return strings.ContainsAny(word, "@<0123456789")
	})
	return fmt.Sprint(r.Code, " ", strings.Join(words, " "))
}
