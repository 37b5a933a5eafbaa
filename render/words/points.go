package words

import (
	"strings"

	"geppo/aggregate"
	"geppo/store"
)

// nameWidth is the room, in half-width columns, for a name within a POINT sentence.
const nameWidth = 40

// NamesShown is how many names a sentence prints before 「ほか N 台」.
const NamesShown = 5

// Point words a POINT sentence of a report of p. A kind that the wording does not know gives "".
func (w *Words) Point(p aggregate.Point, period store.Period) string {
	v := w.pointValues(p)
	switch p.Kind {
	case aggregate.PointChange:
		return w.Points.Change.Say(Values{Month: w.ShortMonth(period.Previous()), Names: w.change(p)})
	case aggregate.PointUsage:
		return w.usage(p).Say(v)
	case aggregate.PointRansomware:
		return w.ransomware(p, v)
	case aggregate.PointOpenEvents:
		if p.Newest != nil {
			v.Days, v.Names = w.Moment(p.Newest.At), w.Name(p.Newest.Endpoint, nameWidth)
		}
		return w.Points.OpenEvents.Say(v)
	}
	phrases := map[aggregate.PointKind]Phrase{
		aggregate.PointConcentration: w.Points.Concentration,
		aggregate.PointWeekday:       w.Points.Weekday,
		aggregate.PointHoliday:       w.Points.Holiday,
		aggregate.PointToConfirm:     w.Points.ToConfirm,
		aggregate.PointRestart:       w.Points.Restart,
		aggregate.PointNotHandled:    w.Points.NotHandled,
		aggregate.PointOffline:       w.Points.Offline,
		aggregate.PointOutdated:      w.Points.Outdated,
		aggregate.PointUnprotected:   w.Points.Unprotected,
		aggregate.PointUnsupported:   w.Points.Unsupported,
	}
	return phrases[p.Kind].Say(v)
}

func (w *Words) pointValues(p aggregate.Point) Values {
	v := Values{
		Feature: w.Features[p.Feature].Heading,
		Count:   w.Number(p.Count),
		Names:   w.namesOf(p.Endpoints, p.Count, p.Kind),
		Threats: w.Threats(p.Names),
		Desk:    w.Desk,
		From:    w.Day(p.From),
		To:      w.Day(p.To),
		Days:    w.Span(p.From, p.To),
	}
	if p.Percent != nil {
		v.Percent = w.Percent(*p.Percent)
	}
	return v
}

// namesOf joins the endpoints of a point. Those that count endpoints may list fewer than there are.
func (w *Words) namesOf(endpoints []string, count int64, kind aggregate.PointKind) string {
	total := len(endpoints)
	switch kind {
	case aggregate.PointOffline, aggregate.PointOutdated, aggregate.PointUnprotected, aggregate.PointUnsupported:
		total = int(count)
	}
	return w.namesOfMany(endpoints, total, w.Points.NamesJoin, nameWidth)
}

// change is one feature's part of a sentence: 「Webレピュテーションによる検出が17％増えました」.
func (w *Words) change(p aggregate.Point) string {
	v := Values{Feature: w.Features[p.Feature].Heading}
	if p.Current == nil || p.Previous == nil {
		return ""
	}
	v.From, v.To = w.Number(*p.Previous), w.Number(*p.Current)
	more := *p.Current > *p.Previous
	if rate := p.Percent; rate != nil && *rate <= mostPercent && min(*p.Current, *p.Previous) >= fewDetections {
		v.Percent = w.Percent(*rate)
		if more {
			return w.Points.Increase.Say(v)
		}
		return w.Points.Decrease.Say(v)
	}
	if more {
		return w.Points.IncreaseCounts.Say(v)
	}
	return w.Points.DecreaseCounts.Say(v)
}

// Changes words all changes of a report in one sentence: 「前月(9月)と比較して、…と…による検出が増え、
// …による検出が減りました」; "" if there are none.
func (w *Words) Changes(points []aggregate.Point, period store.Period) string {
	var more, fewer []string
	var only aggregate.Point
	for _, p := range points {
		if p.Kind != aggregate.PointChange || p.Current == nil || p.Previous == nil {
			continue
		}
		only = p
		if name := w.Features[p.Feature].Heading; *p.Current > *p.Previous {
			more = append(more, name)
		} else {
			fewer = append(fewer, name)
		}
	}
	grown, shrunk := Values{Names: w.and(more)}, Values{Names: w.and(fewer)}
	var said string
	switch {
	case len(more)+len(fewer) == 0:
		return ""
	case len(more)+len(fewer) == 1:
		said = w.change(only)
	case len(fewer) == 0:
		said = w.Points.IncreasedLast.Say(grown)
	case len(more) == 0:
		said = w.Points.DecreasedLast.Say(shrunk)
	default:
		said = w.Points.Increased.Say(grown) + w.Format.Join + w.Points.DecreasedLast.Say(shrunk)
	}
	return w.Points.Change.Say(Values{Month: w.ShortMonth(period.Previous()), Names: said})
}

// and joins names: 「AとB」, 「A、BとC」.
func (w *Words) and(names []string) string {
	last := len(names) - 1
	if last < 1 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:last], w.Format.Join) + w.Points.And + names[last]
}

func (w *Words) usage(p aggregate.Point) Phrase {
	switch {
	case p.Percent != nil && *p.Percent > 100:
		return w.Points.UsageOver
	case p.Percent != nil && *p.Percent > 50:
		return w.Points.UsageHigh
	}
	return w.Points.UsageLow
}

// ransomware adds what became of it, where the vendor tells.
func (w *Words) ransomware(p aggregate.Point, v Values) string {
	said := w.Points.Ransomware.Say(v)
	var results []string
	for _, r := range p.Results {
		for _, feature := range []store.Feature{store.Virus, store.Spyware} {
			if entry, known := w.Results[feature][r.Result]; known {
				results = append(results, entry.Label+" "+w.Detections(r.Count))
				break
			}
		}
	}
	if len(results) > 0 {
		said += w.Points.RansomwareResults.Say(Values{Results: strings.Join(results, w.Format.Join)})
	}
	return said
}

// Threats joins names of what was detected.
func (w *Words) Threats(names []string) string {
	shown := make([]string, 0, len(names))
	for _, n := range names {
		shown = append(shown, w.Name(n, nameWidth))
	}
	return strings.Join(shown, w.Format.Join)
}

// Moment writes an RFC 3339 time, already in the contract's zone, as 「10/7 09:00」.
func (w *Words) Moment(at string) string {
	if len(at) < len("2006-01-02T15:04") || at[10] != 'T' {
		return Clean(at)
	}
	return w.Day(store.Day(at[:10])) + " " + Clean(at[11:16])
}

// Names joins up to NamesShown names, each cut to width, and counts the rest: 「ほか 3 台」.
func (w *Words) Names(names []string, join string, width int) string {
	return w.namesOfMany(names, len(names), join, width)
}

func (w *Words) namesOfMany(names []string, total int, join string, width int) string {
	shown := make([]string, 0, NamesShown)
	for _, n := range names[:min(len(names), NamesShown)] {
		shown = append(shown, w.Name(n, width))
	}
	s := strings.Join(shown, join)
	if rest := total - len(shown); rest > 0 {
		s += " " + w.Format.MoreEndpoints.Say(Values{Count: w.Number(int64(rest))})
	}
	return s
}
