package sample

import (
	"slices"
	"strconv"
	"strings"

	"geppo/store"
)

// endpoint is one machine. Times are seconds of the calendar, days its indexes.
type endpoint struct {
	name      string
	class     store.Class
	os        string
	supported bool
	installed int
	removed   int     // 0: still installed
	weight    float64 // cumulative: how often it is the one that meets a threat
	trouble   trouble
	from      int // day from which the trouble shows; for offline, the day it was last seen
	until     int // day from which it is over
}

type trouble int

const (
	fine trouble = iota
	offline
	outdated
	unprotected
)

// inventory invents the contract's endpoints: the more detections, the more of them. The first one
// stays from beginning to end, so that a threat always finds a victim.
func (g *generator) inventory(c *contract, since int) {
	sizes := [...][2]int{none: {1, 15}, few: {1, 25}, many: {10, 80}, heavy: {60, 200}}[c.kind]
	n := sizes[0] + int(float64(sizes[1]-sizes[0]+1)*g.rng.Float64()*g.rng.Float64())
	style, total := g.rng.IntN(4), 0.0
	hot := g.chance(0.25) // one machine that meets most of it
	for i := range n {
		e := g.endpoint(c, i, style)
		e.installed = g.between(since, max(since, min(since+400, -1)))*daySeconds + g.between(9*3600, 11*3600)
		if since >= g.cal.first {
			e.installed = since*daySeconds + g.between(9*3600, 11*3600)
		}
		if i > 0 && c.active == 0 {
			g.comeOrGo(&e)
		}
		u := g.rng.Float64()
		weight := 0.05 + u*u*u
		if i == 0 && hot {
			weight += 2 + 0.2*float64(n)
		}
		total += weight
		e.weight = total
		c.endpoints = append(c.endpoints, e)
	}
}

// comeOrGo lets a few endpoints join or leave within the period.
func (g *generator) comeOrGo(e *endpoint) {
	at := g.between(g.cal.first+1, g.cal.end-2)*daySeconds + g.between(9*3600, 18*3600)
	switch roll := g.rng.IntN(100); {
	case roll < 3:
		e.installed = at
	case roll < 6:
		e.removed = at
	}
}

func (g *generator) endpoint(c *contract, i, style int) endpoint {
	e := endpoint{class: store.ClassDesktop, supported: true, until: g.cal.end + late}
	switch roll := g.rng.IntN(100); {
	case i > 0 && roll < 10:
		e.class = store.ClassServer
	case i > 0 && roll < 18:
		e.class = store.ClassMobile
	case i > 0 && roll < 20:
		e.class = store.ClassUnknown
	}
	current, old := desktopOS, oldDesktopOS
	switch e.class {
	case store.ClassServer:
		current, old = serverOS, oldServerOS
	case store.ClassMobile:
		current, old = mobileOS, oldMobileOS
	}
	e.os = g.oneOf(current)
	if c.careless && g.chance(0.03) {
		e.os, e.supported = g.oneOf(old), false
	}
	e.name = g.hostName(&e, i, style)
	if !c.careless {
		return e
	}
	switch roll := g.rng.IntN(100); {
	case roll < 5:
		e.trouble, e.from = offline, g.between(g.cal.first-10, g.cal.end-16)
	case roll < 10:
		e.trouble, e.from = outdated, g.between(g.cal.first-5, g.cal.end-3)
		if g.chance(0.4) {
			e.until = g.between(e.from+1, g.cal.end-1)
		}
	case roll < 13:
		e.trouble, e.from = unprotected, g.between(g.cal.first-20, g.cal.end-2)
	}
	return e
}

// hostName invents a name in the contract's style that fits class and system; the number, or the
// length of what Windows made up, keeps names apart.
func (g *generator) hostName(e *endpoint, i, style int) string {
	number := strconv.Itoa(1000 + i + 1)[1:]
	switch {
	case e.class == store.ClassServer:
		return g.oneOf(departmentsLatin) + "-SV" + number
	case strings.HasPrefix(e.os, "iOS"):
		return "iPhone-" + g.oneOf(families) + number
	case strings.HasPrefix(e.os, "iPadOS"):
		return "iPad-" + number
	case e.class == store.ClassMobile:
		return "Android-" + number
	case strings.HasPrefix(e.os, "macOS"):
		return "MacBook-" + g.oneOf(families) + number
	case style == 0:
		return g.oneOf(departments) + "-" + g.oneOf(families) + "PC-" + number
	case style == 1:
		return g.oneOf(departmentsLatin) + "-PC" + number
	case style == 2 && g.chance(0.4):
		return "LAPTOP-" + g.letters(8)
	default:
		return "DESKTOP-" + g.letters(7)
	}
}

