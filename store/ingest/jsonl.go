package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// geppo's own format: one JSON object a line, whose "type" names one of the rows of rows.go. It is
// strict, so that a slip of the program that writes it is found when it is made: no unknown or
// double members, no other types, no bytes that are not UTF-8. null is the same as absent.
//
// The parser is the mirror of encoding/json/v2, which Go 1.26 does not have yet: encoding/json
// takes double names and repairs wrong UTF-8 silently, and is slower than SQLite.

var strict = json.JoinOptions(json.RejectUnknownMembers(true))

func decodeLine(c *chunk, l *line) {
	r, err := decodeJSON(l.text)
	if err != nil {
		l.err = err
		return
	}
	c.keep(l, r)
}

func decodeJSON(line []byte) (record, error) {
	if err := checkText(line); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("{")) {
		return nil, errors.New("malformed JSON: the line is not an object; each line must hold one JSON object, or say --format for a vendor's file")
	}
	switch kind := rowType(line); kind {
	case "detection":
		return decodeRow(line, kind, detection.record)
	case "agent_status":
		return decodeRow(line, kind, agentStatus.record)
	case "endpoint":
		return decodeRow(line, kind, endpoint.record)
	case "contract":
		return decodeRow(line, kind, contract.record)
	case "edr_event":
		return decodeRow(line, kind, edrEvent.record)
	case "coverage":
		return decodeRow(line, kind, coverage.record)
	}
	return nil, noRowType(line)
}

// checkText refuses what no line of text may hold, with a reason better than a parser's.
func checkText(line []byte) error {
	if at := bytes.IndexByte(line, 0); at >= 0 {
		return fmt.Errorf("a NUL at byte %d; remove it, or save the file as UTF-8, or as UTF-16 with its byte order mark", at+1)
	}
	return checkUTF8(line)
}

func checkUTF8(line []byte) error {
	if utf8.Valid(line) {
		return nil
	}
	at := 0
	for r, size := utf8.DecodeRune(line); r != utf8.RuneError || size != 1; r, size = utf8.DecodeRune(line[at:]) {
		at += size
	}
	return fmt.Errorf("wrong UTF-8 at byte %d; save the file as UTF-8 (UTF-16 with its byte order mark, or CP932 throughout, will do)", at+1)
}

// rowType is the row's type, "" if it is none of the known. It looks for the member of that name and
// parses nothing: noRowType, or the parser of the row, says what else is wrong with the line.
func rowType(line []byte) string {
	depth := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			end := stringEnd(line, i)
			rest := bytes.TrimLeft(line[end:], " \t")
			if value, ok := bytes.CutPrefix(rest, []byte(":")); ok && depth == 1 && string(line[i:end]) == `"type"` {
				value = bytes.TrimLeft(value, " \t")
				if len(value) == 0 || value[0] != '"' {
					return ""
				}
				return string(bytes.Trim(value[:stringEnd(value, 0)], `"`))
			}
			i = end - 1
		}
	}
	return ""
}

// stringEnd is the place behind the string that begins at start, or the end of the line.
func stringEnd(line []byte, start int) int {
	for i := start + 1; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(line)
}

func noRowType(line []byte) error {
	var row struct {
		Type *string `json:"type"`
	}
	if err := json.Unmarshal(line, &row); err != nil {
		return reason(err, "")
	}
	const known = "use contract, endpoint, agent_status, detection, edr_event or coverage"
	if row.Type == nil {
		return errors.New(`"type" is missing; ` + known)
	}
	return fmt.Errorf("unknown type %.80q; %s", *row.Type, known)
}

// decodeRow parses line as a Row and lets it check itself.
func decodeRow[Row any](line []byte, kind string, check func(Row) (record, error)) (record, error) {
	var row Row
	if err := json.Unmarshal(line, &row, strict); err != nil {
		return nil, reason(err, kind)
	}
	r, err := check(row)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// reason puts a parser's error into the words of whoever wrote the row.
func reason(err error, kind string) error {
	if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(e.Err, jsontext.ErrDuplicateName) {
			return fmt.Errorf("field %s stands twice; keep one", pointer(e.JSONPointer))
		}
		text := strings.TrimPrefix(e.Err.Error(), "jsontext: ")
		return fmt.Errorf("malformed JSON at byte %d: %s; each line must hold one JSON object", e.ByteOffset+1, text)
	}
	e, ok := errors.AsType[*json.SemanticError](err)
	switch {
	case !ok:
		return fmt.Errorf("malformed JSON: %w; each line must hold one JSON object", err)
	case errors.Is(e.Err, json.ErrUnknownName):
		return fmt.Errorf("unknown field %s in type %q; remove it or mend its spelling", pointer(e.JSONPointer), kind)
	case e.GoType == nil:
		return fmt.Errorf("field %s is not of its type: %w", pointer(e.JSONPointer), e.Err)
	}
	have := string(e.JSONValue)
	if have == "" {
		have = e.JSONKind.String()
	}
	return fmt.Errorf("field %s must be %s, not %.80s", pointer(e.JSONPointer), typeName(e.GoType), have)
}

// pointer is a JSON pointer as people write it: "protections.edr".
func pointer(p jsontext.Pointer) string {
	var names []string
	for name := range p.Tokens() {
		names = append(names, name)
	}
	return fmt.Sprintf("%.80q", strings.Join(names, "."))
}

func typeName(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}
