package ingest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"geppo/store"
)

// Alerts of Vision One's Workbench, as its interface answers them.

func openWorkbench(r io.Reader, v *vendor) source {
	return documents(r, items{lists: []string{"items"}, item: v.alert, rest: alertsLeft})
}

// alertsLeft warns of an answer that is one page of several.
func alertsLeft(c *chunk, number int, answer node) error {
	if answer.at("nextLink").text() != "" {
		c.add(number, nil).warn("nextLink: further pages are missing")
	}
	return nil
}

// alert makes an alert an EDR event. It happened when it was created: lists are asked for by that
// time, and it cannot fall into a month that was sent already, as the time of its matches does.
func (v *vendor) alert(c *chunk, number int, value jsontext.Value) {
	l := c.add(number, oneLine(value))
	defer c.check(l)
	alert, err := parse(value)
	if err != nil {
		l.err = malformed(err)
		return
	}
	row := edrEvent{Type: "edr_event", ID: alert.at("id").text(), Status: alertStatus(alert)}
	if row.ID == "" {
		l.err = errors.New(`no alert: "id" is missing`)
		return
	}
	at, err := parseTime(alert.at("createdDateTime").text(), time.UTC)
	if err != nil {
		l.err = fmt.Errorf("createdDateTime: %w", err)
		return
	}
	row.Time = stamp(at)
	if updated, err := parseTime(alert.at("updatedDateTime").text(), time.UTC); err == nil {
		row.Updated = stamp(updated)
	}
	hosts := alertHosts(l, alert)
	if len(hosts) == 0 {
		l.class = "no endpoint in the alert"
		return
	}
	row.Endpoint, row.EndpointID = hosts[0].name, hosts[0].id
	if len(hosts) > 1 {
		row.EndpointID = ""
		for _, h := range hosts {
			row.Endpoints = append(row.Endpoints, h.name)
		}
	}
	if row.Contract, l.err = v.contract(); l.err != nil {
		return
	}
	objects := v.alertObjects(alert)
	row.Objects = &objects
	l.rows = append(l.rows, row)
}

// alertStatus is the alert's status, in our words where they are known.
func alertStatus(alert node) string {
	status := cleanName(present(alert.at("status").text(), alert.at("investigationStatus").text()))
	switch sameText(status) {
	case "", "open", "new":
		return "new"
	case "in progress":
		return "in_progress"
	case "closed", "true positive", "false positive", "benign true positive":
		return "closed"
	}
	return status
}

type host struct {
	name, id string
	alerted  bool
}

// alertHosts are the machines that the alert is about: those that it was raised for, or if there is
// none, those that a later search found.
func alertHosts(l *line, alert node) []host {
	var hosts []host
	for _, e := range alert.at("impactScope", "entities").list() {
		if e.at("entityType").text() != "host" {
			continue
		}
		value := e.at("entityValue")
		h := host{name: value.text(), alerted: true}
		if value.isObject() {
			h.name, h.id = value.at("name").text(), cleanName(value.at("guid").text())
		}
		h.name = cleanName(h.name[strings.LastIndexByte(h.name, '\\')+1:])
		if p := e.at("provenance"); p.isList() {
			h.alerted = slices.Contains(p.texts(), "Alert")
		}
		same := func(o host) bool { return store.Fold(o.name) == store.Fold(h.name) }
		if i := slices.IndexFunc(hosts, same); i >= 0 {
			hosts[i].alerted = hosts[i].alerted || h.alerted
		} else if !absentEndpoint(h.name) {
			hosts = append(hosts, h)
		}
	}
	if len(hosts) > 1 {
		l.warn("alert with more than one endpoint")
	}
	alerted := slices.DeleteFunc(slices.Clone(hosts), func(h host) bool { return !h.alerted })
	if len(alerted) == 0 && len(hosts) > 0 {
		return hosts[:1]
	}
	return alerted
}

// alertLevels are the fields that name what took part, and their type: what was acted on before who
// acted, because the actor, a shell as a rule, would top every list.
var alertLevels = []map[string]string{
	{"objectFilePath": "file", "fullPath": "file", "fileName": "file", "objectName": "process", "objectCmd": "process"},
	{"objectRegistryKeyHandle": "registry", "request": "url", "url": "url", "objectIp": "ip", "dst": "ip"},
	{"processFilePath": "process", "processCmd": "process"},
	{"parentFilePath": "process", "parentCmd": "process"},
}

// alertObjects are the objects of the first level that has any.
func (v *vendor) alertObjects(alert node) []object {
	indicators := alert.at("indicators").list()
	result := v.alertResult(indicators)
	for _, level := range alertLevels {
		objects, seen := []object{}, map[string]bool{}
		for _, in := range indicators {
			field := in.at("field").text()
			kind, ok := level[field]
			if !ok {
				continue
			}
			for _, text := range in.at("value").texts() {
				name := cleanName(objectName(field, kind, text))
				if folded := strings.ToLower(name); name != "" && !seen[folded] {
					seen[folded] = true
					objects = append(objects, object{Name: name, Type: kind, Result: result})
				}
			}
		}
		if len(objects) > 0 {
			return objects
		}
	}
	return []object{}
}

// objectName is what an indicator's value names.
func objectName(field, kind, value string) string {
	switch {
	case kind != "file" && kind != "process":
		return value
	case strings.HasSuffix(field, "Cmd"):
		return baseName(programOf(value))
	}
	return baseName(value)
}

// programOf is the program of a command line: quoted, or up to the first blank, unless that cuts a
// path in two.
func programOf(command string) string {
	command = strings.TrimSpace(command)
	if after, quoted := strings.CutPrefix(command, `"`); quoted {
		program, _, _ := strings.Cut(after, `"`)
		return program
	}
	word, _, _ := strings.Cut(command, " ")
	if strings.Contains(word, `\`) && !strings.Contains(baseName(word), ".") {
		if end := strings.Index(strings.ToLower(command), ".exe"); end >= 0 {
			return command[:end+len(".exe")]
		}
	}
	return word
}

// alertResult is what the alert says of what became of its objects; empty if it says nothing.
func (v *vendor) alertResult(indicators []node) string {
	for _, field := range []string{"actResult", "act"} {
		for _, in := range indicators {
			if text := present(in.at("value").text()); text != "" && in.at("field").text() == field {
				return cleanName(v.results.of(false, text))
			}
		}
	}
	return ""
}
