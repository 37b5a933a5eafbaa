package ingest

import (
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"geppo/store"
)

// OCSF (Open Cybersecurity Schema Framework) is the neutral door: products whose own format is not
// read here come through it, by way of a mapper. Findings are what counts; other events only where
// they are detections.

// The classes of events.
const (
	ocsfFile      = 1001
	ocsfModule    = 1005
	ocsfProcess   = 1007
	ocsfSecurity  = 2001
	ocsfDetection = 2004
	ocsfNetwork   = 4001
	ocsfHTTP      = 4002
	ocsfDNS       = 4003
)

func openOCSF(r io.Reader, v *vendor) source {
	s := &findings{v: v, byID: map[string]*openFinding{}}
	return documents(r, items{lists: []string{"events", "findings", "logs"}, item: s.event, finish: s.finish})
}

// event takes one event.
func (s *findings) event(c *chunk, number int, value jsontext.Value) {
	l := c.add(number, oneLine(value))
	e, err := parse(value)
	if err != nil {
		l.err = malformed(err)
		return
	}
	event := ocsfEvent{node: e, class: int(e.at("class_uid").number())}
	if l.class, l.err = event.judge(); l.class != "" || l.err != nil {
		return
	}
	event.malware = event.isMalware()
	class := event.feature()
	if _, reported := s.v.feature(class); !reported && class != eventClass {
		l.class = class
		return
	}
	at, ok := event.time()
	if !ok {
		l.err = errNoTime
		return
	}
	if class == eventClass {
		s.v.ocsfIncident(l, event, at)
	} else {
		f := event.finding(class)
		f.time = at
		if class == string(store.Virus) || class == string(store.Spyware) {
			f.result = event.result(&s.v.results, class == string(store.Spyware))
		}
		s.v.detection(l, f)
	}
	c.check(l)
	if l.err == nil && len(l.rows) == 1 {
		s.hold(c, at)
	}
}

// ocsfIncident makes a finding that is no detection of malware an EDR event.
func (v *vendor) ocsfIncident(l *line, e ocsfEvent, at time.Time) {
	contract, err := v.contract()
	if err != nil {
		l.err = err
		return
	}
	objects := e.objects()
	row := edrEvent{
		Type: "edr_event", Contract: contract, ID: e.id(), Time: stamp(at), Updated: stamp(at), Endpoint: e.endpointName(),
		Status: e.eventStatus(), Objects: &objects,
	}
	if row.ID == "" {
		row.ID = v.derive(contract, row.Type, row.Time, row.Endpoint, cleanName(e.title()), "")
	}
	l.rows = append(l.rows, row)
}

func (e ocsfEvent) eventStatus() string {
	switch status := e.status(); status {
	case 1:
		return "new"
	case 2:
		return "in_progress"
	case 3, 4, 5:
		return "closed"
	case 0:
		if e.at("activity_id").number() == 3 { // Close
			return "closed"
		}
		return "new"
	}
	return cleanName(present(e.at("status").text(), "new"))
}

// objects are the files and processes of the evidence, each once.
func (e ocsfEvent) objects() []object {
	objects, seen := []object{}, map[string]bool{}
	for _, kind := range []string{"file", "process"} {
		for _, n := range e.evidence(kind) {
			name := cleanName(baseName(present(n.at("name").text(), n.at("path").text(), n.at("file", "name").text(), n.at("file", "path").text())))
			if folded := strings.ToLower(name); name != "" && !seen[folded] {
				seen[folded] = true
				objects = append(objects, object{Name: name, Type: kind})
			}
		}
	}
	return objects
}
