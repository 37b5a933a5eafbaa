package words

import (
	"strings"

	"geppo/aggregate"
)

// nameWidth is the room, in half-width columns, for a name within a POINT sentence.
const nameWidth = 40

// NamesShown is how many names a sentence or a list of the mail prints before 「ほか N 台」.
const NamesShown = 10

// Point words a POINT sentence. A kind that words.toml does
// not know gives "".
func (w *Words) Point(p aggregate.Point) string {
	v := Values{
		Feature: w.Features[p.Feature].Heading,
		Count:   w.Number(p.Count),
		Names:   w.Names(p.Endpoints, w.Points.NamesJoin, nameWidth),
		Desk:    w.Desk,
		From:    w.Day(p.From),
		To:      w.Day(p.To),
	}
	percent := 0.0
	if p.Percent != nil {
		percent = *p.Percent
		v.Percent = w.Percent(percent)
	}
	switch p.Kind {
	case aggregate.PointChange:
		switch {
		case percent > 0:
			return w.Points.Increase.Say(v)
		case percent < 0:
			return w.Points.Decrease.Say(v)
		}
		return w.Points.Unchanged.Say(v)
	case aggregate.PointUsage:
		return w.Points.Usage.Say(v)
	case aggregate.PointConcentration:
		return w.Points.Concentration.Say(v)
	case aggregate.PointWeekday:
		if p.From == p.To {
			return w.Points.WeekdayOne.Say(v)
		}
		return w.Points.Weekday.Say(v)
	case aggregate.PointHoliday:
		return w.Points.Holiday.Say(v)
	case aggregate.PointToConfirm:
		return w.Points.ToConfirm.Say(v)
	case aggregate.PointRestart:
		return w.Points.Restart.Say(v)
	case aggregate.PointOffline:
		return w.Points.Offline.Say(v)
	case aggregate.PointOutdated:
		return w.Points.Outdated.Say(v)
	case aggregate.PointUnprotected:
		return w.Points.Unprotected.Say(v)
	}
	return ""
}

// Names joins up to NamesShown names, each cut to width, and counts the rest: 「ほか 3 台」.
func (w *Words) Names(names []string, join string, width int) string {
	shown := make([]string, 0, NamesShown)
	for _, n := range names[:min(len(names), NamesShown)] {
		shown = append(shown, w.Name(n, width))
	}
	s := strings.Join(shown, join)
	if rest := len(names) - NamesShown; rest > 0 {
		s += " " + w.Format.MoreEndpoints.Say(Values{Count: w.Number(int64(rest))})
	}
	return s
}
