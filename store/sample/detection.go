package sample

import (
	"math"
	"slices"
	"sort"
	"strconv"

	"geppo/store"
)

// The features in the order of the report, as the arrays of a contract are indexed.
const (
	virus = iota
	spyware
	webReputation
	behavior
	urlFiltering
	networkVirus
)

var featureNames = [...]store.Feature{
	virus: store.Virus, spyware: store.Spyware, webReputation: store.WebReputation,
	behavior: store.BehaviorMonitoring, urlFiltering: store.URLFiltering, networkVirus: store.NetworkVirus,
}

// share is one outcome with its cumulative part of 1,000.
type share struct {
	upTo   int
	result string
}

var (
	virusResults = []share{
		{420, "quarantined"}, {650, "cleaned"}, {880, "deleted"}, {960, "passed"}, {975, "renamed"}, {980, "アクセス拒否"}, {1000, "uncleanable"},
	}
	spywareResults = []share{{950, "cleaned"}, {970, "noncleaned"}, {990, "reboot"}, {1000, "unsafe"}}
)

// choose picks which features and names this contract meets.
func (g *generator) choose(c *contract) {
	base := [...]float64{virus: 3, spyware: 2, webReputation: 7, behavior: 2, urlFiltering: 5, networkVirus: 1}
	total := 0.0
	for f := range base {
		weight := base[f] * (0.2 + 1.8*g.rng.Float64())
		if f == urlFiltering && !c.urlFilter {
			weight = 0
		}
		total += weight
		c.features[f] = total
		for range g.between(3, 6+8*int(c.kind)) {
			c.names[f] = append(c.names[f], g.threat(f))
		}
	}
}

// threat invents a name in the forms of the vendor.
func (g *generator) threat(feature int) string {
	switch feature {
	case spyware:
		return g.oneOf(spywareNames)
	case webReputation:
		path := g.oneOf(urlPaths)
		if path[len(path)-1] == '=' {
			path += strconv.Itoa(g.between(100, 99999))
		}
		return "http://" + g.oneOf(urlHosts) + path
	case behavior:
		return g.oneOf(programs)
	case urlFiltering:
		return g.oneOf(categories)
	case networkVirus:
		return g.oneOf(networkNames)
	}
	letter := func() string { return string(rune('A' + g.rng.IntN(12))) }
	// Day, letter of the month and year, as in VSNW03G24.
	dated := func() string {
		return strconv.Itoa(100 + g.between(1, 28))[1:] + letter() + strconv.Itoa(g.between(21, 26))
	}
	switch roll := g.rng.IntN(100); {
	case roll < 25:
		return "TROJ_GEN.R002C0" + letter() + letter() + letter() + strconv.Itoa(g.between(21, 26))
	case roll < 55:
		return "Trojan.Win32." + g.oneOf(trojanFamilies) + ".VSNW" + dated()
	case roll < 62:
		return "Ransom.Win32." + g.oneOf(ransomFamilies) + ".YXE" + letter() + letter() + "Z"
	case roll < 72:
		return g.oneOf(otherTypes) + ".SM" + letter() + letter()
	case roll < 80:
		return "Troj.Win32.TRX.XXPE50FFF0" + strconv.Itoa(g.between(40, 99))
	default:
		return g.oneOf(oldVirusNames)
	}
}

// detections writes both months. What the period holds is the kind's promise; the month before is
// near it, as a real comparison would be.
func (g *generator) detections(c *contract) {
	low, high := 0, 0
	switch c.kind {
	case few:
		low, high = 1, 50
	case many:
		low, high = 51, 1000
	case heavy:
		low, high = 5000, 20000
	}
	// Spread evenly over the orders of magnitude, not over the numbers.
	rows := int(math.Round(float64(low) * math.Pow(float64(high)/float64(max(1, low)), g.rng.Float64())))
	before := int(float64(rows) * (0.4 + 1.2*g.rng.Float64()))
	if c.kind == none && g.chance(0.15) {
		before = g.between(1, 20)
	}
	if c.active == 0 {
		g.month(c, 0, g.cal.first, before, before/8)
	}
	g.month(c, max(g.cal.first, c.active), g.cal.end, rows, min(rows/8, high-rows))
}

