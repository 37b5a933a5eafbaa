package store

import "strings"

// Nearest is the one of names that wrong was probably meant to be, as a slip of the hand makes it: "" if none is near.
func Nearest(wrong string, names []string) string {
	wrong = strings.ToLower(wrong)
	best, least := "", len(wrong)/4+2
	for _, name := range names {
		if max(len(wrong)-len(name), len(name)-len(wrong)) >= least {
			continue
		}
		if d := distance(wrong, strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// distance counts the letters to insert, remove, change or swap with their neighbour to make b of a (Damerau).
func distance(a, b string) int {
	before, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			change := row[j]
			if a[i] != b[j] {
				change++
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, change)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
