package pdf

import (
	"fmt"
	"slices"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/words"
	"geppo/store"
)

// antivirus sets the seven parts of the antivirus report.
func (s *sheet) antivirus() error {
	s.state = s.antivirusState()
	s.overview()
	for i, f := range s.r.Antivirus {
		if err := s.feature(i+2, f); err != nil {
			return fmt.Errorf("part %d (%s): %w", i+2, f.Feature, err)
		}
	}
	s.closing(true)
	return nil
}

// overview sets part 1.
func (s *sheet) overview() {
	o, w := s.r.Overview, s.w
	s.part("1", w.Overview.Heading)
	s.section("1-1", w.Overview.ProductInfo)
	facts := [][]cell{
		{text(w.Overview.Product), text(s.product)},
		{text(w.Overview.Company), {label: s.name(s.r.Contract.Name)}},
		{text(w.Overview.Contract), text(s.r.Contract.ID)},
		{text(w.Overview.Period), text(w.Period(s.r.Period) + " (" + s.clean(w.Timezone(s.r.Timezone)) + ")")},
		{text(w.Overview.Licences), text(w.Number(int64(o.Licences)))},
		{text(w.Overview.Usage), text(s.usage())},
	}
	for i := range facts {
		facts[i][0].color = chart.Muted
	}
	s.table([]column{{part: 0.3}, {part: 0.7}}, facts)
	s.points("", aggregate.PointRansomware, aggregate.PointUsage)

	s.section("1-2", w.Overview.Agents)
	if o.Inventory {
		s.table([]column{{part: 0.7}, {part: 0.3, right: true}}, s.installed())
	} else {
		s.paragraph(w.Overview.NoInventory, bodyText)
	}
	if s.r.EDR == nil {
		s.points("", aggregate.PointUnprotected, aggregate.PointOffline, aggregate.PointOutdated, aggregate.PointUnsupported)
	}

	s.section("1-3", w.Overview.Summary)
	s.keepPoints("", aggregate.PointChange)
	s.table([]column{
		{head: w.Overview.Feature, part: 0.4},
		{head: w.ShortMonth(s.r.Period), part: 0.16, right: true},
		{head: w.MonthBefore(s.r.Period), part: 0.16, right: true},
		{head: w.Overview.Change, part: 0.28, right: true},
	}, s.summary())
	if s.r.Late > 0 {
		s.paragraph(s.late(), bodyText)
	}
	s.points("", aggregate.PointChange)
}

// usage is the licences' rate, marked where it is over 100 %.
func (s *sheet) usage() string {
	p := s.r.Overview.UsagePercent
	if p == nil {
		return s.w.Overview.NoRate
	}
	rate := s.w.Format.Percent.Say(words.Values{Percent: s.w.Percent(*p)})
	if *p > 100 {
		rate += "  ▲ " + s.w.Overview.Over
	}
	return rate
}

// installed are the rows of 1-2; 種別不明 only when there are any.
func (s *sheet) installed() [][]cell {
	i, w := s.r.Overview.Installed, s.w
	row := func(name string, n int) []cell { return []cell{text(name), text(w.Endpoints(n))} }
	rows := [][]cell{
		row(w.Classes[store.ClassDesktop], i.Desktop),
		row(w.Classes[store.ClassServer], i.Server),
		row(w.Classes[store.ClassMobile], i.Mobile),
	}
	if i.Unknown > 0 {
		rows = append(rows, row(w.Classes[store.ClassUnknown], i.Unknown))
	}
	total := row(w.Lists.Total, i.Total())
	total[0].strong, total[1].strong = true, true
	return append(rows, total)
}

// summary are the rows of 1-3, where the features' terms first stand and get their footnotes.
func (s *sheet) summary() [][]cell {
	rows := make([][]cell, 0, len(s.r.Overview.Summary))
	for _, line := range s.r.Overview.Summary {
		name := text(s.mark(s.w.Features[line.Feature].Heading))
		if line.Feature == store.URLFiltering && !s.r.Overview.URLFiltering {
			off := text(s.w.Overview.NotConfigured)
			off.color = chart.Muted
			rows = append(rows, []cell{name, text(""), text(""), off})
			continue
		}
		current := text(s.w.Detections(line.Current))
		current.strong = line.Current > 0
		rows = append(rows, []cell{name, current, text(s.previous(line)), text(s.w.Change(line, s.r.Period))})
	}
	return rows
}

