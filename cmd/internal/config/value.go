package config

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that also reads days: "400d", "1d12h". It is no integer, because a decoder would
// take the 400 of keep = 400 for nanoseconds.
type Duration struct{ time.Duration }

const aDuration = `a duration such as "90s", "5m", "72h" or "400d"`

var bareNumber = regexp.MustCompile(`^[+-]?[0-9][0-9_.]*$`)

// UnmarshalText reads a duration of Go's form, with an optional number of days before it.
func (d *Duration) UnmarshalText(text []byte) error {
	s := string(text)
	if bareNumber.MatchString(s) {
		return fmt.Errorf(`%s has no unit; write "%[1]ss" for seconds, "%[1]sh" for hours, "%[1]sd" for days`, s)
	}
	var days int
	rest := s
	if n, after, ok := strings.Cut(s, "d"); ok {
		var err error
		if days, err = strconv.Atoi(n); err != nil || days < 0 || days > 36500 {
			return fmt.Errorf("%q is not %s", s, aDuration)
		}
		if rest = after; rest == "" {
			rest = "0s"
		}
	}
	parsed, err := time.ParseDuration(rest)
	if err != nil || parsed > math.MaxInt64-time.Duration(days)*24*time.Hour {
		return fmt.Errorf("%q is not %s", s, aDuration)
	}
	d.Duration = parsed + time.Duration(days)*24*time.Hour
	return nil
}

// Size is a number of bytes that reads "20MB" (decimal) and "20MiB".
type Size int64

const aSize = `a size such as "500KB" or "20MB"`

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
		return fmt.Errorf("%q is not %s", string(text), aSize)
	}
	*s = Size(n * unit)
	return nil
}
