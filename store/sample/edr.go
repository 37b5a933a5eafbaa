package sample

import "strconv"

// events writes the noteworthy events of both months, far fewer than detections.
func (g *generator) events(c *contract) {
	span := [...][2]int{none: {0, 3}, few: {0, 8}, many: {2, 40}, heavy: {30, 300}}[c.kind]
	id := 0
	for _, month := range [...][2]int{{c.active, g.cal.first}, {max(g.cal.first, c.active), g.cal.end}} {
		if month[0] >= month[1] || c.kind == none && g.chance(0.7) {
			continue
		}
		for range g.between(span[0], span[1]) {
			at := g.between(month[0], month[1]-1)
			for c.rhythm == office && g.cal.days[at].rest && at > month[0] {
				at--
			}
			id++
			g.eventLine(c, id, at*daySeconds+g.timeOfDay(c))
		}
	}
}

func (g *generator) eventLine(c *contract, id, at int) {
	status := "closed"
	switch roll := g.rng.IntN(100); {
	case roll < 22:
		status = "new"
	case roll < 38:
		status = "in_progress"
	case roll < 40:
		status = "保留"
	}
	b := append(g.out.buf, `{"type":"edr_event"`...)
	b = appendField(b, `"contract"`, c.id)
	b = appendField(b, `"id"`, "e-"+strconv.Itoa(id))
	b = g.cal.appendTimeField(b, `"time"`, at)
	b = appendField(b, `"endpoint"`, g.victim(c, at).name)
	b = appendField(b, `"status"`, status)
	b = append(b, `,"objects":[`...)
	for i := range 1 + g.skewed(4) {
		if i > 0 {
			b = append(b, ',')
		}
		b = g.appendObject(b)
	}
	g.out.line(append(b, `]}`...))
}

func (g *generator) appendObject(b []byte) []byte {
	name, kind, result := eventObjects[g.skewed(len(eventObjects))], "file", g.oneOf([]string{"terminated", "terminated", "quarantined", "none"})
	switch roll := g.rng.IntN(100); {
	case roll < 25:
		kind = "process"
	case roll < 38:
		name, kind, result = g.oneOf(eventHosts), "network", g.oneOf([]string{"blocked", "none"})
	case roll < 45:
		name, kind, result = g.oneOf(eventRegistry), "registry", "none"
	}
	b = append(b, `{"name":`...)
	b = appendString(b, name)
	b = appendField(b, `"type"`, kind)
	return append(appendField(b, `"result"`, result), '}')
}
