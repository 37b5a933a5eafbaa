package ingest

import (
	"fmt"
	"strings"
	"time"

	"geppo/store"
)

// What becomes of each class of CEF events: which field names what was detected, on which endpoint, and which
// texts tell what became of it.

// cefClass is the class of event that a class id says, and whether its lines may have no time.
func cefClass(r *cefRecord) (class string, timeless bool) {
	kind, _, _ := strings.Cut(r.id, ":")
	switch kind {
	case "AV":
		return string(store.Virus), false
	case "Spyware Detected":
		return string(store.Spyware), false
	case "WB":
		if r.urlFilter() {
			return string(store.URLFiltering), false
		}
		return string(store.WebReputation), false
	case "BM":
		return string(store.BehaviorMonitoring), false
	case "NCIE":
		return "suspicious_connection", false
	case "PML":
		return string(store.MachineLearning), true
	case "EAC":
		return string(store.ApplicationControl), true
	case "700106":
		return string(store.DLP), true
	case "700107":
		return string(store.DeviceControl), true
	case "700211", "700220":
		if strings.HasPrefix(r.name, "Attack Discovery") {
			return "attack_discovery", false
		}
		return "product_event", false
	}
	return cefUnreported[kind], false
}

var cefUnreported = map[string]string{
	"CnC": "cnc_callback", "FH": "suspicious_file", "VAD": "sandbox", "MS": "content_security", "IPS": "intrusion_prevention",
	"800101": "pattern_update", "800102": "engine_update",
}

// urlFilter tells a line of the URL filter from one of web reputation, which has a rating.
func (r *cefRecord) urlFilter() bool {
	if r.label("webreputationrating") != "" {
		return false
	}
	says := func(s string) bool {
		s = strings.ReplaceAll(foldLabel(sameText(s)), "-", "")
		return strings.Contains(s, "urlfilter") || strings.Contains(s, "urlblock") || strings.Contains(s, "urlフィルタ")
	}
	if says(r.id) || says(r.name) || says(r.get("cat")) {
		return true
	}
	for _, p := range r.labels {
		if says(p.value) {
			return true
		}
	}
	return false
}

// cefRecord makes a record a row.
func (v *vendor) cefRecord(l *line, r *cefRecord) {
	class, timeless := cefClass(r)
	if class == "" {
		l.class = "unknown class " + clean(r.id)
		return
	}
	feature, reported := v.feature(class)
	if !reported {
		l.class = class
		return
	}
	at, err := r.time()
	switch {
	case err != nil && timeless && r.get("rt") == "":
		l.class = class + " without a time"
		return
	case err != nil:
		l.err = fmt.Errorf("rt: %w", err)
		return
	}
	if feature == eventClass {
		v.cefEvent(l, r, at)
		return
	}
	f := r.finding(class)
	f.class, f.id, f.time, f.count = class, r.ownID(), at, r.count()
	f.customers = []string{present(r.get("customerExternalID"))}
	f.machine = classOf(r.get("TMCMdevicePlatform"))
	v.detection(l, f)
}

// The endpoint of a line: dvchost is the server in lines from the cloud and the endpoint in old ones,
// hence last; in old lines of viruses shost is where the infection came from, hence after dhost.
var (
	cefVirusEndpoint = []string{"TMCMLogDetectedHost", "dhost", "shost", "dst", "dvchost"}
	cefWebEndpoint   = []string{"TMCMLogDetectedHost", "shost", "dvchost", "src"}
)

