package aggregate

import "geppo/store"

// Report is everything that the mail and the PDFs of one contract and period may say. Its JSON form is
// report.json, and is what the ledger freezes. Counts are sums of the detections' counts; rates
// are percentages rounded half away from zero to one decimal, nil where there is none. Lists are
// complete but for those of more than 10,000 lines, which are cut; figures count all lines.
type Report struct {
	Contract Contract     `json:"contract"`
	Period   store.Period `json:"period"`
	Revision int          `json:"revision"` // 1; a corrected report (訂正版) counts up
	Overview Overview     `json:"overview"`
	// Antivirus always holds the six features of the report, in its order.
	Antivirus  []Feature     `json:"antivirus"`
	EDR        *EDR          `json:"edr"`     // nil without the option
	History    []MonthTotals `json:"history"` // oldest first, the period last; a month that is not known is absent
	Funnel     Funnel        `json:"funnel"`
	Protection Protection    `json:"protection"`
	Timezone   string        `json:"timezone"`
	Holidays   []store.Day   `json:"holidays"` // Japanese public holidays of the period
	Gaps       []store.Day   `json:"gaps"`     // days for which the feed is known to be incomplete
	Agents     Agents        `json:"agents"`   // for every contract, with or without the EDR option
	// Outside are the endpoints of the month's rows that the inventory does not have.
	Outside []string `json:"outside_inventory"`
	// Late counts detections of the month before that arrived after its report was frozen.
	Late      int64       `json:"late"`
	Judgement Judgement   `json:"judgement"`
	Missing   []Missing   `json:"missing"` // why the judgement is Undetermined
	ToConfirm []ToConfirm `json:"to_confirm"`
	Restart   []Ranked    `json:"restart"` // endpoints with result "reboot", by count
	Asks      []Ask       `json:"asks"`    // one for each endpoint, the gravest first
	Points    []Point     `json:"points"`
}

// Contract names the customer.
type Contract struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Brand string `json:"brand,omitempty"` // "" for the default
}

// Overview is part 1 of the antivirus report.
type Overview struct {
	Kind         store.Product `json:"product_key"`
	Product      string        `json:"product"`     // as printed; empty until render has worded the report
	EDRProduct   string        `json:"edr_product"` // as printed in the EDR report; likewise
	Licences     int           `json:"licences"`
	UsagePercent *float64      `json:"usage_percent"` // installed ÷ licences; may exceed 100; nil without licences or inventory
	URLFiltering bool          `json:"url_filtering"` // false: 設定されていません
	Inventory    bool          `json:"inventory"`     // false: none was ever given, and Installed means nothing
	Installed    Installed     `json:"installed"`     // at the period's end
	Summary      []SummaryLine `json:"summary"`       // the six features, in their order
}

// Installed counts installed endpoints by class.
type Installed struct {
	Desktop int `json:"desktop"`
	Server  int `json:"server"`
	Mobile  int `json:"mobile"`
	Unknown int `json:"unknown"`
}

// Total is the number of installed endpoints.
func (i Installed) Total() int { return i.Desktop + i.Server + i.Mobile + i.Unknown }

// SummaryLine compares a feature with the month before. Previous is nil for a contract that had no
// month before; ChangePercent is nil there and wherever Previous is 0. PreviousMean is how many a day the month
// before had, nil also where a part of that month is missing.
type SummaryLine struct {
	Feature       store.Feature `json:"feature"`
	Current       int64         `json:"current"`
	Previous      *int64        `json:"previous"`
	ChangePercent *float64      `json:"change_percent"`
	PreviousMean  *float64      `json:"previous_mean,omitempty"`
}

// Feature is one of the parts 2 to 7 of the antivirus report. Servers, Results and Names are nil
// (absent in JSON) where the report has no such list, and empty where nothing was found.
type Feature struct {
	Feature   store.Feature `json:"feature"`
	Total     int64         `json:"total"`
	Endpoints []Ranked      `json:"endpoints"`
	Servers   []Ranked      `json:"servers,omitzero"`
	Trend     []DayCount    `json:"trend"` // one for each day of the period, zeros included
	Results   []ResultCount `json:"results,omitzero"`
	Names     []Ranked      `json:"names,omitzero"`
}

// Ranked is a line of a ranking.
type Ranked struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// DayCount is one day of a trend.
type DayCount struct {
	Day   store.Day `json:"day"`
	Count int64     `json:"count"`
}

// ResultCount counts one result (処理の結果) in the vendor's terms, "unknown" for all others.
type ResultCount struct {
	Result string `json:"result"`
	Count  int64  `json:"count"`
}

// MonthTotals are the totals of one month. Revision is that of the frozen report they come from, 0
// where none was frozen.
type MonthTotals struct {
	Period             store.Period `json:"period"`
	Revision           int          `json:"revision"`
	Virus              int64        `json:"virus"`
	Spyware            int64        `json:"spyware"`
	WebReputation      int64        `json:"web_reputation"`
	BehaviorMonitoring int64        `json:"behavior_monitoring"`
	URLFiltering       int64        `json:"url_filtering"`
	NetworkVirus       int64        `json:"network_virus"`
	EDR                int64        `json:"edr"` // events; 0 without the option
	// Unfed: nothing tells that the month was fed at all, so that its zeros are no figures of a history.
	Unfed bool `json:"unfed,omitempty"`
}