// letters is what Windows makes up for an unnamed computer.
func (g *generator) letters(n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[g.rng.IntN(len(alphabet))]
	}
	return string(b)
}

func (g *generator) endpointLines(c *contract) {
	for i := range c.endpoints {
		e := &c.endpoints[i]
		b := append(g.out.buf, `{"type":"endpoint"`...)
		b = appendField(b, `"contract"`, c.id)
		b = appendField(b, `"name"`, e.name)
		b = appendField(b, `"class"`, string(e.class))
		b = appendField(b, `"os"`, e.os)
		b = g.cal.appendTimeField(b, `"installed_at"`, e.installed)
		if e.removed == 0 {
			b = append(b, `,"removed_at":null`...)
		} else {
			b = g.cal.appendTimeField(b, `"removed_at"`, e.removed)
		}
		g.out.line(append(b, '}'))
	}
}

// statusLines writes snapshots as sparsely as trends allow: the last day before the period, weekly,
// the last day, and where something changed.
func (g *generator) statusLines(c *contract) {
	first, end := g.cal.first, g.cal.end
	var days []int
	for i := range c.endpoints {
		e := &c.endpoints[i]
		joined := e.installed / daySeconds
		days = append(days[:0], first-1, first+6, first+13, first+20, end-1, joined)
		if e.trouble != fine {
			days = append(days, e.from, e.until)
		}
		slices.Sort(days)
		for _, at := range slices.Compact(days) {
			outside := at < 0 || at >= end || at < joined || e.installed < 0 && at == joined
			gone := e.removed > 0 && at >= e.removed/daySeconds
			if !outside && !gone {
				g.statusLine(c, e, at)
			}
		}
	}
}

func (g *generator) statusLine(c *contract, e *endpoint, at int) {
	seen := at
	for c.rhythm == office && g.cal.days[seen].rest && seen > 0 && seen-1 > e.installed/daySeconds {
		seen-- // switched off since the last working day
	}
	troubled := at >= e.from && at < e.until
	if e.trouble == offline && troubled {
		seen = max(e.from, e.installed/daySeconds)
	}
	b := append(g.out.buf, `{"type":"agent_status"`...)
	b = appendField(b, `"contract"`, c.id)
	b = appendField(b, `"endpoint"`, e.name)
	b = appendField(b, `"day"`, g.cal.days[at].text)
	b = g.cal.appendTimeField(b, `"last_seen"`, seen*daySeconds+g.between(12*3600, 20*3600))
	b = appendBool(b, `"pattern_current"`, !troubled || e.trouble != outdated && (e.trouble != offline || at < e.from+7))
	b = appendField(b, `"os"`, e.os)
	b = appendBool(b, `"os_supported"`, e.supported)
	b = append(b, `,"protections":{`...)
	off := -1
	if troubled && e.trouble == unprotected {
		off = g.offProtection(c, e)
	}
	for i, name := range [...]string{`"realtime_scan"`, `"behavior_monitoring"`, `"machine_learning"`, `"web_reputation"`, `"edr"`} {
		if i > 0 {
			b = append(b, ',')
		}
		state := store.On
		switch {
		case i == off:
			state = store.Off
		case i == 4 && !c.edr, e.class == store.ClassMobile && i > 0 && i != 3:
			state = store.Unknown
		}
		b = append(append(b, name...), ':')
		b = appendString(b, string(state))
	}
	g.out.line(append(b, `}}`...))
}

// offProtection is the same for all snapshots of an endpoint: it hangs on the day its trouble began.
func (g *generator) offProtection(c *contract, e *endpoint) int {
	choices := []int{3, 1, 2, 3, 1, 0}
	if c.edr {
		choices = append(choices, 4)
	}
	return choices[(e.from+len(e.name))%len(choices)]
}
