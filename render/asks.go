package render

import (
	"slices"
	"strings"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
)

// askView is one item of ご確認いただきたい事項: what was found, where, and what to do.
type askView struct {
	Title, Do string
	Label     string // what Names are: 対象 or 対象日
	Names     string // at most ten, then 「ほか N 台」
	Grave     bool   // one of 要対応, otherwise of 要注意
	Mark      string // the judgement's shape
}

// asks lists what the reader is asked, the gravest first. It is empty exactly if the judgement is
// 良好, since both follow the same figures.
func (b *body) asks() []askView {
	return slices.Concat(b.detectionAsks(), b.agentAsks(), b.contractAsks())
}

// ask words one item.
func (b *body) ask(key string, grave bool, v words.Values) askView {
	v.Desk = b.w.Desk
	a := b.w.Asks[key]
	level := aggregate.Attention
	if grave {
		level = aggregate.ActionRequired
	}
	return askView{
		Title: a.Title.Say(v), Do: a.Do.Say(v), Label: b.w.Mail.Targets, Names: v.Names,
		Grave: grave, Mark: b.w.Judgements[level].Mark,
	}
}

// detectionAsks are what the product could not handle by itself.
func (b *body) detectionAsks() []askView {
	w := b.w
	var asks []askView
	for _, result := range aggregate.DeskResults {
		var endpoints []string
		feature, count := store.Feature(""), int64(0)
		for _, line := range b.report.ToConfirm {
			if line.Result != result {
				continue
			}
			feature, count = line.Feature, count+line.Count
			if !slices.Contains(endpoints, line.Endpoint) {
				endpoints = append(endpoints, line.Endpoint)
			}
		}
		if count > 0 {
			asks = append(asks, b.ask(result, true, words.Values{
				Feature: w.Features[feature].Heading, Count: w.Number(count), Names: w.Names(endpoints, w.Format.Join, b.room.name),
			}))
		}
	}
	if len(b.report.Restart) > 0 {
		var endpoints []string
		for _, n := range b.report.Restart {
			endpoints = append(endpoints, n.Name)
		}
		asks = append(asks, b.endpointAsk("restart", true, endpoints))
	}
	return asks
}

// endpointAsk is an item about a number of endpoints.
func (b *body) endpointAsk(key string, grave bool, endpoints []string) askView {
	return b.ask(key, grave, words.Values{
		Count: b.w.Number(int64(len(endpoints))), Names: b.w.Names(endpoints, b.w.Format.Join, b.room.name),
	})
}

// agentAsks are about the endpoints' agents.
func (b *body) agentAsks() []askView {
	a := b.report.Agents
	var asks []askView
	for _, item := range []struct {
		key       string
		grave     bool
		endpoints []string
	}{
		{"realtime_scan", true, a.Off.RealtimeScan},
		{"offline", false, a.Offline},
		{"outdated", false, a.Outdated},
		{"behavior_monitoring", false, a.Off.BehaviorMonitoring},
		{"machine_learning", false, a.Off.MachineLearning},
		{"web_reputation", false, a.Off.WebReputation},
		{"edr", false, a.Off.EDR},
	} {
		if len(item.endpoints) > 0 {
			asks = append(asks, b.endpointAsk(item.key, item.grave, item.endpoints))
		}
	}
	if len(a.UnsupportedOS) == 0 {
		return asks
	}
	var systems []string
	total := int64(0)
	for _, u := range a.UnsupportedOS {
		total += u.Count
		systems = append(systems, b.w.Mail.UnsupportedOS.Say(words.Values{
			Names: b.w.Name(u.OS, b.room.name), Count: b.w.Number(u.Count),
		}))
	}
	return append(asks, b.ask("unsupported_os", false, words.Values{
		Count: b.w.Number(total), Names: b.first(systems),
	}))
}

// first joins the first of many words and counts the rest.
func (b *body) first(of []string) string {
	s := strings.Join(of[:min(len(of), b.room.rows)], b.w.Format.Join)
	if rest := b.more(len(of)); rest != "" {
		s += " " + rest
	}
	return s
}

// contractAsks are about licences, gaps of the data and detections that crowd on few endpoints.
func (b *body) contractAsks() []askView {
	w := b.w
	var asks []askView
	// The judgement compares the numbers, not the rounded rate: 100.04 % is an overrun as well.
	if o := b.report.Overview; o.UsagePercent != nil && o.Installed.Total() > o.Licences {
		asks = append(asks, b.ask("over", false, words.Values{Percent: w.Percent(*o.UsagePercent)}))
	}
	if n := len(b.report.Gaps); n > 0 {
		gap := b.ask("gaps", false, words.Values{Count: w.Number(int64(n)), Names: b.ranges(b.report.Gaps)})
		gap.Label = w.Mail.DateOfGap
		asks = append(asks, gap)
	}
	// Each endpoint once: which feature found what there stands with the feature.
	var crowded []string
	for _, p := range b.report.Points {
		for _, name := range p.Endpoints {
			if p.Kind == aggregate.PointConcentration && !slices.Contains(crowded, name) {
				crowded = append(crowded, name)
			}
		}
	}
	if len(crowded) > 0 {
		asks = append(asks, b.endpointAsk("concentration", false, crowded))
	}
	return asks
}

// ranges writes days in order, neighbours as one range: 「10/3～10/5、10/9」.
func (b *body) ranges(days []store.Day) string {
	w := b.w
	var out []string
	for i := 0; i < len(days); {
		last := i
		for last+1 < len(days) && next(days[last]) == days[last+1] {
			last++
		}
		if last == i {
			out = append(out, w.Day(days[i]))
		} else {
			out = append(out, w.Mail.Range.Say(words.Values{From: w.Day(days[i]), To: w.Day(days[last])}))
		}
		i = last + 1
	}
	return strings.Join(out, w.Format.Join)
}