// Funnel is what became of the month's detections. The URL filter's stand apart: a page that a
// company has chosen to block is no threat.
type Funnel struct {
	Detected   int64 `json:"detected"`   // of all features but the URL filter
	Handled    int64 `json:"handled"`    // of them, by the product itself; never those that were left alone (放置)
	Desk       int64 `json:"desk"`       // of them, those about which the desk calls
	Asks       int   `json:"asks"`       // items of what the reader is asked
	Restricted int64 `json:"restricted"` // the URL filter's
}

// Protection tells in numbers what is known of it: of so many installed endpoints, so many have a
// snapshot of the period's last 14 days with realtime_scan on.
type Protection struct {
	Installed int `json:"installed"`
	Confirmed int `json:"confirmed"`
}

// ToConfirm is a line of the support desk's list: detections that the product could not handle.
type ToConfirm struct {
	Feature  store.Feature `json:"feature"`
	Result   string        `json:"result"` // one of DeskResults
	Endpoint string        `json:"endpoint"`
	Count    int64         `json:"count"`
	Names    []Ranked      `json:"names"` // what was detected, by count
	From     store.Day     `json:"from"`  // the first and the last day
	To       store.Day     `json:"to"`
}

// Mark is one thing that an ask is about. Detections carry Feature to To, unsupported_os the OS, and
// concentration the features in which it crowds.
type Mark struct {
	Kind     MarkKind        `json:"kind"`
	Feature  store.Feature   `json:"feature,omitempty"`
	Names    []string        `json:"names,omitempty"` // the threats with the highest counts, three at most
	Count    int64           `json:"count,omitempty"`
	From     store.Day       `json:"from,omitempty"`
	To       store.Day       `json:"to,omitempty"`
	OS       string          `json:"os,omitempty"`
	Features []store.Feature `json:"features,omitempty"`
}

// EDR is the EDR report.
type EDR struct {
	Total        int64         `json:"total"` // events
	Trend        []DayCount    `json:"trend"`
	PreviousMean *float64      `json:"previous_mean,omitempty"` // events a day of the month before; nil as in SummaryLine
	ObjectsTop   []Ranked      `json:"objects_top"`
	EndpointsTop []Ranked      `json:"endpoints_top"`
	Status       []StatusCount `json:"status"`
	// Cases are the events that are not closed, the newest first, then those that are, at most mostCases of them;
	// CasesTotal counts all.
	Cases         []Case     `json:"cases"`
	CasesTotal    int        `json:"cases_total"`
	Objects       []Object   `json:"objects"` // complete; print shows the first 50
	Offline       AgentTrend `json:"offline"`
	Outdated      AgentTrend `json:"outdated"`
	UnsupportedOS []OSCount  `json:"unsupported_os"`
	Off           OffLists   `json:"off"`
}

// StatusCount counts events of one status.
type StatusCount struct {
	Status string `json:"status"`
	Count  int64  `json:"count"`
}

// Object is a line of 1-5: one (object, type, endpoint, result).
type Object struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Endpoint string `json:"endpoint"`
	Result   string `json:"result"`
	Count    int64  `json:"count"`     // events
	LastSeen string `json:"last_seen"` // RFC 3339 in the contract's zone
}

// Case is one event as the desk works through it.
type Case struct {
	At        string       `json:"at"` // RFC 3339 in the contract's zone
	Status    string       `json:"status"`
	Endpoints []string     `json:"endpoints"` // each once, in code-point order, at most mostOfCase
	Objects   []CaseObject `json:"objects"`   // likewise
}

// CaseObject is what an event is about.
type CaseObject struct {
	Name   string `json:"name"`
	Type   string `json:"type"`
	Result string `json:"result"`
}

// AgentTrend is a number of endpoints for each day, and their names at the period's end.
type AgentTrend struct {
	Trend     []DayCount `json:"trend"`
	Endpoints []string   `json:"endpoints"`
}

// OSCount counts endpoints that run one unsupported operating system.
type OSCount struct {
	OS    string `json:"os"`
	Count int64  `json:"count"`
}

// OffLists name, for each protection, the endpoints on which it is off at the period's end.
type OffLists struct {
	RealtimeScan       []string `json:"realtime_scan"`
	BehaviorMonitoring []string `json:"behavior_monitoring"`
	MachineLearning    []string `json:"machine_learning"`
	WebReputation      []string `json:"web_reputation"`
	EDR                []string `json:"edr"` // always empty without the EDR option
}

// Agents is the state of the agents at the period's end, one of the grounds of the judgement and of
// the asks. Unlike EDR it exists for every contract.
type Agents struct {
	Offline       []string    `json:"offline"`
	Unseen        []string    `json:"unseen"` // installed, not offline, and without a snapshot of the last 14 days
	Outdated      []string    `json:"outdated"`
	Unsupported   []string    `json:"unsupported"`
	UnsupportedOS []OSCount   `json:"unsupported_os"`
	Off           OffLists    `json:"off"`
	Counts        AgentCounts `json:"counts"`
}

// AgentCounts are how many endpoints each list of Agents has, or would have if it were not cut.
type AgentCounts struct {
	Offline            int `json:"offline"`
	Unseen             int `json:"unseen"`
	Outdated           int `json:"outdated"`
	Unsupported        int `json:"unsupported"`
	RealtimeScan       int `json:"realtime_scan"`
	BehaviorMonitoring int `json:"behavior_monitoring"`
	MachineLearning    int `json:"machine_learning"`
	WebReputation      int `json:"web_reputation"`
	EDR                int `json:"edr"`
	Unprotected        int `json:"unprotected"` // any of the five protections is off
}
