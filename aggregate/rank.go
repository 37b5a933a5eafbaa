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
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
}

// top is the first n of a ranking, without holding on to the rest.
func top(ranked []Ranked, n int) []Ranked {
	return slices.Clip(slices.Clone(ranked[:min(n, len(ranked))]))
}

func sum(sums map[string]int64) (total int64) {
	for _, n := range sums {
		total += n
	}
	return total
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
