package ingest

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"geppo/store"
)

// A list of addresses as people keep it in a spreadsheet: contract, address and name, in UTF-8 or CP932. A heading may
// put the columns into another order and have others beside them.

// AddressRow is one of its rows.
type AddressRow struct {
	Line      int
	Contract  string
	Recipient store.Recipient // the name is empty where none is given
}

// addressColumns are the names of a heading's columns.
var addressColumns = [3][]string{
	{"contract", "contract id", "契約", "契約id", "契約番号"},
	{"address", "mail", "e-mail", "email", "メールアドレス", "メール", "アドレス", "宛先"},
	{"name", "名前", "氏名", "宛名", "表示名"},
}

// CheckRecipient gives an address with its name as an import would keep them, or says what is wrong.
func CheckRecipient(address, name string) (store.Recipient, error) {
	var c checks
	r := c.recipient("name", recipient{address, name})
	return r, c.err
}

// ReadAddresses reads a list. bad are its faulty rows; an error ends the reading.
func ReadAddresses(r io.Reader, file string) (rows []AddressRow, bad []*RowError, err error) {
	table := csv.NewReader(toUTF8(r, notUTF8))
	table.FieldsPerRecord = -1
	columns, headed := [3]int{0, 1, 2}, false
	for first := true; ; first = false {
		cells, err := table.Read()
		if parse, ok := errors.AsType[*csv.ParseError](err); ok {
			return nil, nil, &RowError{file, parse.Line, parse.Err.Error() + "; mend the quotes"}
		}
		if errors.Is(err, io.EOF) {
			return rows, bad, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if first {
			if at, ok := addressHeading(cells); ok {
				columns, headed = at, true
				continue
			}
		}
		line, _ := table.FieldPos(0)
		row, err := addressRow(cells, columns, headed)
		if err != nil {
			bad = append(bad, &RowError{file, line, err.Error()})
			continue
		}
		row.Line = line
		rows = append(rows, row)
	}
}

// addressHeading tells a heading by its first two columns, and where each stands; -1: nowhere.
func addressHeading(cells []string) (columns [3]int, ok bool) {
	for i, names := range addressColumns {
		columns[i] = slices.IndexFunc(cells, func(cell string) bool { return slices.Contains(names, store.Fold(strings.TrimSpace(cell))) })
	}
	return columns, columns[0] >= 0 && columns[1] >= 0
}

func addressRow(cells []string, columns [3]int, headed bool) (row AddressRow, err error) {
	if !headed && len(cells) > len(columns) || len(cells) < 2 {
		return row, fmt.Errorf("it has %d columns; write contract, address and name, or a heading that says where they stand", len(cells))
	}
	var values [3]string
	for i, at := range columns {
		if at < 0 || at >= len(cells) {
			continue
		}
		if !utf8.ValidString(cells[at]) {
			return row, errors.New("it is neither UTF-8 nor CP932; save the list as one of them")
		}
		values[i] = PlainCell(cells[at])
	}
	var c checks
	row.Contract = c.contractID("contract", values[0])
	row.Recipient = c.recipient("name", recipient{values[1], values[2]})
	return row, c.err
}

// codes are those that stand for characters which a spreadsheet, a terminal or a reader could be deceived by.
var codes = regexp.MustCompile(`(?:\\u[0-9a-f]{4})+`)

// PlainCell is what a cell of our own lists says: without the quote that keeps a spreadsheet from taking it for a
// formula, and with the characters that codes (\u202e, as in JSON) stand for.
func PlainCell(cell string) string {
	cell = strings.TrimSpace(cell)
	if rest, quoted := strings.CutPrefix(cell, "'"); quoted {
		if formula := strings.TrimLeft(rest, "'"); formula != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(formula)[0]) {
			cell = rest
		}
	}
	return codes.ReplaceAllStringFunc(cell, func(run string) string {
		var text string
		if err := json.Unmarshal([]byte(`"`+run+`"`), &text); err != nil {
			return run // not reached: codes are JSON
		}
		return text
	})
}
