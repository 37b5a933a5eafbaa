package render

import (
	"bytes"
	"fmt"
	"html"
	"io/fs"
	texttemplate "text/template"

	"geppo/render/words"
)

// Summary is what the operators are told after a run.
type Summary struct {
	Period  string         // "2026-10"
	Total   int            // deliveries
	States  map[string]int // deliveries by state
	Waiting int            // of them those still on their way
	// Done: every delivery is sent and every contract had an address. Pending: some are on their way.
	Done, Pending bool
	Errors        []SummaryError
	Problems      []SummaryProblem // the first of the deliveries that are not sent
	FollowUps     int              // lines of the support desk's list
	CSV           []byte           // that list; no attachment if empty
}

// SummaryError is a contract that could not be planned.
type SummaryError struct{ Contract, Reason string }

// SummaryProblem is a delivery that is not sent.
type SummaryProblem struct {
	ID                                 int64
	Contract, Recipient, State, Reason string
}

// SummaryParts words a summary by summary.txt, whose first line is the subject. What others wrote into
// it (addresses, a relay's reply) is cleaned of what a terminal or a mail program would obey.
func SummaryParts(fsys fs.FS, s Summary) (Parts, error) {
	for i, e := range s.Errors {
		s.Errors[i] = SummaryError{words.Clean(e.Contract), words.Shown(e.Reason)}
	}
	for i, p := range s.Problems {
		s.Problems[i] = SummaryProblem{p.ID, words.Clean(p.Contract), words.Clean(p.Recipient), p.State, words.Shown(p.Reason)}
	}
	parts, err := notice(fsys, "summary.txt", s)
	if err != nil {
		return Parts{}, err
	}
	if len(s.CSV) > 0 {
		parts.Attachments = []Attachment{{Name: "geppo-followups_" + s.Period + ".csv", Type: "text/csv", Data: s.CSV}}
	}
	return parts, nil
}

// Alert is what the operators are told of what the schedule could not do.
type Alert struct {
	Kind    AlertKind
	Period  string         // "2026-10", of a month that waits
	DueAt   string         // "2026-11-01 09:00", of a month that waits
	Planned int            // deliveries of its other contracts
	Count   int            // contracts that wait
	Waiting []SummaryError // the first of them
	Missed  []MissedMonth  // at least one where Kind is AlertMissed
	More    bool           // there were earlier ones
	Reason  string
	// Of AlertApproval: how many await a word, how many of the first were sent, and how many of these will not be by
	// themselves; and when the others follow if nobody objects, "2026-11-01 11:00", or "" if they do not.
	Awaiting, Sent, Stuck int
	Follows               string
}

// AlertKind is what an alert is about.
type AlertKind string

// The kinds.
const (
	AlertWaits  AlertKind = "waits"  // a month waits, or a part of its contracts, and is tried again
	AlertMissed AlertKind = "missed" // months too long ago to be caught up
	AlertClock  AlertKind = "clock"  // the clock is not believed

	AlertApproval AlertKind = "approval" // mail awaits somebody's word
)

// MissedMonth is a fire that nobody was there for.
type MissedMonth struct{ Period, DueAt string }

// Rest counts the contracts that wait and are not listed.
func (a Alert) Rest() int { return a.Count - len(a.Waiting) }

// AlertParts words an alert by alert.txt, whose first line is the subject.
func AlertParts(fsys fs.FS, a Alert) (Parts, error) {
	a.Reason = words.Shown(a.Reason)
	waiting := make([]SummaryError, len(a.Waiting))
	for i, w := range a.Waiting {
		waiting[i] = SummaryError{words.Shown(w.Contract), words.Shown(w.Reason)}
	}
	a.Waiting = waiting
	return notice(fsys, "alert.txt", a)
}

// Silence tells of feeds that used to come and do not any more.
type Silence struct{ Feeds []SilentFeed }

// SilentFeed is one of them.
type SilentFeed struct {
	Name, Last string
	Hours      int // between two of its files, as they used to come
}

// SilenceParts words it by silence.txt.
func SilenceParts(fsys fs.FS, s Silence) (Parts, error) {
	for i := range s.Feeds {
		s.Feeds[i].Name = words.Clean(s.Feeds[i].Name)
	}
	return notice(fsys, "silence.txt", s)
}

// notice is a mail to the operators: plain text by a template whose first line is the subject.
func notice(fsys fs.FS, name string, data any) (Parts, error) {
	t, err := texttemplate.New(name).Option("missingkey=zero").ParseFS(fsys, name)
	if err != nil {
		return Parts{}, fmt.Errorf("parse %s: %w", name, err)
	}
	var worded bytes.Buffer
	if err := t.Execute(&worded, data); err != nil {
		return Parts{}, fmt.Errorf("word %s: %w", name, err)
	}
	subject, text, _ := bytes.Cut(worded.Bytes(), []byte("\n"))
	return Parts{
		Subject: string(subject), Text: text,
		// pre-wrap: a phone would cut the lines off.
		HTML: []byte("<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\"><title>" + html.EscapeString(string(subject)) +
			"</title></head><body><pre style=\"white-space:pre-wrap\">" + html.EscapeString(string(text)) + "</pre></body></html>\n"),
	}, nil
}
