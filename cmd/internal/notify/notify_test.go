package notify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"geppo/cmd/internal/notify"
	"geppo/mailer"
)

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func decoded(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// Each kind gets the shape that its service documents, and nothing in a notice is obeyed there.
func TestEachKindGetsItsShape(t *testing.T) {
	notice := notify.Notice{
		Event: "finished", Period: "2026-10", Title: "sent <!channel> & more", Text: "one\n*two* [x](http://evil.example)\n",
		Counts: map[string]int{"sent": 2}, At: at,
	}
	for kind, want := range map[string]string{
		"slack": `{"text":"sent &lt;!channel&gt; &amp; more","blocks":[
			{"type":"header","text":{"type":"plain_text","emoji":false,"text":"sent <!channel> & more"}},
			{"type":"section","text":{"type":"plain_text","emoji":false,"text":"one\n*two* [x](http://evil.example)"}}]}`,
		"teams": `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{
			"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":[
			{"type":"TextBlock","text":"sent <!channel> & more","weight":"Bolder","size":"Medium","wrap":true},
			{"type":"TextBlock","text":"one","wrap":true},
			{"type":"TextBlock","text":"\\*two\\* \\[x\\](http://evil.example)","wrap":true}]}}]}`,
		"json": `{"event":"finished","period":"2026-10","title":"sent <!channel> & more","text":"one\n*two* [x](http://evil.example)\n",
			"counts":{"sent":2},"at":"2026-11-01T00:00:00Z"}`,
	} {
		t.Run(kind, func(t *testing.T) {
			var got []byte
			server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodPost || r.URL.Path != "/hook" || !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
					t.Errorf("%s %s, %v", r.Method, r.URL, r.Header)
				}
				var err error
				if got, err = io.ReadAll(r.Body); err != nil {
					t.Error(err)
				}
			}))
			defer server.Close()
			var log bytes.Buffer
			post := notify.NewPost(slog.New(slog.NewTextHandler(&log, nil)), time.Now, nil)
			post.Tell([]notify.Hook{{Kind: kind, URL: mailer.Secret(server.URL + "/hook"), Name: "1"}}, notice)
			post.Close(time.Minute)
			if log.Len() > 0 {
				t.Fatal(log.String())
			}
			if diff := cmp.Diff(decoded(t, []byte(want)), decoded(t, got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// fake answers in place of a network, so that time can be the bubble's.
type fake struct {
	mu     sync.Mutex
	posted []string // "HOST TITLE"
	answer func(*http.Request) (*http.Response, error)
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	var notice notify.Notice
	if err := json.NewDecoder(r.Body).Decode(&notice); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.posted = append(f.posted, r.URL.Host+" "+notice.Title)
	f.mu.Unlock()
	return f.answer(r)
}

func (f *fake) all() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.posted)
}

func (f *fake) count(what string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.posted {
		if p == what {
			n++
		}
	}
	return n
}

func status(code int, body string) *http.Response {
	return &http.Response{StatusCode: code, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

func hooks(names ...string) (list []notify.Hook) {
	for _, name := range names {
		list = append(list, notify.Hook{Kind: "json", URL: mailer.Secret("https://" + name + "/services/T0123456/hunter2hunter2?key=sesame99"), Name: name})
	}
	return list
}

// Telling takes no time, whatever a hook does; a dead one is tried a little, keeps none from the others, and the log has
// neither its URL nor what repeats it.
func TestADeadHookHurtsNothing(t *testing.T) {
	faults := map[string]func(*http.Request) (*http.Response, error){
		"silent": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"refused":   func(*http.Request) (*http.Response, error) { return nil, errors.New("connection refused") },
		"broken":    func(*http.Request) (*http.Response, error) { return status(503, "<html>/services/T0123456/x"), nil },
		"gone":      func(*http.Request) (*http.Response, error) { return status(404, "no hook hunter2hunter2"), nil },
		"elsewhere": func(*http.Request) (*http.Response, error) { return status(302, ""), nil },
		"busy":      func(*http.Request) (*http.Response, error) { return status(429, "rate_limited"), nil },
	}
	tried := map[string]int{"silent": 3, "refused": 3, "broken": 3, "gone": 1, "elsewhere": 1, "busy": 3}
	for name, answer := range faults {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				f := &fake{answer: func(r *http.Request) (*http.Response, error) {
					if r.URL.Host == "good" {
						return status(200, "ok"), nil
					}
					return answer(r)
				}}
				post := notify.NewPost(slog.New(slog.NewTextHandler(&log, nil)), time.Now, f)
				began := time.Now()
				post.Tell(hooks(name, "good"), notify.Notice{Event: "paused", Title: "t"})
				if time.Since(began) != 0 {
					t.Errorf("telling took %s", time.Since(began))
				}
				post.Close(time.Hour)
				if took := time.Since(began); took > time.Minute {
					t.Errorf("it took %s", took)
				}
				if got := f.count(name + " t"); got != tried[name] || f.count("good t") != 1 {
					t.Errorf("tried %v, want %d", f.posted, tried[name])
				}
				text := log.String()
				if strings.Count(text, "\n") != 1 || !strings.Contains(text, "webhook="+name) {
					t.Errorf("log %q", text)
				}
				for _, secret := range []string{"hunter2", "sesame", "T0123456", "https://"} {
					if strings.Contains(text, secret) {
						t.Errorf("the log has %s: %s", secret, text)
					}
				}
			})
		})
	}
}

// Closing waits no longer than it is told to.
func TestClosingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}}
		post := notify.NewPost(slog.New(slog.DiscardHandler), time.Now, f)
		post.Tell(hooks("dead"), notify.Notice{Event: "paused", Title: "a"})
		post.Tell(hooks("dead"), notify.Notice{Event: "finished", Title: "b"})
		began := time.Now()
		post.Close(15 * time.Second)
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

// Hundreds of one event are one notice in a while; another event or month does not wait for them.
func TestABatchIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{answer: func(*http.Request) (*http.Response, error) { return status(200, ""), nil }}
		post := notify.NewPost(slog.New(slog.DiscardHandler), time.Now, f)
		for range 300 {
			post.Tell(hooks("h"), notify.Notice{Event: "finished", Period: "2026-10", Title: "end"})
			time.Sleep(100 * time.Millisecond)
		}
		post.Tell(hooks("h"), notify.Notice{Event: "finished", Period: "2026-09", Title: "other month"})
		time.Sleep(time.Millisecond)
		post.Tell(hooks("h"), notify.Notice{Event: "paused", Title: "pause"})
		synctest.Wait()
		if got := f.all(); !slices.Equal(got, []string{"h end", "h other month", "h pause"}) {
			t.Errorf("at once: %v", got)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := f.all()[3:]; !slices.Equal(got, []string{"h end(ほか298件)"}) {
			t.Errorf("after a minute: %v", got)
		}
		post.Close(time.Second)
		if got := f.all(); len(got) != 4 {
			t.Errorf("posted %v", got)
		}
	})
}
