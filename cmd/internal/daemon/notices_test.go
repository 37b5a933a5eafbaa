package daemon_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"geppo/cmd/internal/daemon"
	"geppo/cmd/internal/notify"
	"geppo/mailer"
	"geppo/store"
	"geppo/templates"
)

// room is a chat that keeps what is posted.
type room struct {
	mu      sync.Mutex
	notices []notify.Notice
}

func (r *room) ServeHTTP(_ http.ResponseWriter, request *http.Request) {
	var notice notify.Notice
	if err := json.NewDecoder(request.Body).Decode(&notice); err != nil {
		notice.Event = err.Error()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notices = append(r.notices, notice)
}

// told runs an action of operators whose only webhook is a room, and gives the events of what it was told, in order of name.
func (h *house) told(action func(*daemon.Operators)) (events []string, notices map[string]notify.Notice) {
	h.t.Helper()
	chat := &room{}
	server := httptest.NewServer(chat)
	defer server.Close()
	post := notify.NewPost(h.dispatcher.Log, time.Now, nil)
	action(&daemon.Operators{
		Dispatcher: h.dispatcher, Templates: templates.FS, Post: post,
		Hooks: []notify.Hook{{Kind: "json", URL: mailer.Secret(server.URL), Name: "1"}},
	})
	post.Close(time.Minute)
	notices = map[string]notify.Notice{}
	for _, n := range chat.notices {
		events, notices[n.Event] = append(events, n.Event), n
	}
	slices.Sort(events)
	return events, notices
}

// A webhook hears of a month what the operators' mails say and what no mail can: in figures, and without a customer's name.
func TestWebhooksHearOfAMonth(t *testing.T) {
	h := newHouse(t)
	s := h.scheduler("0 9 1 * *")
	h.now = time.Date(2026, 10, 15, 0, 0, 0, 0, time.UTC)
	h.contract("CUSTOMER1", "a@example.jp")
	h.contract("CUSTOMER2", "b@example.jp")
	h.reconcile(s, h.now)
	h.covered("CUSTOMER1", "2026-10-31")
	due := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	var run store.Run
	var texts strings.Builder
	step := func(name, want string, action func(*daemon.Operators)) map[string]notify.Notice {
		events, notices := h.told(action)
		if got := strings.Join(events, " "); got != want {
			t.Errorf("%s: told %q, want %q", name, got, want)
		}
		for _, n := range notices {
			texts.WriteString(n.Title + n.Text)
		}
		return notices
	}
	notices := step("planned", "planned waiting", func(o *daemon.Operators) {
		s.Operators = o
		runs := h.reconcile(s, due)
		run = runs[len(runs)-1]
	})
	if n := notices["planned"]; n.Period != "2026-10" || n.Counts["planned"] != 1 || n.Counts["waiting_contracts"] != 1 {
		t.Errorf("planned: %+v", n)
	}
	step("an hour later", "", func(o *daemon.Operators) {
		s.Operators = o
		h.reconcile(s, due.Add(time.Hour))
	})
	notices = step("paused", "paused", func(o *daemon.Operators) {
		if err := h.ledger.Pause(t.Context(), store.CauseSetup, "550 5.7.1 <a@example.jp> not allowed", "geppo", h.now); err != nil {
			t.Fatal(err)
		}
		if err := o.Paused(t.Context(), run.StartedAt); err != nil {
			t.Error(err)
		}
	})
	if n := notices["paused"]; !strings.Contains(n.Text, "setup") || !strings.Contains(n.Text, "geppo resume") {
		t.Errorf("paused: %+v", n)
	}
	h.now = h.now.Add(time.Hour)
	if err := h.run(); err != nil {
		t.Fatal(err)
	}
	notices = step("finished", "finished", func(o *daemon.Operators) {
		if err := o.Finished(t.Context(), run); err != nil {
			t.Error(err)
		}
	})
	if n := notices["finished"]; n.Counts["sent"] != 1 || !strings.Contains(n.Title, "要確認") {
		t.Errorf("finished: %+v", n)
	}
	notices = step("missed", "missed", func(o *daemon.Operators) {
		s.Operators = o
		h.reconcile(s, time.Date(2027, 3, 20, 0, 0, 0, 0, time.UTC))
	})
	if n := notices["missed"]; !strings.Contains(n.Text, "geppo run --period 2027-01") {
		t.Errorf("missed: %+v", n)
	}
	step("silent", "silent", func(o *daemon.Operators) {
		if err := o.AlertSilence(t.Context(), []daemon.Silent{{Feed: "inbox/cef", Last: due, Usual: time.Hour}, {Feed: "inbox/csv", Last: due, Usual: time.Hour}}, time.UTC); err != nil {
			t.Error(err)
		}
	})
	if text := texts.String(); strings.Contains(text, "CUSTOMER") || strings.Contains(text, "@example.jp") {
		t.Errorf("a customer is named: %s", text)
	}
}

// A pause is told once, whoever made it; one that is older than the daemon's start was told by who looked then.
func TestAPauseIsToldOnce(t *testing.T) {
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	old := store.Pause{Cause: store.CauseOperator, StartedAt: now.Add(-time.Hour)}
	setup := store.Pause{Cause: store.CauseSetup, StartedAt: now.Add(-time.Second)}
	again := store.Pause{Cause: store.CauseSetup, StartedAt: now.Add(time.Minute)}
	fresh := daemon.FreshPauses()
	for i, look := range []struct{ open, want []store.Pause }{
		{[]store.Pause{setup, old}, []store.Pause{setup}},
		{[]store.Pause{setup, old}, nil},
		{[]store.Pause{old}, nil},
		{[]store.Pause{again, old}, []store.Pause{again}},
	} {
		if got := fresh(look.open, now); !slices.Equal(got, look.want) {
			t.Errorf("look %d: %v, want %v", i, got, look.want)
		}
	}
}
