package ingest

import (
	"time"

	"geppo/store"
)

// The rows of our own format as they stand in JSON, read and written, and what each is checked for.
// A field that may be absent is a pointer where its zero value would mean something else.

type contract struct {
	Type         string       `json:"type"`
	ID           string       `json:"id"`
	Name         string       `json:"name"`
	Product      string       `json:"product"`
	EDR          bool         `json:"edr"`
	URLFiltering *bool        `json:"url_filtering"` // absent: true
	Licences     *int         `json:"licences"`
	Timezone     string       `json:"timezone"`        // absent: Asia/Tokyo
	Brand        string       `json:"brand,omitempty"` // absent: the default
	Since        string       `json:"since"`
	Ends         string       `json:"ends"`
	Recipients   *[]recipient `json:"recipients"` // absent: the list is untouched
}

type recipient struct {
	Address string `json:"address"`
	Name    string `json:"name"`
}

func (r contract) record() (record, error) {
	var c checks
	rec := &contractRecord{keepRecipients: r.Recipients == nil}
	rec.Contract = store.Contract{
		ID:           c.contractID("id", r.ID),
		Name:         c.name("name", r.Name),
		Product:      oneOf(&c, "product", r.Product, products),
		EDR:          r.EDR,
		URLFiltering: r.URLFiltering == nil || *r.URLFiltering,
		Licences:     c.number("licences", r.Licences, 0),
		Timezone:     c.timezone("timezone", r.Timezone),
		Brand:        c.text("brand", r.Brand),
		Since:        c.day("since", r.Since),
		Ends:         c.optionalDay("ends", r.Ends),
	}
	if rec.Ends != "" && rec.Ends < rec.Since {
		c.fail(`"ends" %s is before "since" %s; mend one of them`, rec.Ends, rec.Since)
	}
	if r.Recipients != nil {
		rec.Recipients = c.recipients(*r.Recipients)
	}
	return rec, c.err
}

type endpoint struct {
	Type        string  `json:"type"`
	Contract    string  `json:"contract"`
	Name        string  `json:"name"`
	EndpointID  string  `json:"endpoint_id,omitempty"`
	Class       string  `json:"class"`
	OS          string  `json:"os"`
	InstalledAt string  `json:"installed_at"`
	RemovedAt   *string `json:"removed_at"` // absent while it is installed
}

func (r endpoint) record() (record, error) {
	var c checks
	rec := &endpointRecord{contract: c.contractID("contract", r.Contract)}
	rec.Endpoint = store.Endpoint{
		Name:        c.name("name", r.Name),
		ID:          c.exact("endpoint_id", r.EndpointID),
		Class:       oneOf(&c, "class", r.Class, machineClasses),
		OS:          c.text("os", r.OS),
		InstalledAt: c.time("installed_at", r.InstalledAt),
		RemovedAt:   c.optionalTime("removed_at", valueOf(r.RemovedAt)),
	}
	return rec, c.err
}

func valueOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

type agentStatus struct {
	Type           string      `json:"type"`
	Contract       string      `json:"contract"`
	Endpoint       string      `json:"endpoint"`
	EndpointID     string      `json:"endpoint_id,omitempty"`
	Day            string      `json:"day"`
	LastSeen       string      `json:"last_seen"`
	PatternCurrent *bool       `json:"pattern_current,omitempty"`
	OS             string      `json:"os"`
	OSSupported    *bool       `json:"os_supported,omitempty"`
	Protections    protections `json:"protections,omitzero"`
}

// protections that are absent are unknown.
type protections struct {
	RealtimeScan       string `json:"realtime_scan,omitempty"`
	BehaviorMonitoring string `json:"behavior_monitoring,omitempty"`
	MachineLearning    string `json:"machine_learning,omitempty"`
	WebReputation      string `json:"web_reputation,omitempty"`
	EDR                string `json:"edr,omitempty"`
}

func (r agentStatus) record() (record, error) {
	var c checks
	rec := &statusRecord{contract: c.contractID("contract", r.Contract)}
	p := r.Protections
	rec.AgentStatus = store.AgentStatus{
		Endpoint:       c.name("endpoint", r.Endpoint),
		EndpointID:     c.exact("endpoint_id", r.EndpointID),
		Day:            c.day("day", r.Day),
		LastSeen:       c.time("last_seen", r.LastSeen),
		PatternCurrent: r.PatternCurrent,
		OS:             c.text("os", r.OS),
		OSSupported:    r.OSSupported,
		Protections: store.Protections{
			RealtimeScan:       c.protection("protections.realtime_scan", p.RealtimeScan),
			BehaviorMonitoring: c.protection("protections.behavior_monitoring", p.BehaviorMonitoring),
			MachineLearning:    c.protection("protections.machine_learning", p.MachineLearning),
			WebReputation:      c.protection("protections.web_reputation", p.WebReputation),
			EDR:                c.protection("protections.edr", p.EDR),
		},
	}
	return rec, c.err
}

