package ingest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"geppo/store"
)

// The log feeder of Worry-Free Business Security Services writes worryfree.log, a line an event:
//
//	<14>1 2021-06-18 04:12:33 203.0.113.9 WFBSS-SVC-AC [LogVirus@44930 Generated="…" Device name="PC01" …]
//
// It looks like the structured data of RFC 5424 and is none: keys hold blanks, and quotes within
// values are not escaped. So parsers of that RFC refuse it.

// feederClasses are the classes of the tags, without Log and in small letters.
var feederClasses = map[string]store.Feature{
	"virus": store.Virus, "spyware": store.Spyware, "webreputation": store.WebReputation, "wtp": store.WebReputation,
	"urlfiltering": store.URLFiltering, "behaviormonitoring": store.BehaviorMonitoring, "networkvirus": store.NetworkVirus,
	"predictivemachinelearning": store.MachineLearning, "machinelearning": store.MachineLearning, "devicecontrol": store.DeviceControl,
	"applicationcontrol": store.ApplicationControl, "dlp": store.DLP, "datalossprevention": store.DLP,
}

// feeder decodes a line.
func (v *vendor) feeder(l *line, text string) {
	body, ok := feederBody(text)
	if !ok {
		l.class = "not a line of the feeder"
		return
	}
	body, closed := strings.CutSuffix(body, "]")
	tag, pairs := body, ""
	if end := strings.IndexAny(body, " \t"); end >= 0 {
		tag, pairs = body[:end], body[end:]
	}
	tag, _, _ = strings.Cut(tag, "@")
	if !closed {
		l.err = errors.New("the closing ] is missing; the line is cut, get it again")
		return
	}
	kind := foldName(tag)
	class, known := feederClasses[strings.TrimPrefix(kind, "log")]
	if !known {
		l.class = "unknown class " + clean(tag)
		return
	}
	if _, reported := v.feature(string(class)); !reported {
		l.class = string(class)
		return
	}
	v.feederRecord(l, string(class), v.feederFields(l, pairs))
}

// feederBody is what stands in the brackets after the marker; words between them are tolerated, and
// brackets that close before any pair, like those of a program's number, if others follow.
func feederBody(text string) (string, bool) {
	for _, marker := range []string{"WFBSS-SVC-AC", "WFBS-SVC-AC"} {
		_, after, ok := strings.Cut(text, marker)
		if !ok {
			continue
		}
		_, body, ok := strings.Cut(after, "[")
		for ok {
			within, rest, closed := strings.Cut(body, "]")
			_, next, more := strings.Cut(rest, "[")
			if !closed || !more || strings.Contains(within, `="`) {
				return body, true
			}
			body = next
		}
	}
	return "", false
}

// feederFields are the values of the known fields.
func (v *vendor) feederFields(l *line, text string) map[field]string {
	values, ranks := make(map[field]string, 16), make(map[field]int, 16)
	for text != "" {
		key, after, ok := strings.Cut(text, `="`)
		if !ok {
			break
		}
		end := endOfValue(after)
		value := after[:end]
		text = after[min(end+1, len(after)):]
		key = strings.TrimSpace(key)
		at := v.names.find(key)
		if at.field == "" {
			l.warn(fmt.Sprintf("unknown field %.80q", key))
			continue
		}
		if rank, stands := ranks[at.field]; absent(value) || stands && rank <= at.rank {
			continue
		}
		values[at.field], ranks[at.field] = feederEscapes.Replace(value), at.rank
	}
	return values
}

// feederEscapes are the only ones: a backslash before the last quote belongs to the path.
var feederEscapes = strings.NewReplacer(`\"`, `"`, `\]`, `]`)

// longestKey bounds the search for a key after a quote.
const longestKey = 200

// endOfValue is where the quote stands that ends the value: what follows it is a blank and the next
// key, or the end. Quotes within values are like any other character.
func endOfValue(text string) int {
	for at := 0; ; at++ {
		quote := strings.IndexByte(text[at:], '"')
		if quote < 0 {
			return len(text)
		}
		at += quote
		rest := text[at+1:]
		if strings.TrimSpace(rest[:min(len(rest), longestKey)]) == "" {
			return at
		}
		if rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		mark := strings.IndexAny(rest[:min(len(rest), longestKey)], `="`)
		if mark > 0 && rest[mark] == '=' && strings.HasPrefix(rest[mark+1:], `"`) && strings.TrimSpace(rest[:mark]) != "" {
			return at
		}
	}
}

func (v *vendor) feederRecord(l *line, class string, values map[field]string) {
	get := func(f field) string { return values[f] }
	customers := []string{get(fieldCustomer)}
	f := named(class, get)
	var err error
	if f.time, f.received, err = v.feederTimes(l, get, customers); err != nil {
		l.err = err
		return
	}
	f.customers = customers
	v.detection(l, f)
}

// feederTimes are when the event happened and when the console heard of it.
func (v *vendor) feederTimes(l *line, get func(field) string, customers []string) (generated, received time.Time, err error) {
	if text := get(fieldReceived); text != "" {
		if received, err = v.moment(text, orderUnknown, customers); err != nil {
			return generated, received, fmt.Errorf("received: %w", err)
		}
	}
	text := present(get(fieldGenerated), get(fieldTime))
	switch {
	case text == "" && received.IsZero():
		return generated, received, errors.New("neither Generated nor Received: the row has no time")
	case text == "":
		l.warn("no generated time: received used")
		return received, received, nil
	}
	if generated, err = v.moment(text, orderUnknown, customers); err != nil {
		return generated, received, fmt.Errorf("generated: %w", err)
	}
	return generated, received, nil
}

// moment reads a time; one without a zone is the customers'.
func (v *vendor) moment(text string, order dayOrder, customers []string) (time.Time, error) {
	m, err := parseMoment(text, order)
	if err != nil {
		return time.Time{}, err
	}
	if m.zone != nil {
		return m.in(m.zone), nil
	}
	return m.in(v.zone(customers...)), nil
}
