package ingest

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"geppo/store"
)

// CEF of Apex Central (once Control Manager), which Vision One's "Standard Endpoint Protection" sends
// too, as syslog daemons write it:
//
//	<133>Feb 14 2022 05:15:47 relay CEF:0|Trend Micro|Apex Central|2019|AV:File cleaned|TROJ.X|3|rt=… act=…
//
// What stands before the header is syslog's and is not looked at: its time is the relay's. The usual
// parsers of syslog frames are of no use here: relays prepend frames of their own, of both RFCs and of
// none, and lose parts of them.
//
// rt is the event's time in UTC, also where it has no zone.

// cef decodes a line.
func (v *vendor) cef(l *line, text string) {
	header, rest, ok := cefHeader(text)
	switch {
	case !ok && strings.Contains(text, "CEF:"):
		v.otherCEF(l, text)
		return
	case !ok:
		l.noRecord(text, "not CEF")
		return
	case len(header) < 7:
		l.err = fmt.Errorf("the CEF header has %d of 7 fields; the line is cut, get it again", len(header))
		return
	}
	if strings.Contains(text, "message repeated") && repeated.MatchString(text) {
		l.warn("syslog left out repeated lines: figures may be short")
	}
	v.scratch.set(header, rest)
	v.cefRecord(l, &v.scratch)
}

// otherCEF is a line of another product, or one that is cut before it names its product.
func (v *vendor) otherCEF(l *line, text string) {
	_, after, _ := strings.Cut(text, "CEF:")
	header, _ := splitHeader(after, 7)
	if len(header) < 3 || len(header) == 3 && strings.HasPrefix(header[1], "Trend") && cutProduct(header[2]) {
		l.err = fmt.Errorf("the CEF header has %d of 7 fields; the line is cut, get it again", len(header))
		return
	}
	l.noRecord(text, "other product")
}

var cefProducts = []string{"Apex Central", "Control Manager"}

// cutProduct tells the beginning of a product's name at the end of a line.
func cutProduct(name string) bool {
	for _, p := range cefProducts {
		if strings.HasPrefix(p, name) {
			return true
		}
	}
	return false
}

// cefHeader finds the header of a product of ours, by the product: its vendor changed its name, and
// some relay loses "CEF:".
func cefHeader(text string) (fields []string, rest string, ok bool) {
	for _, product := range cefProducts {
		for at := 0; ; at++ {
			i := strings.Index(text[at:], "|"+product+"|")
			if i < 0 {
				break
			}
			at += i
			if start, found := headerStart(text[:at]); found {
				fields, rest = splitHeader(text[start:], 7)
				return fields, rest, true
			}
		}
	}
	return nil, "", false
}

// headerStart is where the header begins whose vendor ends before.
func headerStart(before string) (int, bool) {
	bar := strings.LastIndexByte(before, '|')
	if bar < 0 || !strings.HasPrefix(before[bar+1:], "Trend") {
		return 0, false
	}
	digits := len(strings.TrimRight(before[:bar], "0123456789"))
	return digits, digits < bar
}

// splitHeader takes up to most fields that end with an unescaped bar, or the line's last.
func splitHeader(text string, most int) ([]string, string) {
	fields, start := make([]string, 0, most), 0
	for i := 0; i < len(text) && len(fields) < most; i++ {
		switch text[i] {
		case '\\':
			i++
		case '|':
			fields = append(fields, headerEscapes.Replace(text[start:i]))
			start = i + 1
		}
	}
	if len(fields) < most && start < len(text) {
		return append(fields, headerEscapes.Replace(text[start:])), ""
	}
	return fields, text[min(start, len(text)):]
}

