package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"geppo/store"
	"geppo/store/sqlstore"
)

const (
	// lookBack is how long what imports said is repeated: two months, which a report compares.
	lookBack = 62 * 24 * time.Hour
	// mostListed is how many lines one kind of finding takes; the others are counted.
	mostListed = 20
)

// imports repeats what the last import of each feed said, and lists the rows that no report can trust.
func (k *checker) imports(ctx context.Context, detections *sqlstore.Detections, now time.Time) {
	since := now.Add(-lookBack)
	feeds, err := detections.Feeds(ctx, since)
	k.unreadable("import", err)
	limited(k, "import", feeds, func(r store.ImportRecord) {
		tell := k.ok
		if len(r.Warnings) > 0 || r.Rejected > 0 {
			tell = k.warn
		}
		tell("import", "%s", importWord(r))
	})
	outsiders, err := detections.Outsiders(ctx, since)
	k.unreadable("inventory", err)
	limited(k, "inventory", outsiders, func(o store.Outsider) {
		k.warn("inventory", "contract %s: %q is not in the inventory, but %d rows imported %s name it; feed the inventory as well, or mend the name",
			o.Contract, o.Name, o.Rows, clockTime(o.SeenAt))
	})
	misdated, err := detections.Misdated(ctx, since)
	k.unreadable("clocks", err)
	limited(k, "clocks", misdated, func(m store.Misdated) {
		k.warn("clocks", "contract %s: %q dates its %s %q %s, which is dated by its receipt %s; set that machine's clock",
			m.Contract, m.Endpoint, m.Feature, m.Name, clockTime(m.Clock), clockTime(m.Time))
	})
}

func (k *checker) unreadable(check string, err error) {
	if err != nil {
		k.fault(check, exitError, "%v; restore a backup (geppo help restoring)", err)
	}
}

func limited[T any](k *checker, check string, list []T, tell func(T)) {
	for _, item := range list[:min(len(list), mostListed)] {
		tell(item)
	}
	if more := len(list) - mostListed; more > 0 {
		k.warn(check, "and %d more", more)
	}
}

// importWord is one line of what an import said.
func importWord(r store.ImportRecord) string {
	word := fmt.Sprintf("%s, %s: %d read, %d new, %d changed, %d duplicate, %d rejected", r.File, clockTime(r.FinishedAt),
		r.Read, r.New, r.Changed, r.Duplicate, r.Rejected)
	if len(r.NotReported) > 0 {
		word += "; not reported: " + counted(r.NotReported, " ", ", ")
	}
	if len(r.Warnings) > 0 {
		word += "; " + counted(r.Warnings, ": ", "; ")
	}
	return word
}

// counted lists what was counted, by name.
func counted(counts map[string]int64, is, and string) string {
	var parts []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%s%s%d", what, is, counts[what]))
	}
	return strings.Join(parts, and)
}
