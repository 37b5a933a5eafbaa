package render

import (
	"bytes"
	"fmt"
	htmltemplate "html/template"
	"strings"
	texttemplate "text/template"
	"unicode/utf8"

	"geppo/render/words"
)

// textWidth is how wide the text body is set, in half-width columns: what a terminal and RFC 5322's
// 78 characters leave.
const textWidth = 76

// textFuncs are what mail.txt sets lines with. Columns count as words.Width does.
var textFuncs = texttemplate.FuncMap{
	"left":  left,
	"right": right,
	"wrap":  wrap,
	"rule":  rule,
	"row":   row,
	"add":   func(a, b int) int { return a + b },
	"list":  func(l listView, w *words.Words) listIn { return listIn{l, w} },
}

// htmlFuncs are what mail.html needs beyond the language.
var htmlFuncs = htmltemplate.FuncMap{
	// cid makes the address of an image in the same message; html/template knows only web addresses.
	"cid": func(i *Image) htmltemplate.URL { return htmltemplate.URL("cid:" + i.CID) }, //nolint:gosec // made of names and ids of ours
	// mso writes a conditional comment for Outlook's Word engine, which knows no max-width; comments
	// of a template are dropped otherwise. It takes literals of the template only.
	"mso": func(markup string) htmltemplate.HTML {
		return htmltemplate.HTML("<!--[if mso]>" + markup + "<![endif]-->") //nolint:gosec // literals, see above
	},
	"tel":    func(phone string) htmltemplate.URL { return htmltemplate.URL("tel:" + digits(phone)) }, //nolint:gosec // digits alone
	"add":    func(a, b int) int { return a + b },
	"list":   func(l listView, w *words.Words) listIn { return listIn{l, w} },
	"agents": func(heading string, number int, rows []agentView) agentsIn { return agentsIn{heading, number, rows} },
}

// listIn hands a ranking and the wording to a sub-template.
type listIn struct {
	List listView
	W    *words.Words
}

// agentsIn hands a group of the EDR report to a sub-template.
type agentsIn struct {
	Heading string
	Number  int
	Rows    []agentView
}

// digits leaves what a telephone dials.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' || r == '+' {
			return r
		}
		return -1
	}, phone)
}

// left pads s with spaces on its right to the given columns; a wider s keeps its width.
func left(width int, s string) string { return s + spaces(width-words.Width(s)) }

// right pads s on its left.
func right(width int, s string) string { return spaces(width-words.Width(s)) + s }

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }

// rule is a line across the text.
func rule(of string) string { return strings.Repeat(of, textWidth/max(1, words.Width(of))) }

// Characters that must not begin a line, or end one (JIS X 4051, the common ones).
const (
	noBegin = "、。，．,.・:;：；?!？！)]}）」』】〉》〕｝ーぁぃぅぇぉっゃゅょァィゥェォッャュョ％%…～台件"
	noEnd   = "([{（「『【〈《〔｛"
)

// wrap sets s in lines of textWidth columns: the first behind first, the others behind as many
// spaces. It breaks at spaces and between Japanese characters, by the rules above.
func wrap(first, s string) string { return wrapTo(textWidth, first, s) }

func wrapTo(width int, first, s string) string {
	indent := spaces(words.Width(first))
	line, used := first, words.Width(first)
	var out strings.Builder
	for _, word := range breakable(s) {
		n := words.Width(word)
		if used+words.Width(strings.TrimRight(word, " ")) > width && used > len(indent) {
			out.WriteString(strings.TrimRight(line, " ") + "\n")
			line, used = indent, len(indent)
		}
		line, used = line+word, used+n
	}
	out.WriteString(strings.TrimRight(line, " "))
	return out.String()
}

// row sets a label behind first, over several lines if it must, and a value of at most width columns
// at the right edge of the last one.
func row(first, label string, width int, value string) string {
	out := wrapTo(textWidth-width-1, first, label)
	last := out[strings.LastIndexByte(out, '\n')+1:]
	return out + right(textWidth-words.Width(last), value)
}

// breakable splits s into pieces between which a line may end.
func breakable(s string) []string {
	var pieces []string
	start := 0
	for i, r := range s {
		if i == start {
			continue
		}
		before, _ := utf8.DecodeLastRuneInString(s[start:i])
		if mayBreak(before, r) {
			pieces = append(pieces, s[start:i])
			start = i
		}
	}
	return append(pieces, s[start:])
}

// mayBreak tells whether a line may end between two characters.
func mayBreak(before, after rune) bool {
	switch {
	case strings.ContainsRune(noBegin, after), strings.ContainsRune(noEnd, before), after == ' ', words.Width(string(after)) == 0, before == '\u200D':
		return false // the last two: a mark or a joined emoji stays whole
	case before == ' ', before == '/' && (after < '0' || after > '9'): // names are joined by it, and days have it within
		return true
	}
	return wide(before) || wide(after)
}

// wide tells the characters of Japanese text, which has no spaces.
func wide(r rune) bool { return r >= 0x2E80 && words.Width(string(r)) == 2 }

// tidy takes the blanks off line ends and leaves at most one empty line in a row, so that the
// templates may be written legibly.
func tidy(b []byte) []byte {
	var out bytes.Buffer
	empty := true
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, " \r\n")
		if line == "" && empty {
			continue
		}
		empty = line == ""
		fmt.Fprintln(&out, line)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n')
}
