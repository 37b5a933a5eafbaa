package words

import (
	"fmt"
	"strings"
)

// Phrase is a sentence with gaps, "{count}件". text/template was not taken: the wording needs no
// plural and no condition, and a phrase of gaps alone can be proven at Load never to fail
// later.
type Phrase struct {
	pieces []string // text and gap names by turns, text first
}

// Values fills the gaps of a Phrase.
type Values struct {
	Feature, Percent, Count, Names, Threats, Results, Desk, From, To, Days, Month, Product, Revision string
	Handled, Asks, Confirmed                                                                         string
	Year, M, D, Weekday, Mon, MonthName                                                              string
}

func (v *Values) get(gap string) (string, bool) {
	switch gap {
	case "feature":
		return v.Feature, true
	case "percent":
		return v.Percent, true
	case "count":
		return v.Count, true
	case "names":
		return v.Names, true
	case "desk":
		return v.Desk, true
	case "from":
		return v.From, true
	case "to":
		return v.To, true
	case "month":
		return v.Month, true
	case "product":
		return v.Product, true
	case "revision":
		return v.Revision, true
	case "threats":
		return v.Threats, true
	case "results":
		return v.Results, true
	case "days":
		return v.Days, true
	case "handled":
		return v.Handled, true
	case "asks":
		return v.Asks, true
	case "confirmed":
		return v.Confirmed, true
	case "year":
		return v.Year, true
	case "m":
		return v.M, true
	case "d":
		return v.D, true
	case "mon":
		return v.Mon, true
	case "monthname":
		return v.MonthName, true
	case "weekday":
		return v.Weekday, true
	}
	return "", false
}

// UnmarshalText splits the sentence at its gaps.
func (p *Phrase) UnmarshalText(b []byte) error {
	p.pieces = nil
	rest := string(b)
	for {
		text, after, found := strings.Cut(rest, "{")
		p.pieces = append(p.pieces, text)
		if !found {
			return nil
		}
		gap, next, closed := strings.Cut(after, "}")
		if !closed {
			return fmt.Errorf("%q has a { without }", b)
		}
		if _, known := (&Values{}).get(gap); !known {
			return fmt.Errorf("%q has the unknown gap {%s}", b, gap)
		}
		p.pieces = append(p.pieces, gap)
		rest = next
	}
}

// Say fills in the sentence.
func (p Phrase) Say(v Values) string {
	var b strings.Builder
	for i, piece := range p.pieces {
		if i%2 == 1 {
			piece, _ = v.get(piece)
		}
		b.WriteString(piece)
	}
	return b.String()
}

// empty tells a phrase that the wording does not hold, or holds as "".
func (p Phrase) empty() bool {
	return len(p.pieces) == 0 || len(p.pieces) == 1 && p.pieces[0] == ""
}
