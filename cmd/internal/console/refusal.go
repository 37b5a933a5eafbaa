package console

import (
	"errors"
	"fmt"
	"strings"

	"geppo/cmd/internal/desk"
)

// Refusal words why something is not done, in the reader's language. What others said, a relay or a colleague, stays
// as they said it; a refusal that is no word of ours is shown as it is.
func (s sentences) Refusal(r *desk.Refusal) string {
	text, ok := s.text["refusal."+r.Code]
	if !ok {
		return r.Error()
	}
	if !strings.Contains(text, "%") {
		return text
	}
	args := make([]any, len(r.Args))
	for i, arg := range r.Args {
		args[i] = arg
		if err, is := arg.(error); is {
			args[i] = s.Fault(err)
		}
	}
	return fmt.Sprintf(text, args...)
}

// Fault words an error, if it is a refusal.
func (s sentences) Fault(err error) string {
	var refused *desk.Refusal
	if errors.As(err, &refused) {
		return s.Refusal(refused)
	}
	return err.Error()
}

// Change words one figure that would differ.
func (s sentences) Change(c desk.Change) string {
	return s.W("stale.change", s.Word("figure", c.Figure), s.Word("figure", c.Was), s.Word("figure", c.Now))
}

func (v view) Fault(err error) string      { return v.sentence.Fault(err) }
func (v view) Change(c desk.Change) string { return v.sentence.Change(c) }