type detection struct {
	Type       string `json:"type"`
	Contract   string `json:"contract"`
	ID         string `json:"id"`
	Feature    string `json:"feature"`
	Time       string `json:"time"`
	Received   string `json:"received,omitempty"`
	Endpoint   string `json:"endpoint"`
	EndpointID string `json:"endpoint_id,omitempty"`
	Class      string `json:"class"` // absent: unknown
	Name       string `json:"name"`
	Result     string `json:"result,omitempty"` // absent: unknown for virus and spyware
	Count      *int   `json:"count"`            // absent: 1
	Path       string `json:"path,omitempty"`
}

func (r detection) record() (record, error) {
	var c checks
	rec := &detectionRecord{store.DetectionRow{
		Contract: c.contractID("contract", r.Contract),
		ID:       c.id("id", r.ID),
		Received: c.optionalTime("received", r.Received),
		Path:     c.long("path", r.Path),
	}}
	d := &rec.Detection
	d.Feature = oneOf(&c, "feature", r.Feature, features)
	d.Time = c.detected("time", r.Time, rec.Received)
	d.Endpoint = c.name("endpoint", r.Endpoint)
	d.EndpointID = c.exact("endpoint_id", r.EndpointID)
	d.Class = store.ClassUnknown
	if r.Class != "" {
		d.Class = oneOf(&c, "class", r.Class, machineClasses)
	}
	if d.Feature == store.WebReputation { // its name is a URL
		d.Name = c.required("name", tidy(c.long("name", r.Name)))
	} else {
		d.Name = c.name("name", r.Name)
	}
	d.Result = c.text("result", r.Result)
	if d.Result == "" && (d.Feature == store.Virus || d.Feature == store.Spyware) {
		d.Result = "unknown"
	}
	d.Count = 1
	if r.Count != nil {
		d.Count = int64(c.number("count", r.Count, 1))
	}
	return rec, c.err
}

// detected is the time of a detection, which may be wrong by any number of years if it is known when
// the row was received: then that is its time.
func (c *checks) detected(field, s string, received time.Time) time.Time {
	if received.IsZero() {
		return c.time(field, s)
	}
	return c.clock(field, s)
}

type edrEvent struct {
	Type       string    `json:"type"`
	Contract   string    `json:"contract"`
	ID         string    `json:"id"`
	Time       string    `json:"time"`
	Updated    string    `json:"updated,omitempty"` // of the status; an older one never undoes a newer
	Endpoint   string    `json:"endpoint,omitempty"`
	Endpoints  []string  `json:"endpoints,omitempty"` // several, in place of endpoint
	EndpointID string    `json:"endpoint_id,omitempty"`
	Status     string    `json:"status"`
	Objects    *[]object `json:"objects"`
}

type object struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Result string `json:"result"`
}

func (r edrEvent) record() (record, error) {
	var c checks
	rec := &eventRecord{contract: c.contractID("contract", r.Contract)}
	rec.EDREvent = store.EDREvent{
		ID:        c.id("id", r.ID),
		Time:      c.time("time", r.Time),
		Updated:   c.optionalTime("updated", r.Updated),
		Endpoints: c.machines(r),
		Status:    c.name("status", r.Status),
	}
	if r.Objects == nil {
		c.missing("objects")
		return rec, c.err
	}
	for _, o := range *r.Objects {
		rec.Objects = append(rec.Objects, store.EDRObject{
			Name:   c.name("objects.name", o.Name),
			Type:   c.text("objects.type", o.Type),
			Result: c.text("objects.result", o.Result),
		})
	}
	return rec, c.err
}

// machines are the endpoints of an event, each once.
func (c *checks) machines(r edrEvent) (list []store.Machine) {
	if r.Endpoint != "" || len(r.Endpoints) == 0 {
		list = append(list, store.Machine{Name: c.name("endpoint", r.Endpoint), ID: c.exact("endpoint_id", r.EndpointID)})
	}
	seen := map[string]bool{store.Fold(r.Endpoint): r.Endpoint != ""}
	for _, name := range r.Endpoints {
		if key := store.Fold(name); !seen[key] {
			seen[key] = true
			list = append(list, store.Machine{Name: c.name("endpoints", name)})
		}
	}
	return list
}

type coverage struct {
	Type     string `json:"type"`
	Contract string `json:"contract"`
	Day      string `json:"day"`
}

func (r coverage) record() (record, error) {
	var c checks
	return &coverageRecord{c.contractID("contract", r.Contract), c.day("day", r.Day)}, c.err
}
