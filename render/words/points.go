package words

import (
	"strings"

	"geppo/aggregate"
)

// nameWidth is the room, in half-width columns, for a name within a sentence; namesShown how many
// of them a sentence or a list of the mail prints before 「ほか N 台」.
const (
	nameWidth  = 40
	namesShown = 10
)

// Point words a POINT sentence. A kind that words.toml does
// not know gives "".
func (w *Words) Point(p aggregate.Point) string {
	v := Values{
		Feature: w.Features[p.Feature].Heading,
		Count:   w.Number(p.Count),
		Names:   w.Names(p.Endpoints, w.Points.NamesJoin),
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

// Names joins up to ten names, each cut to a readable length, and counts the rest: 「ほか 3 台」.
func (w *Words) Names(names []string, join string) string {
	shown := make([]string, 0, namesShown)
	for _, n := range names[:min(len(names), namesShown)] {
		shown = append(shown, w.Name(n, nameWidth))
	}
	s := strings.Join(shown, join)
	if rest := len(names) - namesShown; rest > 0 {
		s += " " + w.Format.MoreEndpoints.Say(Values{Count: w.Number(int64(rest))})
	}
	return s
}
