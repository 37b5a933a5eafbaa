package mailer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
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

// readReply reads one reply of one or more lines (RFC 5321 4.2). It keeps no more than maxText of it and
// gives up after maxReply bytes.
func readReply(r *bufio.Reader) (Reply, error) {
	var code string
	var text strings.Builder
	for budget := maxReply; ; {
		line, size, err := readLine(r, budget)
		if err != nil {
			return Reply{}, err
		}
		budget -= size
		digits, last, rest, err := splitReply(line)
		if err != nil {
			return Reply{}, err
		}
		if code != "" && digits != code {
			return Reply{}, fmt.Errorf("%w: one reply with two codes, %s and %s", errGarbled, code, digits)
		}
		code = digits
		if text.Len() < 2*maxText {
			text.WriteString(rest + "\n")
		}
		if last {
			n, err := strconv.Atoi(code)
			return newReply(n, text.String()), err
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

// splitReply takes "250-text", "250 text" or "250" apart.
func splitReply(line string) (code string, last bool, text string, err error) {
	bad := len(line) < 3 || line[0] < '2' || line[0] > '5'
	for i := 1; i < 3 && !bad; i++ {
		bad = line[i] < '0' || line[i] > '9'
	}
	if bad || len(line) > 3 && line[3] != ' ' && line[3] != '-' {
		return "", false, "", fmt.Errorf("%w: %q", errGarbled, printable(line, 80))
	}
	if len(line) == 3 {
		return line, true, "", nil
	}
	return line[:3], line[3] == ' ', line[4:], nil
}

// newReply makes a Reply of a code and the text of its lines, separated by line feeds. The enhanced code that
// every line repeats (RFC 2034) is taken out.
func newReply(code int, text string) Reply {
	lines := strings.Split(text, "\n")
	enhanced := enhancedCode(code, lines[0])
	for i, line := range lines {
		if enhanced != "" {
			line = strings.TrimPrefix(line, enhanced)
		}
		lines[i] = strings.TrimSpace(line)
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
