package ingest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"geppo/store"
)

// What an OCSF event says, wherever its version of the schema or its mapper puts it.

// ocsfEvent is an event and what was found out of it.
type ocsfEvent struct {
	node
	class   int
	malware bool
}

func (e ocsfEvent) isFinding() bool { return e.class == ocsfDetection || e.class == ocsfSecurity }

// info is the finding's description, under its name of today or its old one.
func (e ocsfEvent) info(name string) node {
	if n := e.at("finding_info", name); n.value != nil {
		return n
	}
	return e.at("finding", name)
}

// evidence are the values at a path of each evidence.
func (e ocsfEvent) evidence(path ...string) (nodes []node) {
	for _, ev := range e.at("evidences").list() {
		if n := ev.at(path...); n.value != nil {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// judge tells events that are not reported, and bad ones.
func (e ocsfEvent) judge() (class string, err error) {
	m := e.at("malware")
	switch {
	case e.class == 0:
		return "not OCSF", nil
	case !slices.Contains([]int{ocsfFile, ocsfModule, ocsfProcess, ocsfSecurity, ocsfDetection, ocsfNetwork, ocsfHTTP, ocsfDNS}, e.class):
		return strings.TrimSpace(fmt.Sprintf("class %d %.80s", e.class, clean(e.at("class_name").text()))), nil
	case m.value != nil && !m.isList():
		return "", errors.New("malware is no array; mend the mapper that wrote it")
	case e.disposition() == 10, e.isFinding() && e.status() == 6:
		return "exonerated or deleted", nil
	case !e.isFinding() && !e.detected():
		return "activity without a detection", nil
	case e.endpointName() == "":
		return "no endpoint in the finding", nil
	}
	return "", nil
}

func (e ocsfEvent) disposition() int { return int(e.at("disposition_id").number()) }

// detected tells an activity that is a detection.
func (e ocsfEvent) detected() bool {
	if alert := e.at("is_alert").truth(); alert != nil && *alert {
		return true
	}
	d := e.disposition()
	return len(e.at("malware").list()) > 0 || d >= 2 && d <= 6 || d == 19 || d == 21
}

// status is the finding's; old ones have a state.
func (e ocsfEvent) status() int {
	if e.class == ocsfSecurity && e.at("state_id").value != nil {
		return int(e.at("state_id").number())
	}
	return int(e.at("status_id").number())
}

func (e ocsfEvent) endpointName() string {
	names := []string{e.at("device", "hostname").text(), e.at("device", "name").text()}
	for _, d := range e.evidence("device") {
		names = append(names, d.at("hostname").text(), d.at("name").text())
	}
	for _, r := range e.at("resources").list() {
		kind := strings.ToLower(r.at("type").text())
		if strings.Contains(kind, "device") || strings.Contains(kind, "host") {
			names = append(names, r.at("hostname").text(), r.at("name").text())
		}
	}
	names = append(names, e.at("src_endpoint", "hostname").text(), e.at("device", "ip").text(), e.at("src_endpoint", "ip").text())
	for _, name := range names {
		if name = cleanName(name); !absentEndpoint(name) {
			return name
		}
	}
	return ""
}

func (e ocsfEvent) machine() store.Class {
	switch e.at("device", "type_id").number() {
	case 1:
		return store.ClassServer
	case 2, 3:
		return store.ClassDesktop
	case 4, 5:
		return store.ClassMobile
	}
	return classOf(present(e.at("device", "os", "name").text(), e.at("device", "os", "type").text()))
}

func holdsAny(texts []string, words ...string) bool {
	for _, text := range texts {
		text = strings.ToLower(text)
		for _, word := range words {
			if strings.Contains(text, word) {
				return true
			}
		}
	}
	return false
}

func (e ocsfEvent) isMalware() bool {
	return len(e.at("malware").list()) > 0 || holdsAny(e.info("types").texts(), "malware", "virus", "trojan", "worm", "ransom", "pua",
		"potentially unwanted", "adware", "spyware", "grayware", "riskware", "backdoor")
}

// feature is the class of event.
func (e ocsfEvent) feature() string {
	network := e.class == ocsfNetwork || e.class == ocsfDNS
	switch {
	case e.malware && network:
		return string(store.NetworkVirus)
	case e.malware && e.isSpyware():
		return string(store.Spyware)
	case e.malware:
		return string(store.Virus)
	case (e.class == ocsfHTTP || e.isFinding()) && e.url().value != nil:
		if e.filtered() {
			return string(store.URLFiltering)
		}
		return string(store.WebReputation)
	case e.class == ocsfHTTP:
		return string(store.WebReputation)
	case network:
		return string(store.NetworkVirus)
	case e.isFinding() && (e.info("analytic").at("type_id").number() != 2 || e.program() == ""):
		return eventClass
	}
	return string(store.BehaviorMonitoring)
}

func (e ocsfEvent) isSpyware() bool {
	texts := e.info("types").texts()
	for _, m := range e.at("malware").list() {
		for _, id := range m.at("classification_ids").list() {
			if slices.Contains([]float64{1, 9, 16, 17}, id.number()) {
				return true
			}
		}
		texts = append(texts, m.at("classifications").texts()...)
	}
	return holdsAny(texts, "pua", "adware", "spyware", "grayware", "potentially unwanted", "riskware")
}

func (e ocsfEvent) url() node {
	all := append([]node{e.at("http_request", "url"), e.at("url")}, e.evidence("url")...)
	for _, n := range append(all, e.evidence("http_request", "url")...) {
		if urlText(n) != "" {
			return n
		}
	}
	return node{}
}

// urlText is an URL, which old versions of the schema have as a text.
func urlText(n node) string {
	if host := n.at("hostname").text(); host != "" {
		return present(n.at("url_string").text(), host+n.at("path").text())
	}
	return present(n.at("url_string").text(), n.text())
}

// filtered tells an URL that was stopped for what it is about.
func (e ocsfEvent) filtered() bool {
	if len(e.url().at("categories").texts()) == 0 {
		return false
	}
	return holdsAny(append(e.info("types").texts(), e.at("policy", "name").text()), "categor", "policy", "filter", "content")
}

// program is the process that took part.
func (e ocsfEvent) program() string {
	for _, p := range append(e.evidence("process"), e.at("process"), e.at("actor", "process")) {
		if name := present(p.at("file", "path").text(), p.at("name").text(), p.at("file", "name").text()); name != "" {
			return name
		}
	}
	return ""
}

// time is when the event happened, as a text or as a number of any unit.
func (e ocsfEvent) time() (time.Time, bool) {
	for _, n := range []node{
		e.at("time_dt"), e.at("time"), e.at("created_time_dt"), e.at("created_time"), e.info("created_time_dt"), e.info("created_time"),
	} {
		if t, ok := epoch(n.number()); ok {
			return t, true
		}
		if t, err := parseTime(n.text(), time.UTC); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

func (e ocsfEvent) id() string {
	return cleanName(present(e.info("uid").text(), e.at("metadata", "uid").text(), e.at("metadata", "original_event_uid").text()))
}

func (e ocsfEvent) malwareName() string {
	for _, m := range e.at("malware").list() {
		if name := present(m.at("name").text()); name != "" {
			return name
		}
	}
	return ""
}

func (e ocsfEvent) title() string { return present(e.info("title").text(), e.at("message").text()) }

// finding is the detection that the event is.
func (e ocsfEvent) finding(class string) finding {
	f := finding{
		class: class, id: e.id(), endpoints: []string{e.endpointName()}, machine: e.machine(), path: e.file(),
		count: wholeCount(e.at("count").text()), name: present(e.malwareName(), e.title()),
	}
	switch class {
	case string(store.WebReputation):
		f.name = present(urlText(e.url()), e.at("dst_endpoint", "hostname").text(), f.name)
	case string(store.URLFiltering):
		f.name = e.url().at("categories").text()
	case string(store.BehaviorMonitoring):
		f.name = present(baseName(e.program()), f.name)
	case string(store.NetworkVirus):
		f.name = present(e.malwareName(), e.at("query", "hostname").text(), e.title())
	}
	return f
}

func (e ocsfEvent) file() string {
	for _, n := range append(e.evidence("file"), e.at("file")) {
		if path := present(n.at("path").text(), n.at("name").text()); path != "" {
			return path
		}
	}
	for _, m := range e.at("malware").list() {
		if path := present(m.at("path").text()); path != "" {
			return path
		}
		for _, n := range m.at("files").list() {
			if path := present(n.at("path").text(), n.at("name").text()); path != "" {
				return path
			}
		}
	}
	return ""
}

// dispositions are the outcomes that the schema enumerates.
var dispositions = map[int]outcome{
	1: passed, 3: quarantined, 5: deleted, 11: cleaned, 12: uncleanable, 13: uncleanable, 14: restart, 15: passed, 16: passed, 17: passed, 19: passed,
}

// captions are the names of those that have no counter; what was blocked is neither cleaned nor passed.
var captions = map[int]string{
	2: "Blocked", 4: "Isolated", 6: "Dropped", 7: "Custom Action", 8: "Approved", 9: "Restored", 18: "Tagged", 20: "Count", 21: "Reset", 22: "Captcha",
	23: "Challenge", 24: "Access Revoked", 25: "Rejected", 26: "Unauthorized", 27: "Error",
}

// result is what became of it: by the schema's number, else by the words beside it.
func (e ocsfEvent) result(r *results, spyware bool) string {
	d, words := e.disposition(), e.at("disposition").text()
	if o, ok := dispositions[d]; ok {
		return o.as(spyware)
	}
	if caption, ok := captions[d]; ok {
		caption = present(words, caption)
		if o, ok := r.chosen(caption); ok {
			return o.as(spyware)
		}
		return caption
	}
	return r.of(spyware, words)
}
