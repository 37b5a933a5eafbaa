package render

import (
	"geppo/aggregate"
	"geppo/render/words"
)

// askView is one item of ご確認いただきたい事項: all that is asked of one endpoint, or of the contract.
type askView struct {
	Title string // the endpoint; "" for the contract as a whole
	Marks []words.Marked
	Grave bool   // one of 要対応, otherwise of 要注意
	Mark  string // the judgement's shape
}

// asks are the first items, the gravest first, and how many endpoints there is no room for.
func (b *body) asks() (list []askView, more string) {
	asks := b.report.Asks
	for _, a := range asks[:min(len(asks), b.room.rows)] {
		list = append(list, b.ask(a))
	}
	if rest := b.report.Funnel.Asks - len(list); rest > 0 {
		more = b.w.State.MoreAsks.Say(words.Values{Count: b.w.Number(int64(rest))})
	}
	return list, more
}

func (b *body) ask(a aggregate.Ask) askView {
	level := aggregate.Attention
	if a.Grave {
		level = aggregate.ActionRequired
	}
	v := askView{Marks: b.w.Marked(a, b.report), Grave: a.Grave, Mark: b.w.Judgements[level].Mark}
	if !ofContract(a) {
		v.Title = b.w.Name(a.Endpoint, b.room.name)
	}
	return v
}

// ofContract tells what is asked of the contract as a whole from what is asked of an endpoint
// without a name.
func ofContract(a aggregate.Ask) bool {
	return len(a.Marks) == 1 && (a.Marks[0].Kind == aggregate.MarkOver || a.Marks[0].Kind == aggregate.MarkNoEndpoints)
}

// contact says whom to ask, where there is something to ask about and a number to call.
func (b *body) contact() string {
	if len(b.report.Asks) == 0 || b.r.opts.SupportPhone == "" {
		return ""
	}
	return b.w.State.AsksContact.Say(words.Values{Desk: b.w.Desk, Names: b.r.opts.SupportPhone})
}