// finding is what is particular to a class.
func (r *cefRecord) finding(class string) (f finding) {
	file := func() string { return joinPath(r.get("filePath"), r.get("fname")) }
	switch class {
	case string(store.Virus):
		return finding{name: r.name, endpoints: r.all(cefVirusEndpoint...), path: file(), results: r.virusResults()}
	case string(store.Spyware):
		return finding{
			name: r.label("virusname"), endpoints: r.all(cefVirusEndpoint...), path: present(r.all("filePath", "fname")...),
			results: []string{r.label("actionresult"), r.action()},
		}
	case string(store.WebReputation):
		return finding{name: present(r.all("request", "dhost", "dst")...), endpoints: r.all(cefWebEndpoint...), path: r.get("deviceProcessName")}
	case string(store.URLFiltering):
		name := present(r.label("urlcategory"), r.get("cat"), r.get("request"))
		return finding{name: name, endpoints: r.all(cefWebEndpoint...), path: r.get("request")}
	case string(store.BehaviorMonitoring):
		name := present(baseName(present(r.get("sproc"))), baseName(r.label("target")), r.id)
		return finding{name: name, endpoints: r.all(cefWebEndpoint...), path: r.get("sproc")}
	case string(store.MachineLearning):
		name := present(r.label("detectionname", "securitythreat"), r.name)
		return finding{name: name, endpoints: r.all(cefVirusEndpoint...), path: file(), results: []string{r.headerResult(), r.action()}}
	case string(store.ApplicationControl):
		return finding{name: r.get("fname"), endpoints: r.all(append([]string{"cs2"}, cefWebEndpoint...)...), path: r.label("command")}
	case string(store.DLP):
		return finding{name: r.label("rule", "template"), endpoints: r.all(cefWebEndpoint...), path: r.get("filePath")}
	case string(store.DeviceControl):
		return finding{name: baseName(r.get("fname")), endpoints: r.all(cefWebEndpoint...), path: r.get("fname")}
	}
	return r.connection()
}

// connection is a suspicious connection, and what an operator wants reported although it is not.
func (r *cefRecord) connection() finding {
	from := r.all("TMCMLogDetectedHost", "shost")
	switch strings.ToLower(r.get("deviceDirection")) {
	case "1", "inbound":
		from = append(from, r.all("dst", "src")...)
	default:
		from = append(from, r.all("src")...)
	}
	return finding{
		name: present(r.label("nciethreatname"), r.name), endpoints: append(from, r.all("dhost", "dvchost")...),
		path: present(r.get("deviceProcessName"), joinPath(r.get("filePath"), r.get("fname"))),
	}
}

// virusResults are the texts that tell what became of a virus. The second action was tried because
// the first failed: it comes first.
func (r *cefRecord) virusResults() []string {
	return []string{
		r.label("vlfsecondactionresult", "secondactionresult"), r.action(), r.headerResult(), r.label("vlffirstactionresult", "firstactionresult"),
	}
}

// action is what act says: of its numbers only one is known.
func (r *cefRecord) action() string {
	if act := r.get("act"); act != "21" {
		return act
	}
	return "File cleaned"
}

func (r *cefRecord) headerResult() string {
	_, result, _ := strings.Cut(r.id, ":")
	return result
}

// cefEvent makes a line of Attack Discovery an EDR event.
func (v *vendor) cefEvent(l *line, r *cefRecord, at time.Time) {
	contract, err := v.contract(present(r.get("customerExternalID")))
	if err != nil {
		l.err = err
		return
	}
	objects := []object{}
	for _, key := range []string{"cs2", "cs3", "cs4", "cs5"} {
		if parts := strings.SplitN(r.get(key), " - ", 3); len(parts) == 3 && strings.HasPrefix(strings.TrimSpace(parts[2]), "{") {
			objects = append(objects, object{Name: cleanName(parts[1]), Type: cleanName(parts[0])})
		}
	}
	row := edrEvent{
		Type: "edr_event", Contract: contract, ID: r.ownID(), Time: stamp(at), Endpoint: v.endpoint(l, r.all(cefVirusEndpoint...)...),
		Status: "new", Objects: &objects,
	}
	if row.ID == "" {
		row.ID = v.derive(contract, row.Type, row.Time, row.Endpoint, cleanName(present(r.label("slfruleid"), r.name)), "")
	}
	l.rows = append(l.rows, row)
}
