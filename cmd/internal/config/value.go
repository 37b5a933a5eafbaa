package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that also reads days: "400d", "1d12h".
type Duration time.Duration

// UnmarshalText reads a duration of Go's form, with an optional number of days before it.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	var days time.Duration
	if n, rest, ok := strings.Cut(s, "d"); ok {
		count, err := strconv.Atoi(n)
		if err != nil || count < 0 || count > 36500 {
			return fmt.Errorf("%q is not a duration such as 90s, 5m, 72h or 400d", s)
		}
		days, s = time.Duration(count)*24*time.Hour, rest
		if s == "" {
			s = "0s"
		}
	}
	parsed, err := time.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("%q is not a duration such as 90s, 5m, 72h or 400d", string(text))
	}
	*d = Duration(days + parsed)
	return nil
}

// Size is a number of bytes that reads "20MB" (decimal) and "20MiB".
type Size int64

// UnmarshalText reads a number with an optional unit B, KB, MB, GB, KiB, MiB or GiB.
func (s *Size) UnmarshalText(text []byte) error {
	number, unit := string(text), int64(1)
	for _, u := range []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}} {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return fmt.Errorf("%q is not a size such as 500KB or 20MB", string(text))
	}
	*s = Size(n * unit)
	return nil
}