func (s *sheet) previous(line aggregate.SummaryLine) string {
	if line.Previous == nil {
		return s.w.Overview.NoRate
	}
	return s.w.Detections(*line.Previous)
}

// compared is the month before and the change.
func (s *sheet) compared(line aggregate.SummaryLine) string {
	change := s.w.Change(line, s.r.Period)
	if line.Previous == nil {
		return change
	}
	return s.m.own.Change.Say(words.Values{Month: s.w.ShortMonth(s.r.Period.Previous()), From: s.previous(line), To: change})
}

// feature sets one of the parts 2 to 7.
func (s *sheet) feature(number int, f aggregate.Feature) error {
	head := s.w.Features[f.Feature]
	no := fmt.Sprint(number)
	switch {
	case f.Feature == store.URLFiltering && !s.r.Overview.URLFiltering:
		s.part(no, head.Heading)
		s.paragraph(s.w.Overview.NotConfigured, bodyText)
		return nil
	case f.Total == 0:
		s.quietFeature(no, f)
		return nil
	}
	s.part(no, head.Heading)
	s.lead(head.About)
	s.hold(5, func() { s.y += 5 })
	next := counter(no)
	s.section(next(), head.Total)
	s.total(f)
	s.section(next(), head.Endpoints)
	s.ranking(s.w.Lists.Endpoint, f.Endpoints, f.Total, false)
	if f.Servers != nil {
		s.section(next(), head.Servers)
		s.keepPoints(f.Feature, aggregate.PointConcentration)
		s.ranking(s.w.Lists.Server, f.Servers, f.Total, false)
	}
	s.points(f.Feature, aggregate.PointConcentration)
	s.section(next(), head.Trend)
	s.keepPoints(f.Feature, aggregate.PointWeekday, aggregate.PointHoliday)
	if err := s.trend(head.Heading, f.Trend); err != nil {
		return err
	}
	s.points(f.Feature, aggregate.PointWeekday, aggregate.PointHoliday)
	if f.Results != nil {
		if err := s.results(next(), head.Results, f); err != nil {
			return err
		}
	}
	if f.Names != nil {
		s.section(next(), head.Names)
		s.ranking(head.Name, f.Names, f.Total, isThreat(f.Feature))
		if isThreat(f.Feature) && !s.linked {
			s.database()
		}
	}
	return nil
}

// counter numbers the sections of a part: 2-1, 2-2, …
func counter(part string) func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("%s-%d", part, n)
	}
}

// isThreat tells the features whose names the vendor's database knows; the others' are programs,
// categories and addresses.
func isThreat(f store.Feature) bool {
	return slices.Contains([]store.Feature{store.Virus, store.Spyware, store.NetworkVirus}, f)
}

// quietFeature sets a part without detections in a few lines: every heading, every figure, no chart.
func (s *sheet) quietFeature(no string, f aggregate.Feature) {
	head := s.w.Features[f.Feature]
	s.part(no, head.Heading)
	total := s.w.Detections(0)
	for _, line := range s.r.Overview.Summary {
		if line.Feature == f.Feature && line.Previous != nil {
			total += "  " + s.compared(line)
		}
	}
	next := counter(no)
	none := text(s.w.Lists.None)
	rows := [][]cell{{text(head.Total), text(total)}, {text(head.Endpoints), none}}
	if f.Servers != nil {
		rows = append(rows, []cell{text(head.Servers), none})
	}
	rows = append(rows, []cell{text(head.Trend), text(s.w.Mail.TrendNone)})
	if f.Results != nil {
		zeros := ""
		for _, c := range f.Results {
			if zeros != "" {
				zeros += s.w.Format.Join
			}
			zeros += s.w.Results[f.Feature][c.Result].Label + " " + s.w.Number(c.Count)
		}
		rows = append(rows, []cell{text(head.Results), text(zeros)})
	}
	if f.Names != nil {
		rows = append(rows, []cell{text(head.Names), none})
	}
	s.numbered(next, rows)
}