// month writes rows detections on the days [from, to), of which some stand for several: repeats
// bounds what their counts add beyond the rows.
func (g *generator) month(c *contract, from, to, rows, repeats int) {
	if rows == 0 {
		return
	}
	weights, total := make([]float64, 0, to-from), 0.0
	incident := -1
	if g.chance(0.2) {
		incident = g.between(from, to-1)
	}
	for at := from; at < to; at++ {
		weight := 0.5 + g.rng.Float64()
		if rest := g.cal.days[at].rest; c.rhythm == office && rest || c.rhythm == weekend && !rest {
			weight *= 0.1
		}
		if at == incident {
			weight *= 8
		}
		total += weight
		weights = append(weights, total)
	}
	perDay := make([]int, len(weights))
	for range rows {
		perDay[sort.SearchFloat64s(weights, g.rng.Float64()*total)]++
	}
	for i, n := range perDay {
		g.seconds = g.seconds[:0]
		for range n {
			g.seconds = append(g.seconds, (from+i)*daySeconds+g.timeOfDay(c))
		}
		slices.Sort(g.seconds)
		for _, s := range g.seconds {
			count := 1
			if repeats > 0 && g.chance(0.06) {
				count += min(repeats, g.between(1, 4))
				repeats -= count - 1
			}
			g.detectionLine(c, s, count)
		}
	}
}

// timeOfDay is a second of the day within the company's hours, now and then outside of them.
func (g *generator) timeOfDay(c *contract) int {
	switch {
	case c.rhythm == always || g.chance(0.05):
		return g.rng.IntN(daySeconds)
	case c.rhythm == weekend:
		return g.rng.IntN(5 * 3600)
	}
	return 8*3600 + (g.rng.IntN(11*3600)+g.rng.IntN(11*3600))/2
}

func (g *generator) detectionLine(c *contract, at, count int) {
	f := sort.SearchFloat64s(c.features[:], g.rng.Float64()*c.features[networkVirus])
	e := g.victim(c, at)
	c.rows++
	b := append(g.out.buf, `{"type":"detection"`...)
	b = appendField(b, `"contract"`, c.id)
	b = append(b, `,"id":"d-`...)
	b = append(strconv.AppendInt(b, int64(c.rows), 10), '"')
	b = appendField(b, `"feature"`, string(featureNames[f]))
	b = g.cal.appendTimeField(b, `"time"`, at)
	delay := g.between(2, 90)
	if g.chance(0.01) {
		delay = g.between(3600, late*daySeconds) // a notebook that was shut
	}
	b = g.cal.appendTimeField(b, `"received"`, at+delay)
	b = appendField(b, `"endpoint"`, e.name)
	if !g.chance(0.05) {
		b = appendField(b, `"class"`, string(e.class))
	}
	b = appendField(b, `"name"`, c.names[f][g.skewed(len(c.names[f]))])
	switch f {
	case virus:
		b = appendField(b, `"result"`, g.result(c, virusResults))
	case spyware:
		b = appendField(b, `"result"`, g.result(c, spywareResults))
	}
	b = appendInt(b, `"count"`, count)
	if f == virus || f == spyware {
		b = appendField(b, `"path"`, g.oneOf(folders)+g.oneOf(files))
	}
	g.out.line(append(b, '}'))
}

// victim is an endpoint that was installed at that time.
func (g *generator) victim(c *contract, at int) *endpoint {
	n := len(c.endpoints)
	wanted := g.rng.Float64() * c.endpoints[n-1].weight
	e := &c.endpoints[sort.Search(n-1, func(i int) bool { return c.endpoints[i].weight >= wanted })]
	if at < e.installed || e.removed > 0 && at >= e.removed {
		return &c.endpoints[0]
	}
	return e
}

// result draws an outcome; contracts that have nothing unsolved draw the common one instead.
func (g *generator) result(c *contract, shares []share) string {
	roll := g.rng.IntN(1000)
	for _, s := range shares {
		if roll >= s.upTo {
			continue
		}
		switch s.result {
		case "uncleanable", "noncleaned", "reboot", "unsafe":
			if !c.unsolved || c.kind == heavy && roll%5 > 0 {
				return shares[0].result
			}
		}
		return s.result
	}
	return shares[0].result
}
