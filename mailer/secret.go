package mailer

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a password or token. Whichever way it is printed, logged or marshalled, only *** comes out;
// string(s) is the one way to its value.
type Secret string

const hidden = "***"

// Format covers every verb of fmt, also those that fit no string.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String is ***.
func (Secret) String() string { return hidden }

// GoString is ***.
func (Secret) GoString() string { return hidden }

// LogValue is ***, also where a handler does not print but marshal.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText is ***, which covers JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
