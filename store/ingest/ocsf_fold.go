package ingest

import (
	"time"
)

// findings fold what is told of one finding again and again into one row: Defender tells of a
// detection first without an action and a second later with it. The earliest time and the latest
// outcome that says something stay. Rows wait for that, as many as fit a bounded memory; one that
// comes later than that is left to the store, which knows detections by their id.
type findings struct {
	v     *vendor
	byID  map[string]*openFinding
	queue []*openFinding // by age
}

// maxOpen is how many findings wait.
const maxOpen = 20_000

// openFinding is a row that may still change.
type openFinding struct {
	line        line
	key         string
	first, last time.Time
}

// hold keeps the chunk's last line back.
func (s *findings) hold(c *chunk, at time.Time) {
	l := &c.lines[len(c.lines)-1]
	held := &openFinding{line: *l, key: findingKey(l.rows[0]), first: at, last: at}
	held.line.text = append([]byte(nil), l.text...)
	*l = line{number: l.number, warnings: l.warnings}
	held.line.warnings = nil
	if before, ok := s.byID[held.key]; ok {
		l.warn("finding updated")
		before.fold(held)
		return
	}
	s.byID[held.key] = held
	s.queue = append(s.queue, held)
	if len(s.queue) > maxOpen {
		s.release(c, len(s.queue)/2)
	}
}

func (s *findings) release(c *chunk, n int) {
	for _, held := range s.queue[:n] {
		delete(s.byID, held.key)
		l := c.add(held.line.number, held.line.text)
		l.rows = held.line.rows
		c.check(l)
	}
	s.queue = append([]*openFinding(nil), s.queue[n:]...)
}

func (s *findings) finish(c *chunk) error {
	s.release(c, len(s.queue))
	return nil
}

func findingKey(row Row) string {
	switch r := row.(type) {
	case detection:
		return r.Contract + "\x00" + r.ID
	case edrEvent:
		return r.Contract + "\x00event\x00" + r.ID
	}
	return ""
}

// fold takes what a later line says of the finding.
func (f *openFinding) fold(later *openFinding) {
	newer := !later.last.Before(f.last)
	switch was := f.line.rows[0].(type) {
	case detection:
		is, ok := later.line.rows[0].(detection)
		if !ok {
			return
		}
		if telling(is.Result) && (newer || !telling(was.Result)) {
			was.Result = is.Result
		}
		if later.first.Before(f.first) {
			was.Time = is.Time
		}
		was.Count = new(max(*was.Count, *is.Count))
		f.line.rows[0] = was
	case edrEvent:
		is, ok := later.line.rows[0].(edrEvent)
		if !ok {
			return
		}
		if newer {
			was.Status, was.Updated = is.Status, is.Updated
		}
		if later.first.Before(f.first) {
			was.Time = is.Time
		}
		if len(*was.Objects) == 0 {
			was.Objects = is.Objects
		}
		f.line.rows[0] = was
	}
	if later.first.Before(f.first) {
		f.first = later.first
	}
	if newer {
		f.last = later.last
	}
}

// telling tells a result that is an outcome.
func telling(result string) bool {
	return result != "" && result != "unknown" && result != passed.virus && result != "noncleaned"
}
