package sample

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"geppo/store"
)

// contract is one invented customer: what its lines are drawn from.
type contract struct {
	id        string
	kind      kind
	edr       bool
	urlFilter bool
	careless  bool // some of its agents are in trouble
	unsolved  bool // some of its detections could not be handled
	active    int  // index of the first day with data: 0, or the day after a new contract's since
	rhythm    rhythm
	endpoints []endpoint
	names     [6][]string // by feature: what is detected here, the frequent first
	features  [6]float64  // cumulative weights
	rows      int         // lines of detections so far, for their ids
}

// rhythm is when a company works.
type rhythm int

const (
	office  rhythm = iota // Monday to Friday, by day
	always                // shops, hospitals
	weekend               // the reverse of an office, by night
)

// contract writes contract k (from 0) with everything that belongs to it. All its chance comes
// from seed and k.
func (g *generator) contract(k int, kind kind) {
	g.rng = rand.New(rand.NewPCG(g.seed, uint64(k)))
	c := &contract{kind: kind, edr: g.turn(k, 3, 3), urlFilter: !g.turn(k, 12, 12), rhythm: office}
	number := strconv.Itoa(k + 1)
	c.id = "C" + strings.Repeat("0", max(0, 6-len(number))) + number
	switch {
	case g.chance(0.08):
		c.rhythm = always
	case g.chance(0.06):
		c.rhythm = weekend
	}
	c.careless = g.chance([...]float64{none: 0.2, few: 0.3, many: 0.6, heavy: 1}[kind])
	c.unsolved = g.chance([...]float64{none: 0.1, few: 0.25, many: 0.5, heavy: 1}[kind])
	since := -g.between(40, 2200)
	if g.turn(k, 20, 14) {
		since = g.cal.first + g.between(1, 12)
		c.active = since + 1
	}
	g.inventory(c, since)
	g.contractLine(c, k, since)
	g.endpointLines(c)
	g.statusLines(c)
	g.choose(c)
	g.detections(c)
	if c.edr {
		g.events(c)
	}
	if g.turn(k, 25, 14) {
		g.coverage(c, since)
	}
}

// turn is true for exactly one contract in every n, among the first of them: a trait that a sample
// of a dozen contracts should show stands among its first dozen. Traits differ by their n and
// first, which salt the draw.
func (g *generator) turn(k, n, first int) bool {
	rng := rand.New(rand.NewPCG(g.seed^uint64(n)<<32^uint64(first), 1<<62|uint64(k/n)))
	return k%n == rng.IntN(first)
}

// contractLine writes the contract with licences that its installed endpoints use in part, in a
// few contracts beyond what was bought.
func (g *generator) contractLine(c *contract, k, since int) {
	product := store.ProductAntivirus
	if g.turn(k, 10, 10) {
		product = store.ProductSecurityPackage
	}
	usage := 0.2 + 0.78*g.rng.Float64()
	if g.chance(0.04) {
		usage = 1.03 + 0.15*g.rng.Float64()
	}
	installed := 0
	for _, e := range c.endpoints {
		if e.removed == 0 {
			installed++
		}
	}
	licences := max(1, int(math.Ceil(float64(installed)/usage)))
	if usage > 1 {
		licences = max(1, int(float64(installed)/usage))
	}
	b := append(g.out.buf, `{"type":"contract"`...)
	b = appendField(b, `"id"`, c.id)
	b = appendField(b, `"name"`, g.company())
	b = appendField(b, `"product"`, string(product))
	b = appendBool(b, `"edr"`, c.edr)
	if !c.urlFilter {
		b = appendBool(b, `"url_filtering"`, false)
	}
	b = appendInt(b, `"licences"`, licences)
	b = appendField(b, `"timezone"`, "Asia/Tokyo")
	b = appendField(b, `"since"`, g.cal.dayText(since))
	b = append(b, `,"recipients":[`...)
	b = g.appendRecipients(b, c)
	g.out.line(append(b, `]}`...))
}

// appendRecipients writes one to three recipients; the contract's id in the address keeps the
// addresses of a sample apart.
func (g *generator) appendRecipients(b []byte, c *contract) []byte {
	n := 1
	if g.chance(0.3) {
		n = g.between(2, 3)
	}
	at := g.rng.IntN(len(mailboxes))
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		box, domain := mailboxes[(at+i)%len(mailboxes)], "@example.jp"
		if g.chance(0.6) {
			domain = "@example.co.jp"
		}
		name := g.oneOf(contactRoles)
		switch {
		case g.chance(0.1):
			name = ""
		case g.chance(0.3):
			name = g.oneOf(families) + " 様"
		}
		b = append(b, `{"address":`...)
		b = appendString(b, box+"."+strings.ToLower(c.id)+domain)
		b = append(appendField(b, `"name"`, name), '}')
	}
	return b
}

// company invents a name of one of the forms in which Japanese companies are registered.
func (g *generator) company() string {
	stem := g.oneOf(families)
	if g.chance(0.4) {
		stem = g.oneOf(stems)
	}
	if g.chance(0.35) {
		stem = g.oneOf(places) + stem
	}
	switch roll := g.rng.IntN(100); {
	case roll < 42:
		return "株式会社" + stem + g.oneOf(trades)
	case roll < 68:
		return stem + g.oneOf(trades) + "株式会社"
	case roll < 80:
		return "有限会社" + stem + g.oneOf(trades)
	case roll < 86:
		return "合同会社" + stem + g.oneOf(trades)
	case roll < 92:
		return "医療法人" + g.oneOf(virtues) + "会 " + stem + g.oneOf(clinics)
	case roll < 95:
		return "社会福祉法人" + g.oneOf(places) + g.oneOf(virtues) + "会"
	case roll < 97:
		return "学校法人" + g.oneOf(places) + g.oneOf(virtues) + "学園"
	case roll < 99:
		return "税理士法人" + stem + "会計事務所"
	default:
		return g.oneOf(places) + stem + g.oneOf(trades) + "協同組合"
	}
}

// coverage writes a complete feed, in some contracts with a gap of one to three days in the period.
func (g *generator) coverage(c *contract, since int) {
	gap, length := -1, 0
	if g.chance(0.3) {
		gap, length = g.between(max(g.cal.first, since), g.cal.end-4), g.between(1, 3)
	}
	for at := max(0, since); at < g.cal.end; at++ {
		if at >= gap && at < gap+length {
			continue
		}
		b := append(g.out.buf, `{"type":"coverage"`...)
		b = appendField(b, `"contract"`, c.id)
		g.out.line(append(appendField(b, `"day"`, g.cal.days[at].text), '}'))
	}
}
