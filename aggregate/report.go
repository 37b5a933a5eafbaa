package aggregate

import "geppo/store"

// Report is everything the mail and the PDFs of one contract and period may say. Its JSON form is
// report.json, and is what the ledger freezes. Counts are sums of the detections' counts; rates
// are percentages rounded half away from zero to one decimal, nil where there is none.
type Report struct {
	Contract Contract     `json:"contract"`
	Period   store.Period `json:"period"`
	Revision int          `json:"revision"` // 1; a corrected report (訂正版) counts up
	Overview Overview     `json:"overview"`
	// Antivirus always holds the six features of the report, in its order.
	Antivirus []Feature   `json:"antivirus"`
	EDR       *EDR        `json:"edr"` // nil without the option
	Timezone  string      `json:"timezone"`
	Holidays  []store.Day `json:"holidays"` // Japanese public holidays of the period
	Gaps      []store.Day `json:"gaps"`     // days for which the feed is known to be incomplete
	Agents    Agents      `json:"agents"`   // for every contract, with or without the EDR option
	// Late counts detections of the month before that arrived after its report was frozen.
	Late      int64       `json:"late"`
	Judgement Judgement   `json:"judgement"`
	ToConfirm []ToConfirm `json:"to_confirm"`
	Restart   []Ranked    `json:"restart"` // endpoints with result "reboot", by count
	Points    []Point     `json:"points"`
}

// Contract names the customer.
type Contract struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Overview is part 1 of the antivirus report.
type Overview struct {
	Product      string        `json:"product"`     // as printed, see ProductName
	EDRProduct   string        `json:"edr_product"` // as printed in the EDR report
	Licences     int           `json:"licences"`
	UsagePercent *float64      `json:"usage_percent"` // installed ÷ licences; may exceed 100
	URLFiltering bool          `json:"url_filtering"` // false: 設定されていません
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
// month before; ChangePercent is nil there and wherever Previous is 0.
type SummaryLine struct {
	Feature       store.Feature `json:"feature"`
	Current       int64         `json:"current"`
	Previous      *int64        `json:"previous"`
	ChangePercent *float64      `json:"change_percent"`
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

// ToConfirm is a line of the support desk's list: detections that the product could not handle.
type ToConfirm struct {
	Feature  store.Feature `json:"feature"`
	Result   string        `json:"result"` // one of DeskResults
	Endpoint string        `json:"endpoint"`
	Count    int64         `json:"count"`
	Names    []Ranked      `json:"names"` // what was detected, by count
}

// EDR is the EDR report.
type EDR struct {
	Total         int64         `json:"total"` // events
	Trend         []DayCount    `json:"trend"`
	ObjectsTop    []Ranked      `json:"objects_top"`
	EndpointsTop  []Ranked      `json:"endpoints_top"`
	Status        []StatusCount `json:"status"`
	Objects       []Object      `json:"objects"` // complete; print shows the first 50
	Offline       AgentTrend    `json:"offline"`
	Outdated      AgentTrend    `json:"outdated"`
	UnsupportedOS []OSCount     `json:"unsupported_os"`
	Off           OffLists      `json:"off"`
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

// Agents is the state of the agents at the period's end, the ground of the judgement and of
// ご確認いただきたい事項. Unlike EDR it exists for every contract.
type Agents struct {
	Offline       []string  `json:"offline"`
	Outdated      []string  `json:"outdated"`
	UnsupportedOS []OSCount `json:"unsupported_os"`
	Off           OffLists  `json:"off"`
	// Working is true if every installed endpoint, at least one, has a snapshot dated within the
	// period's last 14 days with realtime_scan on: only then may a mail say 保護は動作しています.
	Working bool `json:"working"`
}

// Judgement is the one word at the top of the mail.
type Judgement string

// The judgements, the gravest first.
const (
	ActionRequired Judgement = "要対応"
	Attention      Judgement = "要注意"
	Good           Judgement = "良好"
)

// PointKind names a POINT sentence.
type PointKind string

// The points, in the order in which a report lists them.
const (
	PointChange        PointKind = "change"
	PointUsage         PointKind = "usage"
	PointConcentration PointKind = "concentration"
	PointWeekday       PointKind = "weekday"
	PointHoliday       PointKind = "holiday"
	PointToConfirm     PointKind = "to_confirm"
	PointRestart       PointKind = "restart"
	PointOffline       PointKind = "offline"
	PointOutdated      PointKind = "outdated"
	PointUnprotected   PointKind = "unprotected"
)

// Point is a sentence whose condition holds. Which values it carries depends on its kind:
//
//	change          Feature, Percent (signed, may be 0)
//	usage           Percent
//	concentration   Feature, Endpoints (1 to 3, by rank), Percent (their share)
//	weekday         Feature, From, To (the busiest Monday–Friday week)
//	holiday         Feature
//	to_confirm      Endpoints (code-point order), Count
//	restart         Endpoints (code-point order), Count
//	offline …       Endpoints (code-point order), Count (of endpoints)
//
// Text is empty until render words it.
type Point struct {
	Kind      PointKind     `json:"kind"`
	Feature   store.Feature `json:"feature,omitempty"`
	Endpoints []string      `json:"endpoints,omitempty"`
	Percent   *float64      `json:"percent,omitempty"`
	Count     int64         `json:"count,omitempty"`
	From      store.Day     `json:"from,omitempty"`
	To        store.Day     `json:"to,omitempty"`
	Text      string        `json:"text"`
}
