package aggregate

import (
	"cmp"
	"math"
	"slices"
)

// ranking sorts by count, highest first, ties by name in code-point order, which for UTF-8 is the
// order of bytes. Names that count 0 are not listed. It is never nil.
func ranking(sums map[string]int64) []Ranked {
	ranked := make([]Ranked, 0, len(sums))
	for name, n := range sums {
		if n > 0 {
			ranked = append(ranked, Ranked{name, n})
		}
	}
	slices.SortFunc(ranked, byCount)
	return ranked
}

func byCount(a, b Ranked) int {
	if a.Count != b.Count {
		return cmp.Compare(b.Count, a.Count)
	}
	return cmp.Compare(a.Name, b.Name)
}

// leaders are the first lines of a ranking. They keep no more than is printed: most of a month's
// names are only compared with the last of them, instead of being sorted.
type leaders struct {
	limit int
	lines []Ranked
}

func newLeaders(limit int) *leaders {
	return &leaders{limit, make([]Ranked, 0, limit+1)}
}

// add takes a name with its whole count.
func (l *leaders) add(name string, count int64) {
	line := Ranked{name, count}
	full := len(l.lines) == l.limit
	if count <= 0 || full && byCount(line, l.lines[l.limit-1]) > 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(l.lines, line, byCount)
	l.lines = slices.Insert(l.lines, at, line)
	if full {
		l.lines = l.lines[:l.limit]
	}
}

// leading is the beginning of the ranking of sums.
func leading(sums map[string]int64, limit int) []Ranked {
	l := newLeaders(limit)
	for name, n := range sums {
		l.add(name, n)
	}
	return l.lines
}

// percent is part of whole in percent, rounded half away from zero to one decimal. It counts in
// integers: 0.5 of a tenth must not hang on how a float happens to fall. whole is above 0.
func percent(part, whole int64) float64 {
	if max(part, -part, whole) > math.MaxInt64/2001 {
		return math.Round(float64(part)/float64(whole)*1000) / 10 // beyond any real count
	}
	tenths := (max(part, -part)*2000 + whole) / (2 * whole)
	if part < 0 && tenths > 0 {
		tenths = -tenths
	}
	return float64(tenths) / 10
}