// numbered sets sections of one line each: title and text.
func (s *sheet) numbered(next func() string, rows [][]cell) {
	s.need(headHeight + float64(len(rows))*(rowLine+rowPad))
	for i := range rows {
		number := next()
		s.enter(1, number, rows[i][0].shown)
		rows[i][0].shown = number + "  " + rows[i][0].shown
		rows[i][1].color = chart.Muted
	}
	s.table([]column{{part: 0.5}, {part: 0.5}}, rows)
}

// total sets a feature's figure with last month's.
func (s *sheet) total(f aggregate.Feature) {
	s.need(34)
	big := style{20, true, accent}
	figure := s.w.Detections(f.Total)
	s.say("P", func() { s.put(figure, left+8, s.y+18, big) })
	for _, line := range s.r.Overview.Summary {
		if line.Feature == f.Feature {
			compare := s.compared(line)
			s.say("P", func() { s.put(compare, left+8+s.width(figure, big)+18, s.y+17, style{9.5, false, chart.Muted}) })
		}
	}
	s.y += 34
}

// ranking sets a list by count, each with its share of the total as figure and bar.
func (s *sheet) ranking(column2 string, list []aggregate.Ranked, total int64, linked bool) {
	if len(list) == 0 {
		s.paragraph(s.w.Lists.None, bodyText.in(chart.Muted))
		s.y += 4
		return
	}
	rows := make([][]cell, 0, len(list))
	for i, r := range list {
		name := cell{label: s.name(r.Name)}
		if linked && name.shown != s.w.Format.NoName {
			name.url = s.m.threatURL(visible(r.Name))
		}
		share := ""
		if total > 0 {
			share = s.w.Format.Percent.Say(words.Values{Percent: s.w.Percent(float64(r.Count) / float64(total) * 100)})
		}
		rows = append(rows, []cell{
			text(fmt.Sprint(i + 1)), name, text(s.w.Number(r.Count)), text(share),
			{bar: float64(r.Count) / float64(max(list[0].Count, 1))},
		})
	}
	s.table([]column{
		{head: s.m.own.Rank, part: 0.08, right: true},
		{head: column2, part: 0.46},
		{head: s.w.Lists.Count, part: 0.13, right: true},
		{head: s.w.Lists.Share, part: 0.11, right: true},
		{part: 0.22},
	}, rows)
}

// results sets 処理の結果: the doughnut, then every result with its count and what it means.
func (s *sheet) results(no, title string, f aggregate.Feature) error {
	shares := make([]chart.Slice, 0, len(f.Results))
	rows := make([][]cell, 0, len(f.Results))
	for _, c := range f.Results {
		e := s.w.Results[f.Feature][c.Result]
		shares = append(shares, chart.Slice{Label: e.Label, Value: c.Count})
		label, count := text(e.Label), text(s.w.Detections(c.Count))
		if c.Count > 0 {
			label.strong, count.strong = true, true
		}
		rows = append(rows, []cell{label, count, text(e.Means)})
	}
	c := s.m.draw.Doughnut(shares, s.w.Mail.EventUnit, 420)
	width := measure * 0.62
	h := float64(c.H) * width / float64(c.W)
	s.section(no, title)
	s.need(h + 8)
	s.chart(c, width, s.w.Mail.ResultsAlt.Say(words.Values{Feature: s.w.Features[f.Feature].Heading, Names: s.w.Shares(f)}))
	s.y += h + 8
	s.table([]column{
		{head: s.w.Lists.Result, part: 0.2},
		{head: s.w.Lists.Count, part: 0.12, right: true},
		{head: s.w.Lists.Means, part: 0.68},
	}, rows)
	s.points(f.Feature, aggregate.PointToConfirm, aggregate.PointRestart, aggregate.PointNotHandled)
	return nil
}
