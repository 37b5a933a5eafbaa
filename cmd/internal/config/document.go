package config

import (
	"bytes"
	"encoding"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
)

// setting is one value that a source gives.
type setting struct {
	path  []string
	value any // as TOML knows it
	where string
}

func (s setting) key() string { return strings.Join(s.path, ".") }

// byteOrderMark begins the files of some editors.
var byteOrderMark = []byte("\ufeff")

// document splits a file into its settings. Its second value is a fault that hides whatever stands behind it.
func document(name string, text []byte) ([]setting, *Fault) {
	text = bytes.TrimPrefix(text, byteOrderMark)
	var whole map[string]any
	lines := linesOf(text)
	if err := toml.Unmarshal(text, &whole); err != nil {
		return nil, grammar(name, text, lines, err)
	}
	list := leaves(nil, whole)
	for i, s := range list {
		list[i].where = fmt.Sprintf("%s line %d", name, lines.of(s.path))
	}
	return list, nil
}

// leaves are the values below a table. A table that no key is named like is one too, and told as a whole.
func leaves(path []string, table map[string]any) (list []setting) {
	for _, name := range slices.Sorted(maps.Keys(table)) {
		path := append(slices.Clone(path), name)
		t := typeOf(path)
		below, isTable := table[name].(map[string]any)
		if isTable && t != nil && (isSection(t) || t.Kind() == reflect.Map) {
			list = append(list, leaves(path, below)...)
		} else {
			list = append(list, setting{path: path, value: table[name]})
		}
	}
	return list
}

// lines says where each key and each table begins.
type lines map[string]int

// linesOf looks at a file for what the decoder does not keep; a part that is no TOML ends it.
func linesOf(text []byte) lines {
	found := lines{}
	var p unstable.Parser
	p.Reset(text)
	var table []string
	for p.NextExpression() {
		e := p.Expression()
		var path []string
		begins := 0
		for it := e.Key(); it.Next(); {
			path = append(path, string(it.Node().Data))
			begins = p.Shape(it.Node().Raw).Start.Line
		}
		if e.Kind == unstable.KeyValue {
			path = append(slices.Clone(table), path...)
		} else {
			table = path
		}
		if key := strings.Join(path, "."); found[key] == 0 {
			found[key] = begins
		}
	}
	return found
}

// of is the line of a key, or of the inline table that it stands in.
func (l lines) of(path []string) int {
	for ; len(path) > 0; path = path[:len(path)-1] {
		if line, ok := l[strings.Join(path, ".")]; ok {
			return line
		}
	}
	return 1
}

// keyAt is the key that begins on a line, empty if there is none.
func (l lines) keyAt(line int) (key string) {
	for name, at := range l {
		if at == line && len(name) > len(key) {
			key = name
		}
	}
	return key
}

// grammar says where a file stops being TOML. What a reader cannot see, such as the wide space of a Japanese
// keyboard, is named.
func grammar(name string, text []byte, lines lines, err error) *Fault {
	fault := &Fault{Key: name, Text: strings.TrimPrefix(oneLine(err), "toml: ")}
	var decoding *toml.DecodeError
	if !errors.As(err, &decoding) {
		return fault
	}
	row, column := decoding.Position()
	fault.Where = fmt.Sprintf("line %d column %d", row, column)
	if key := lines.keyAt(row); key != "" {
		fault.Key, fault.Where = key, fmt.Sprintf("%s line %d", name, row)
	}
	written := bytes.Split(text, []byte("\n"))
	if row > len(written) || column < 1 || column > len(written[row-1]) {
		return fault
	}
	r, _ := utf8.DecodeRune(written[row-1][column-1:])
	switch {
	case r == utf8.RuneError:
		fault.Text = "this is not UTF-8; save the file as UTF-8"
	case unicode.IsSpace(r) && r > unicode.MaxASCII, unicode.Is(unicode.Cf, r):
		fault.Text = fmt.Sprintf("the character %U 「%s」, which looks like a space, stands where none may; remove it", r, visible(r))
	case r > unicode.MaxASCII:
		fault.Text = fmt.Sprintf("the character %U 「%c」 stands where only ASCII may; quote the value with \", or remove it", r, r)
	}
	return fault
}

// visible is a character that a terminal does not obey.
func visible(r rune) string {
	if unicode.IsSpace(r) && r != '\u2028' && r != '\u2029' && r != '\u0085' {
		return string(r)
	}
	return fmt.Sprintf(`\u%04x`, r)
}

// put decodes a setting into a configuration, or says why it cannot be.
func put(config *Config, s setting) (faults []Fault) {
	t := typeOf(s.path)
	if t == nil {
		return []Fault{{s.key(), unknown(s.key(), append(sections(), Keys()...)), s.where}}
	}
	text, err := s.document()
	if err == nil {
		err = toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(config)
	}
	var missing *toml.StrictMissingError
	switch {
	case readsItself(t) && !isScalar(s.value):
		return []Fault{{s.key(), s.explain(t), s.where}}
	case err == nil:
		return nil
	case errors.As(err, &missing) && t.Kind() == reflect.Slice:
		for _, e := range missing.Errors { // within a table of a list
			key := strings.Join(e.Key(), ".")
			faults = append(faults, Fault{key, unknown(key, keys(t.Elem(), s.key()+".")), s.where})
		}
		return faults
	}
	return []Fault{{s.key(), s.explain(t), s.where}}
}

// document is a setting as TOML. The decoder ends at the first value of a wrong type; given one at a time, all of
// them are told.
func (s setting) document() ([]byte, error) {
	value := s.value
	for _, name := range slices.Backward(s.path) {
		value = map[string]any{name: value}
	}
	return toml.Marshal(value)
}

// isScalar tells a value from a list, a table and a time.
func isScalar(value any) bool {
	switch value.(type) {
	case string, bool, int64, float64:
		return true
	}
	return false
}

// explain says what a value should have been. The decoder speaks of Go's types.
func (s setting) explain(t reflect.Type) string {
	if !isScalar(s.value) {
		return "wants " + noun(t)
	}
	written := fmt.Sprint(s.value)
	if readsItself(t) {
		if err := reflect.New(t).Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(written)); err != nil {
			return err.Error()
		}
	}
	if _, isText := s.value.(string); isText {
		written = strconv.Quote(written)
	}
	return fmt.Sprintf("wants %s, not %s", noun(t), written)
}

// noun names what can be written for a type.
func noun(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[Duration]():
		return aDuration
	case reflect.TypeFor[Size]():
		return aSize
	case reflect.TypeFor[[]Webhook]():
		return `a list such as [{kind = "slack", url_file = "/etc/geppo/webhook"}]`
	}
	switch t.Kind() {
	case reflect.String:
		return `text in quotes`
	case reflect.Int:
		return "a whole number"
	case reflect.Float64:
		return "a number"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return `a list of texts such as ["a", "b"]`
	default:
		return "a table of keys"
	}
}

// unknown says that there is no such key, and which one was probably meant.
func unknown(key string, names []string) string {
	if near := Nearest(key, names); near != "" {
		return fmt.Sprintf("unknown key; did you mean %s?", near)
	}
	return "unknown key; see geppo.example.toml for the keys there are"
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
