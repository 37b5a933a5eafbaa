package daemon

import (
	"errors"
	"fmt"
)

// Refusal says why something that was asked for is not done. Its text is for whoever typed a command; a page words the
// same in its reader's language, by Code, whose sentence takes Args.
type Refusal struct {
	Code   string
	Args   []any // a *Refusal among them is worded too
	Misuse bool  // it was asked for in a way that cannot be meant
	err    error
}

// Refuse makes a Refusal; the format and its arguments are those of fmt.Errorf.
func Refuse(code, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Args: args, err: fmt.Errorf(format, args...)}
}

// Misuse makes one of a request that cannot be meant.
func Misuse(code, format string, args ...any) *Refusal {
	r := Refuse(code, format, args...)
	r.Misuse = true
	return r
}

func (r *Refusal) Error() string { return r.err.Error() }

// Unwrap gives what the format's %w stands for.
func (r *Refusal) Unwrap() error { return errors.Unwrap(r.err) }
