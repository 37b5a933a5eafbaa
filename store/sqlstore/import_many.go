package sqlstore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"geppo/store"
)

// The rows that come by the million: they are written in batches.

// detectionRow is a detection as its table holds it, and no larger: a batch holds 100,000 of them.
type detectionRow struct {
	contract, ms, identity, count                                int64
	id, feature, class, endpoint, endpointID, name, result, path string
	received, misdated                                           any // milliseconds, or nil; the latter is what the wrong clock said
}

type detectionKey struct{ contract, identity int64 }

var detectionRules = batchRules[detectionRow, detectionKey]{
	key:   func(r *detectionRow) detectionKey { return detectionKey{r.contract, r.identity} },
	holds: func(have, next *detectionRow) bool { return !next.supersedes(have) },
	compare: func(a, b *detectionRow) int {
		return cmp.Or(cmp.Compare(a.contract, b.contract), cmp.Compare(a.ms, b.ms), cmp.Compare(a.identity, b.identity))
	},
	args: (*detectionRow).args,
}

// supersedes tells whether a row of the same detection takes the place of an earlier one: it is more
// final, or as final and corrects the time. updateDetections says the same in SQL.
func (r *detectionRow) supersedes(have *detectionRow) bool {
	by := cmp.Compare(store.Finality[r.result], store.Finality[have.result])
	return by > 0 || by == 0 && r.ms != have.ms
}

