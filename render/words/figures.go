package words

import (
	"math"
	"strconv"
	"strings"
	"time"

	"geppo/aggregate"
	"geppo/store"
)

// Number writes n with thousands separators: "1,234".
func (w *Words) Number(n int64) string {
	s := strconv.FormatInt(n, 10)
	start := 0
	if n < 0 {
		start = 1
	}
	for i := len(s) - 3; i > start; i -= 3 {
		s = s[:i] + w.Format.Thousands + s[i:]
	}
	return s
}

// Percent writes the amount of a rate without sign: to one decimal below 10, ".0" dropped, and without
// decimals from there on, where they would say more than a month's count can tell: "9.5", "17", "20".
func (w *Words) Percent(p float64) string { return w.Decimal(math.Abs(p)) }

// Decimal writes a number that is no count, as exact as Percent.
func (w *Words) Decimal(p float64) string {
	if p >= 10 {
		return w.Number(int64(math.Round(p)))
	}
	return strings.TrimSuffix(strconv.FormatFloat(p, 'f', 1, 64), ".0")
}

// Detections writes "1,234件".
func (w *Words) Detections(n int64) string {
	return w.Format.Detections.Say(Values{Count: w.Number(n)})
}

// Endpoints writes "1,234台".
func (w *Words) Endpoints(n int) string {
	return w.Format.Endpoints.Say(Values{Count: w.Number(int64(n))})
}

// Month writes "2026年10月".
func (w *Words) Month(p store.Period) string { return w.Format.Month.Say(w.monthValues(p)) }

// Period writes the period's first and last day: "2026年10月1日～10月31日".
func (w *Words) Period(p store.Period) string {
	v := w.monthValues(p)
	days := p.Days()
	v.D = strconv.Itoa(len(days))
	return w.Format.Period.Say(v)
}

// Timezone names an IANA zone as its readers do, or returns its name.
func (w *Words) Timezone(name string) string {
	if word, ok := w.Timezones[name]; ok {
		return word
	}
	return name
}

// Day writes "10/5".
func (w *Words) Day(d store.Day) string { return w.day(w.Format.Day, d) }

// LongDay writes "2026年10月5日(月)".
func (w *Words) LongDay(d store.Day) string { return w.day(w.Format.LongDay, d) }

func (w *Words) day(as Phrase, d store.Day) string {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return string(d) // a day that is none is shown as it came
	}
	v := w.monthValues(store.Period{Year: t.Year(), Month: t.Month()})
	v.D = strconv.Itoa(t.Day())
	v.Weekday = w.Format.Weekdays[t.Weekday()]
	return as.Say(v)
}

func (w *Words) monthValues(p store.Period) Values {
	v := Values{Year: strconv.Itoa(p.Year), M: strconv.Itoa(int(p.Month))}
	if i := int(p.Month) - 1; i >= 0 && i < len(w.Format.Months) {
		v.Mon, v.MonthName = w.Format.Months[i], w.Format.LongMonths[i]
	}
	return v
}

// ShortMonth writes "10月".
func (w *Words) ShortMonth(p store.Period) string { return w.Format.ShortMonth.Say(w.monthValues(p)) }

// MonthBefore writes the month before p: "前月(9月)".
func (w *Words) MonthBefore(p store.Period) string {
	return w.Overview.MonthBefore.Say(Values{Month: w.ShortMonth(p.Previous())})
}

// Span writes one day or the first and the last: "10/5", "10/5～10/9".
func (w *Words) Span(from, to store.Day) string {
	if from == to {
		return w.Day(from)
	}
	return w.Format.Span.Say(Values{From: w.Day(from), To: w.Day(to)})
}

// Ranges writes days in order, neighbours as one range: 「10/3～10/5、10/9」.
func (w *Words) Ranges(days []store.Day) string {
	var out []string
	for i := 0; i < len(days); {
		last := i
		for last+1 < len(days) && next(days[last]) == days[last+1] {
			last++
		}
		out = append(out, w.Span(days[i], days[last]))
		i = last + 1
	}
	return strings.Join(out, w.Format.Join)
}

// next is the day after d, "" for a text that is no day.
func next(d store.Day) store.Day {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return ""
	}
	return store.Day(t.AddDate(0, 0, 1).Format(time.DateOnly))
}

// Rates stand where they say something: in months with at least so many detections both, and up to
// mostPercent, above which the two counts are plainer.
const (
	fewDetections = 10
	mostPercent   = 999
)

// Change words the comparison of a feature with the month before p: "+17％", "3件→5件", "前月(9月)は0件",
// "変わりません", "前月(9月)のデータはありません".
func (w *Words) Change(s aggregate.SummaryLine, p store.Period) string {
	month := Values{Month: w.ShortMonth(p.Previous())}
	switch {
	case s.Previous == nil:
		return w.Overview.NoLastMonth.Say(month)
	case s.Current == *s.Previous || s.ChangePercent != nil && *s.ChangePercent == 0:
		return w.Overview.Unchanged
	case s.ChangePercent == nil:
		return w.Overview.NewFromZero.Say(month)
	case min(s.Current, *s.Previous) < fewDetections || *s.ChangePercent > mostPercent:
		return w.Format.Counts.Say(Values{From: w.Number(*s.Previous), To: w.Number(s.Current)})
	case *s.ChangePercent > 0:
		return w.Format.Increase.Say(Values{Percent: w.Percent(*s.ChangePercent)})
	}
	return w.Format.Decrease.Say(Values{Percent: w.Percent(*s.ChangePercent)})
}

// Status words the status of an EDR event; an unknown one is printed as received.
func (w *Words) Status(s string) string {
	if word, ok := w.EDRStatus[s]; ok {
		return word
	}
	return s
}

// ObjectType and ObjectResult word what the vendor says of an object of an EDR event; an unknown word is printed as
// received.
func (w *Words) ObjectType(s string) string { return worded(w.ObjectTypes, s) }

// ObjectResult is described at ObjectType.
func (w *Words) ObjectResult(s string) string { return worded(w.ObjectResults, s) }

func worded(list map[string]string, s string) string {
	if word, ok := list[strings.ToLower(strings.TrimSpace(s))]; ok {
		return word
	}
	return s
}

// Terms are the glossary, in the order of its keys in the wording's own list.
func (w *Words) Terms() []Term {
	list := make([]Term, 0, len(terms))
	for _, key := range terms {
		list = append(list, w.Glossary[key])
	}
	return list
}

// Days lists the days of a trend that have a count: 「10/5 3件、10/6 1件」.
func (w *Words) Days(trend []aggregate.DayCount, as Phrase) string {
	var days []string
	for _, d := range trend {
		if d.Count > 0 {
			days = append(days, as.Say(Values{From: w.Day(d.Day), Count: w.Number(d.Count)}))
		}
	}
	if len(days) == 0 {
		return w.Mail.TrendNone
	}
	return strings.Join(days, w.Format.Join)
}

// Shares lists the results of a feature that occurred, with their part of all.
func (w *Words) Shares(f aggregate.Feature) string {
	var shares []string
	for _, c := range f.Results {
		if c.Count > 0 {
			shares = append(shares, w.Mail.ResultCount.Say(Values{
				Feature: w.Results[f.Feature][c.Result].Label, Count: w.Number(c.Count),
				Percent: w.Percent(float64(c.Count) / float64(f.Total) * 100),
			}))
		}
	}
	return strings.Join(shares, w.Format.Join)
}
