package aggregate

import "geppo/store"

// PointKind names a POINT sentence.
type PointKind string

// The points, the most important first: where a section or a report has more than it may print, the
// last ones go.
const (
	PointToConfirm     PointKind = "to_confirm"
	PointRestart       PointKind = "restart"
	PointNotHandled    PointKind = "not_handled"
	PointRansomware    PointKind = "ransomware"
	PointUnprotected   PointKind = "unprotected"
	PointOpenEvents    PointKind = "open_events"
	PointOffline       PointKind = "offline"
	PointOutdated      PointKind = "outdated"
	PointUnsupported   PointKind = "unsupported"
	PointConcentration PointKind = "concentration"
	PointChange        PointKind = "change"
	PointHoliday       PointKind = "holiday"
	PointWeekday       PointKind = "weekday"
	PointUsage         PointKind = "usage"
)

var pointOrder = []PointKind{
	PointToConfirm, PointRestart, PointNotHandled, PointRansomware, PointUnprotected, PointOpenEvents, PointOffline, PointOutdated,
	PointUnsupported, PointConcentration, PointChange, PointHoliday, PointWeekday, PointUsage,
}

// Point is a sentence whose condition holds. Which values it carries depends on its kind:
//
//	change                  Feature, Current, Previous, Percent (signed; nil if Previous is 0)
//	usage                   Percent
//	concentration           Feature, Endpoints (1 to 3, by rank), Percent (their share)
//	weekday                 Feature, From, To (the busiest Monday–Friday week)
//	holiday                 Feature
//	ransomware              Count, Endpoints (code-point order), Results, From, To
//	to_confirm, restart,
//	  not_handled           Feature, Count, Endpoints (code-point order), Names (by count, three at most), From, To
//	open_events             Count, Newest
//	offline, outdated,
//	  unprotected,
//	  unsupported           Count (of endpoints), Endpoints (code-point order)
//
// Text is empty until render words it.
type Point struct {
	Kind      PointKind     `json:"kind"`
	Feature   store.Feature `json:"feature,omitempty"`
	Endpoints []string      `json:"endpoints,omitempty"`
	Names     []string      `json:"names,omitempty"`
	Results   []ResultCount `json:"results,omitempty"`
	Percent   *float64      `json:"percent,omitempty"`
	Count     int64         `json:"count,omitempty"`
	Current   *int64        `json:"current,omitempty"`
	Previous  *int64        `json:"previous,omitempty"`
	From      store.Day     `json:"from,omitempty"`
	To        store.Day     `json:"to,omitempty"`
	Newest    *Newest       `json:"newest,omitempty"`
	Text      string        `json:"text"`
}

// Newest is the newest open event.
type Newest struct {
	At       string `json:"at"` // RFC 3339 in the contract's zone
	Endpoint string `json:"endpoint"`
	Object   string `json:"object,omitempty"`
}

// At most so many points stand in a section, and in a report.
const (
	pointsOfSection = 3
	pointsOfReport  = 12
)

// section is where a point is printed: a part of the antivirus report, its overview, or the EDR
// report's events or agents.
func (p *Point) section() int {
	switch p.Kind {
	case PointUsage, PointRansomware:
		return 0
	case PointOpenEvents:
		return len(parts) + 1
	case PointUnprotected, PointOffline, PointOutdated, PointUnsupported:
		return len(parts) + 2
	}
	return partOf(p.Feature) + 1
}