// identity is what a detection is known by within its contract. 64 bits of SHA-256 do not meet by
// chance: among 10 million detections of one contract with a probability of 1 to 370,000. If they
// do, the import fails loudly (updateDetections) and drops no detection.
func identity(feature store.Feature, id string) int64 {
	var buf [256]byte
	sum := sha256.Sum256(append(append(append(buf[:0], feature...), 0x1f), id...))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

const detectionColumns = `contract, time, identity, id, feature, class, count, endpoint, endpoint_id, name, result, received, path, misdated`

func insertDetections(rows int) string {
	return `INSERT INTO detections (` + detectionColumns + `) VALUES ` + values(rows, 14) + ` ON CONFLICT DO NOTHING`
}

// updateDetections looks at rows that were there before as well as at those that have just been
// added, which supersede nothing. Rows of one identity that are two detections end the import: id
// must not be NULL.
func updateDetections(rows int) string {
	return `UPDATE detections AS d SET ` + setDetection + ` FROM ` + valuesAs(rows, detectionColumns) + `
WHERE d.contract = n.contract AND d.identity = n.identity AND (` + supersedes() + `)`
}

const setDetection = `
  time = n.time, id = CASE WHEN (d.id, d.feature) = (n.id, n.feature) THEN n.id END, class = n.class, count = n.count, endpoint = n.endpoint,
  endpoint_id = n.endpoint_id, name = n.name, result = n.result, received = n.received, path = n.path, misdated = n.misdated`

func supersedes() string {
	return finality("n.result") + ` > ` + finality("d.result") + `
  OR ` + finality("n.result") + ` = ` + finality("d.result") + ` AND n.time <> d.time
  OR (d.id, d.feature) <> (n.id, n.feature)`
}

// finality is store.Finality of a column.
func finality(column string) string {
	s := "CASE " + column
	for _, result := range slices.Sorted(maps.Keys(store.Finality)) {
		s += fmt.Sprintf(" WHEN '%s' THEN %d", result, store.Finality[result])
	}
	return s + " ELSE 0 END"
}

func (r *detectionRow) args(to []any) []any {
	return append(to, r.contract, r.ms, r.identity, r.id, r.feature, r.class, r.count, r.endpoint, r.endpointID, r.name, r.result,
		r.received, r.path, r.misdated)
}

// PutDetection adds a detection, or replaces what is known of it if it is superseded. Where its
// clock was wrong, it is dated by its receipt.
func (t *ImportTx) PutDetection(ctx context.Context, d store.DetectionRow) error {
	key, err := t.key(ctx, d.Contract)
	if err != nil {
		return err
	}
	row := detectionRow{
		contract: key, ms: d.Time.UnixMilli(), identity: identity(d.Feature, d.ID), count: d.Count,
		id: d.ID, feature: string(d.Feature), class: string(d.Class), endpoint: d.Endpoint, endpointID: d.EndpointID,
		name: d.Name, result: d.Result, path: d.Path,
	}
	if !d.Received.IsZero() {
		row.received = d.Received.UnixMilli()
	}
	if store.ClockWrong(d.Time, d.Received) {
		row.misdated, row.ms = row.ms, d.Received.UnixMilli()
		t.Warnings[store.WarnClock]++
	}
	machine := store.Machine{ID: d.EndpointID, Name: d.Endpoint}
	if err := t.follow(ctx, key, machine, t.machine(machine)); err != nil {
		return err
	}
	t.touched.at(key, time.UnixMilli(row.ms))
	size := len(d.ID) + len(d.Endpoint) + len(d.EndpointID) + len(d.Name) + len(d.Result) + len(d.Path)
	return t.detections.add(ctx, row, size, &t.Counts)
}

// statusRow is a snapshot as its table holds it.
type statusRow struct {
	contract int64
	machine  string
	store.AgentStatus
}

type statusKey struct {
	contract int64
	machine  string
	day      store.Day
}

var statusRules = batchRules[statusRow, statusKey]{
	key:   func(r *statusRow) statusKey { return statusKey{r.contract, r.machine, r.Day} },
	holds: func(have, next *statusRow) bool { return slices.Equal(have.args(nil), next.args(nil)) },
	compare: func(a, b *statusRow) int {
		return cmp.Or(cmp.Compare(a.contract, b.contract), strings.Compare(a.machine, b.machine), strings.Compare(string(a.Day), string(b.Day)))
	},
	args: (*statusRow).args,
}

const statusColumns = `contract, machine, day, endpoint, last_seen, pattern_current, os, os_supported, ` +
	`realtime_scan, behavior_monitoring, machine_learning, web_reputation, edr`

func insertStatuses(rows int) string {
	return `INSERT INTO agent_status (` + statusColumns + `) VALUES ` + values(rows, 13) + ` ON CONFLICT DO NOTHING`
}

func updateStatuses(rows int) string {
	return `UPDATE agent_status AS s SET ` + setStatus + ` FROM ` + valuesAs(rows, statusColumns) + ` WHERE ` + sameStatusDiffers
}

const (
	setStatus = `
  endpoint = n.endpoint, last_seen = n.last_seen, pattern_current = n.pattern_current, os = n.os, os_supported = n.os_supported,
  realtime_scan = n.realtime_scan, behavior_monitoring = n.behavior_monitoring, machine_learning = n.machine_learning,
  web_reputation = n.web_reputation, edr = n.edr`

	sameStatusDiffers = `
  s.contract = n.contract AND s.machine = n.machine AND s.day = n.day
  AND (s.endpoint, s.last_seen, s.pattern_current, s.os, s.os_supported,
       s.realtime_scan, s.behavior_monitoring, s.machine_learning, s.web_reputation, s.edr) IS DISTINCT FROM
      (n.endpoint, n.last_seen, n.pattern_current, n.os, n.os_supported,
       n.realtime_scan, n.behavior_monitoring, n.machine_learning, n.web_reputation, n.edr)`
)

func (r *statusRow) args(to []any) []any {
	p := r.Protections
	return append(to, r.contract, r.machine, string(r.Day), r.Endpoint, r.LastSeen.UnixMilli(), orNull(r.PatternCurrent), r.OS,
		orNull(r.OSSupported), string(p.RealtimeScan), string(p.BehaviorMonitoring), string(p.MachineLearning),
		string(p.WebReputation), string(p.EDR))
}

// orNull is what flag reads.
func orNull(b *bool) any {
	switch {
	case b == nil:
		return nil
	case *b:
		return int64(1)
	}
	return int64(0)
}

// PutStatus adds or replaces a machine's snapshot of a day.
func (t *ImportTx) PutStatus(ctx context.Context, contract string, s store.AgentStatus) error {
	key, err := t.key(ctx, contract)
	if err != nil {
		return err
	}
	machine := store.Machine{ID: s.EndpointID, Name: s.Endpoint}
	row := statusRow{key, t.machine(machine), s}
	if err := t.follow(ctx, key, machine, row.machine); err != nil {
		return err
	}
	t.touched.on(key, s.Day)
	return t.statuses.add(ctx, row, len(row.machine)+len(s.Endpoint)+len(s.OS), &t.Counts)
}

// machine is m.Key.
func (t *ImportTx) machine(m store.Machine) string {
	if m.ID == "" {
		return t.fold(m.Name)
	}
	return m.Key()
}
