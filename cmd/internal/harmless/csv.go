package harmless

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// CSV is a table (RFC 4180) for a spreadsheet, which takes it for the machine's old encoding unless it begins with a mark.
type CSV struct {
	out *csv.Writer
	err error // of the beginning
}

// NewCSV begins one.
func NewCSV(w io.Writer, header []string) *CSV {
	_, err := io.WriteString(w, "\ufeff")
	c := &CSV{csv.NewWriter(w), err}
	c.err = errors.Join(err, c.out.Write(header))
	return c
}

// Row writes a row.
func (c *CSV) Row(cells ...any) error {
	text := make([]string, len(cells))
	for i, cell := range cells {
		text[i] = Cell(fmt.Sprint(cell))
	}
	return errors.Join(c.err, c.out.Write(text))
}

// End writes what is left.
func (c *CSV) End() error {
	c.out.Flush()
	return errors.Join(c.err, c.out.Error())
}

// Cell is text for a spreadsheet. It follows OWASP's list of what these take for a formula: such a cell is given a quote
// before it, and so is one that would read as if it had been given one. Codes stand for characters as in Line; a
// backslash that would read as the beginning of one is a code too. So ingest.PlainCell gives the text back.
func Cell(text string) string {
	text = Line(strings.ReplaceAll(text, `\u`, `\u005cu`))
	if unquoted := strings.TrimLeft(text, "'"); unquoted != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(unquoted)[0]) {
		return "'" + text
	}
	return text
}
