package daemon

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"geppo/store"
)

// inboxFeeds begins the names of the feeds that come by the inbox: only these are expected to come
// again by themselves.
const inboxFeeds = "inbox/"

func feedOf(name string) string { return inboxFeeds + store.Feed(name) }

// Silent is a feed that used to come and does not any more.
type Silent struct {
	Feed  string
	Last  time.Time     // when it came last
	Usual time.Duration // how often it used to come
}

// silence is what is known of feeds that do not come.
type silence struct {
	mu     sync.Mutex
	silent map[string]Silent
	next   time.Time // when they are looked at again
}

const (
	silenceEvery = 10 * time.Minute
	// arrivals is how many imports of a feed tell how often it comes, and fewest how many must.
	arrivals, fewest = 200, 4
	// together is how near files come as one: an interval is between hours, and not between the
	// files of a day that were copied at once.
	together = time.Hour
	// forgotten is when a feed that does not come is one that was given up.
	forgotten = 92 * 24 * time.Hour
)

// listen looks, from time to time, which feeds have been silent for two of their usual intervals,
// and tells of those that have become so since, all at once.
func (in *Inbox) listen(ctx context.Context) error {
	now := in.Now()
	if now.Before(in.silence.next) {
		return nil
	}
	feeds, err := in.Detections.Feeds(ctx, now.Add(-forgotten))
	if err != nil {
		return err
	}
	silent := map[string]Silent{}
	for _, f := range feeds {
		if !strings.HasPrefix(f.Feed, inboxFeeds) {
			continue
		}
		times, err := in.Detections.Arrivals(ctx, f.Feed, arrivals)
		if err != nil {
			return err
		}
		if usual, ok := usualInterval(times); ok && now.Sub(times[0]) > 2*usual {
			silent[f.Feed] = Silent{f.Feed, times[0], usual}
		}
	}
	told := in.becomeSilent(silent)
	in.silence.next = now.Add(silenceEvery)
	if len(told) == 0 {
		return nil
	}
	for _, s := range told {
		in.Log.Error("a feed that used to come is silent; see whether its sender works", "feed", s.Feed, "last", s.Last, "usual_interval", s.Usual.String())
	}
	if in.Silence == nil {
		return nil
	}
	if err := in.Silence(ctx, told); err != nil {
		in.Log.Error("the operators could not be told of silent feeds", "error", err)
	}
	return nil
}

// becomeSilent takes what is silent now, and gives what was not before.
func (in *Inbox) becomeSilent(now map[string]Silent) (since []Silent) {
	in.silence.mu.Lock()
	defer in.silence.mu.Unlock()
	for _, feed := range slices.Sorted(maps.Keys(now)) {
		if _, before := in.silence.silent[feed]; !before {
			since = append(since, now[feed])
		}
	}
	in.silence.silent = now
	return since
}

// Silent lists the feeds that used to come and do not, by name.
func (in *Inbox) Silent() []Silent {
	in.silence.mu.Lock()
	defer in.silence.mu.Unlock()
	return slices.SortedFunc(maps.Values(in.silence.silent), func(a, b Silent) int { return strings.Compare(a.Feed, b.Feed) })
}

// usualInterval is how often a feed comes, of the times when it came, the newest first: nine of ten
// intervals are not longer, so that a feed of working days is not missed on Sundays.
func usualInterval(times []time.Time) (usual time.Duration, known bool) {
	if len(times) == 0 {
		return 0, false
	}
	var gaps []time.Duration
	last := times[0]
	for _, at := range times[1:] {
		if gap := last.Sub(at); gap >= together {
			gaps, last = append(gaps, gap), at
		}
	}
	if len(gaps) < fewest-1 {
		return 0, false
	}
	slices.Sort(gaps)
	return gaps[(len(gaps)*9-1)/10], true
}
