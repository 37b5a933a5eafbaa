package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"
)

const prefix = "GEPPO_"

// The environment variables that hold secrets themselves, and not the name of a file as a key does.
const (
	PasswordVariable     = "GEPPO_SMTP_PASSWORD"           //nolint:gosec // G101: the name of a variable, not a password
	ClientSecretVariable = "GEPPO_HTTP_OIDC_CLIENT_SECRET" //nolint:gosec // G101: the same
)

var secretVariables = []string{PasswordVariable, ClientSecretVariable}

// Variable is the name under which the environment gives a key.
func Variable(key string) string {
	return prefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// environment reads the variables that begin with GEPPO_. One that is no key's is a fault: a typing error would
// otherwise leave a default in force. Brands, whose names are the operator's, stand in a file only.
func environment(environ []string) (list []setting, faults []Fault) {
	keyOf := map[string]string{}
	for _, key := range Keys() {
		if !strings.Contains(key, ".NAME.") {
			keyOf[Variable(key)] = key
		}
	}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(secretVariables, name) {
			continue
		}
		key, known := keyOf[name]
		if !known {
			faults = append(faults, Fault{Key: name, Text: strangeVariable(name, keyOf)})
			continue
		}
		path := strings.Split(key, ".")
		value, err := ofType(typeOf(path), text)
		if err != nil {
			faults = append(faults, Fault{key, err.Error(), name})
			continue
		}
		list = append(list, setting{path, value, name})
	}
	return list, faults
}

func strangeVariable(name string, keyOf map[string]string) string {
	names := slices.Clone(secretVariables)
	for variable := range keyOf {
		names = append(names, variable)
	}
	slices.Sort(names)
	if near := Nearest(name, names); near != "" {
		return fmt.Sprintf("this environment variable sets no key; did you mean %s?", near)
	}
	return "this environment variable sets no key; unset it, or see geppo.example.toml for the keys there are"
}

// ofType reads a variable's text. Lists are comma-separated; tables are written as in the file, without their
// outer brackets.
func ofType(t reflect.Type, text string) (value any, err error) {
	switch kind := t.Kind(); {
	case readsItself(t), kind == reflect.String:
		if !utf8.ValidString(text) {
			return nil, errors.New("is not UTF-8")
		}
		return text, nil
	case kind == reflect.Int:
		value, err = strconv.Atoi(text)
	case kind == reflect.Float64:
		value, err = strconv.ParseFloat(text, 64)
	case kind == reflect.Bool:
		value, err = text == "true", nil
		if text != "true" && text != "false" {
			err = strconv.ErrSyntax
		}
	case kind == reflect.Map:
		value, err = fragment("{" + text + "}")
	case t.Elem().Kind() == reflect.String:
		return commaSeparated(text), nil
	default:
		value, err = fragment("[" + text + "]")
	}
	if err != nil {
		return nil, fmt.Errorf("wants %s, not %q", noun(t), text)
	}
	return value, nil
}

func commaSeparated(text string) []string {
	list := []string{}
	if text == "" {
		return list
	}
	for item := range strings.SplitSeq(text, ",") {
		list = append(list, strings.TrimSpace(item))
	}
	return list
}

// fragment reads one value of TOML.
func fragment(text string) (any, error) {
	var whole map[string]any
	err := toml.Unmarshal([]byte("value = "+text+"\n"), &whole)
	if err == nil && len(whole) != 1 {
		err = strconv.ErrSyntax
	}
	return whole["value"], err
}
