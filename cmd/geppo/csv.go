package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
)

// csvRows is CSV (RFC 4180) for a spreadsheet, which takes it for the machine's old encoding unless it begins with a mark.
type csvRows struct {
	out *csv.Writer
	err error // of the beginning
}

func newCSV(w io.Writer, header []string) *csvRows {
	_, err := io.WriteString(w, "\ufeff")
	c := &csvRows{csv.NewWriter(w), err}
	c.err = errors.Join(err, c.out.Write(header))
	return c
}

func (c *csvRows) row(cells ...any) error {
	text := make([]string, len(cells))
	for i, cell := range cells {
		text[i] = harmlessCell(fmt.Sprint(cell))
	}
	return errors.Join(c.err, c.out.Write(text))
}

func (c *csvRows) end() error {
	c.out.Flush()
	return errors.Join(c.err, c.out.Error())
}

// harmlessCell follows OWASP's list of what spreadsheets take for a formula: such a cell is given a quote before it.
func harmlessCell(cell string) string {
	cell = printable(cell)
	if cell != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(cell)[0]) {
		return "'" + cell
	}
	return cell
}
