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
	t, err := texttemplate.New("summary.txt").Option("missingkey=zero").ParseFS(fsys, "summary.txt")
	if err != nil {
		return Parts{}, fmt.Errorf("parse the summary: %w", err)
	}
	for i, e := range s.Errors {
		s.Errors[i] = SummaryError{words.Clean(e.Contract), words.Clean(e.Reason)}
	}
	for i, p := range s.Problems {
		s.Problems[i] = SummaryProblem{p.ID, words.Clean(p.Contract), words.Clean(p.Recipient), p.State, words.Clean(p.Reason)}
	}
	var worded bytes.Buffer
	if err := t.Execute(&worded, s); err != nil {
		return Parts{}, fmt.Errorf("word the summary: %w", err)
	}
	subject, text, _ := bytes.Cut(worded.Bytes(), []byte("\n"))
	parts := Parts{
		Subject: string(subject), Text: text,
		HTML: []byte("<!DOCTYPE html>\n<html lang=\"ja\"><head><meta charset=\"utf-8\"><title>" + html.EscapeString(string(subject)) +
			"</title></head><body><pre>" + html.EscapeString(string(text)) + "</pre></body></html>\n"),
	}
	if len(s.CSV) > 0 {
		parts.Attachments = []Attachment{{Name: "geppo-followups_" + s.Period + ".csv", Type: "text/csv", Data: s.CSV}}
	}
	return parts, nil
}
