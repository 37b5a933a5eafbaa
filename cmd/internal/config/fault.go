package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Fault is one thing that is wrong with a configuration.
type Fault struct {
	Key   string // dotted, or the file's or the variable's name where it concerns no key
	Text  string
	Where string // "geppo.toml line 7" or the variable; empty: a default, a flag, or the Key says it
}

// String is one line: what is wrong with which key, and where that stands.
func (f Fault) String() string {
	line := f.Text
	if f.Key != "" {
		key := f.Key
		if strings.ContainsFunc(key, func(r rune) bool { return !unicode.IsPrint(r) }) {
			key = strconv.Quote(key)
		}
		line = key + ": " + line
	}
	if f.Where != "" {
		line += " (" + f.Where + ")"
	}
	return line
}

// Error is everything that is wrong with a configuration.
type Error struct {
	Faults     []Fault
	Unreadable bool // the file could not be read: nothing is known of what it says
}

func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		lines[i] = fault.String()
	}
	return "configuration: " + strings.Join(lines, "; ")
}

// Faulty is the error of one fault.
func Faulty(key, format string, args ...any) *Error {
	return &Error{Faults: []Fault{{Key: key, Text: fmt.Sprintf(format, args...)}}}
}

// Add takes what err says of key, if there is one: an *Error's faults as they are.
func (e *Error) Add(key string, err error) {
	var faulty *Error
	switch {
	case err == nil:
	case errors.As(err, &faulty):
		e.Faults = append(e.Faults, faulty.Faults...)
	default:
		e.Faults = append(e.Faults, Fault{Key: key, Text: err.Error()})
	}
}

// OrNil is the error, if there is a fault.
func (e *Error) OrNil() error {
	if len(e.Faults) == 0 {
		return nil
	}
	return e
}

// Concerns tells whether a fault names one of the keys, or a key of one of the sections.
func (e *Error) Concerns(keys ...string) bool {
	return slices.ContainsFunc(e.Faults, func(fault Fault) bool {
		return slices.ContainsFunc(keys, func(key string) bool {
			return fault.Key == key || strings.HasPrefix(fault.Key, key+".")
		})
	})
}