var (
	headerEscapes = strings.NewReplacer(`\|`, `|`, `\\`, `\`)
	// valueEscapes leave \n, \r and \t alone: some senders do not double backslashes, and C:\new\report would break.
	valueEscapes = strings.NewReplacer(`\\`, `\`, `\=`, `=`, `\|`, `|`)
)

// cefRecord is a line's header and extension.
type cefRecord struct {
	id, name string // of the header
	pairs    []cefPair
	labels   []cefPair // values by what their labels say, simplified
}

type cefPair struct{ key, value string }

// set makes r a record; the memory of the one before is used again.
func (r *cefRecord) set(header []string, extension string) {
	r.id, r.name, r.pairs, r.labels = header[4], header[5], r.pairs[:0], r.labels[:0]
	r.split(extension)
	for _, p := range r.pairs {
		if slot, ok := strings.CutSuffix(p.key, "Label"); ok {
			r.labels = append(r.labels, cefPair{foldLabel(p.value), r.get(slot)})
		}
	}
}

// split takes an extension apart. A key is a word at the start or after a blank, right before a "=";
// its value runs to the next key. So values may hold blanks and "?a=b".
func (r *cefRecord) split(text string) {
	key, start := "", 0
	for at := 0; at < len(text); {
		equals := strings.IndexByte(text[at:], '=')
		if equals < 0 {
			break
		}
		equals += at
		at = equals + 1
		word := equals
		for word > start && isWord(text[word-1]) {
			word--
		}
		if word == equals || text[word] >= '0' && text[word] <= '9' || word > 0 && text[word-1] != ' ' && text[word-1] != '\t' {
			continue
		}
		r.add(key, text[start:word])
		key, start = text[word:equals], equals+1
	}
	r.add(key, text[start:])
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func (r *cefRecord) add(key, value string) {
	if key == "" {
		return
	}
	value = strings.TrimSpace(value)
	if strings.IndexByte(value, '\\') >= 0 {
		value = valueEscapes.Replace(value)
	}
	r.pairs = append(r.pairs, cefPair{key, value})
}

// get is the value of a key; the first wins: a file's name can look like keys, and results stand
// before it.
func (r *cefRecord) get(key string) string {
	for i := range r.pairs {
		if r.pairs[i].key == key {
			return r.pairs[i].value
		}
	}
	return ""
}

// all are the values of keys.
func (r *cefRecord) all(keys ...string) []string {
	values := make([]string, len(keys))
	for i, key := range keys {
		values[i] = r.get(key)
	}
	return values
}

// label is the first value whose label is one of the names: slots move between versions, and only
// their labels tell what they hold. Names are as foldLabel leaves them.
func (r *cefRecord) label(names ...string) string {
	for _, name := range names {
		for i := range r.labels {
			if r.labels[i].key == name && !absent(r.labels[i].value) {
				return r.labels[i].value
			}
		}
	}
	return ""
}

// foldLabel is the form in which labels are compared.
func foldLabel(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r == '_' || r == ' ' || r == '/' || r >= 'A' && r <= 'Z' }) < 0 {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '_' || r == ' ' || r == '/':
			return -1
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// count is how many detections the line stands for.
func (r *cefRecord) count() int { return wholeCount(r.get("cnt")) }

// wholeCount is a whole number from 1, else 1.
func wholeCount(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 1 || n > maxNumber {
		return 1
	}
	return n
}

// time is when the event happened; without a zone in UTC.
func (r *cefRecord) time() (time.Time, error) {
	rt := r.get("rt")
	if rt == "" {
		return time.Time{}, errNoTime
	}
	if len(rt) == 10 || len(rt) == 13 {
		if n, err := strconv.ParseInt(rt, 10, 64); err == nil {
			if t, ok := epoch(float64(n)); ok {
				return t, nil
			}
		}
	}
	return parseTime(rt, time.UTC)
}

// ids are the format's own id. deviceExternalId is a counter that starts again, and no id.
func (r *cefRecord) ownID() string {
	if id := present(r.get("devicePayloadId")); id != "" {
		return "cef-" + id
	}
	return ""
}

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
