package render

import (
	"io/fs"
	"regexp"
	"slices"

	"geppo/render/words"
)

// Notice is what a chat is told by a webhook. It counts and does not name: a chat is read by more people than the
// operators' mail.
type Notice struct {
	Event    NoticeEvent
	Period   string         // "2026-10", of what is about one
	Kind     string         // of a run: schedule, run or resend
	Planned  int            // deliveries
	Waiting  int            // contracts without data
	Errors   int            // contracts that nobody can be written to at
	Total    int            // deliveries of the period, of a run's end
	OnTheWay int            // of them
	States   map[string]int // of them, by state
	// Done and Pending are as in a Summary.
	Done, Pending bool
	Missed        []MissedMonth // at least one of NoticeMissed
	Pauses        []NoticePause // at least one of NoticePaused
	Feeds         []SilentFeed
	// Of NoticeApproval, as in an Alert.
	Awaiting, Sent, Stuck int
	Follows               string
	Reason                string
}

// NoticeEvent is what a notice is about.
type NoticeEvent string

// The events.
const (
	NoticePlanned  NoticeEvent = "planned"
	NoticeWaiting  NoticeEvent = "waiting"
	NoticePaused   NoticeEvent = "paused"
	NoticeFinished NoticeEvent = "finished"
	NoticeMissed   NoticeEvent = "missed"
	NoticeSilent   NoticeEvent = "silent"
	NoticeClock    NoticeEvent = "clock"
	NoticeApproval NoticeEvent = "approval"
)

// NoticePause is what keeps the queue back.
type NoticePause struct{ Cause, By, Since, Reason string }

// NoticeParts words it by notice.txt, whose first line is the title: Parts' Subject and Text.
func NoticeParts(fsys fs.FS, n Notice) (Parts, error) {
	n.Reason = anonymous(n.Reason)
	n.Pauses = slices.Clone(n.Pauses)
	for i, p := range n.Pauses {
		n.Pauses[i] = NoticePause{p.Cause, words.Clean(p.By), p.Since, anonymous(p.Reason)}
	}
	n.Feeds = slices.Clone(n.Feeds)
	for i := range n.Feeds {
		n.Feeds[i].Name = words.Clean(n.Feeds[i].Name)
	}
	return notice(fsys, "notice.txt", n)
}

var addresses = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)

// anonymous is a reason, in which a relay may repeat an address, without it.
func anonymous(reason string) string { return words.Shown(addresses.ReplaceAllString(reason, "…")) }
