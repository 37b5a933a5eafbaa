// Package notify tells chat rooms and other programs what becomes of a month, by the webhooks that the operators name. It owns
// the shape of each kind of webhook and the patience with a dead one; it refuses to know configuration, databases and mail.
//
// It speaks HTTP by itself. Shoutrrr, which knows fifty services, was looked at (0.13.2): it posts to hooks.slack.com and
// *.webhook.office.com only, and so neither to what speaks like Slack nor to the workflows that took the place of Teams'
// connectors; it knows no context and no bound on a post to Teams or a program; and its errors print the URL, which here is
// the secret. What is left of it are three shapes of JSON.
package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"geppo/mailer"
)

// Notice is one thing that happened.
type Notice struct {
	Event  string         `json:"event"`            // planned, waiting, paused, finished, missed, silent, clock or approval
	Period string         `json:"period,omitempty"` // "2026-10", if it is about one
	Title  string         `json:"title"`            // one line
	Text   string         `json:"text"`             // some lines more
	Counts map[string]int `json:"counts,omitempty"`
	At     time.Time      `json:"at"`
	More   int            `json:"more,omitempty"` // so many of the same event and period came before it and were left out
}

// Hook is where a notice is posted to.
type Hook struct {
	Kind string        // slack, teams or json
	URL  mailer.Secret // whoever knows it may post there too
	Name string        // by which the log speaks of it; without what is secret
}

// tries, and the waits between them, bound the time for a hook that is dead: a quarter of a minute if it refuses, three
// quarters if it is silent.
const (
	tries   = 3
	tryFor  = 10 * time.Second
	between = 5 * time.Second
	// longest is the longest wait that a hook may ask for by Retry-After.
	longest = 30 * time.Second
	// mostText is what Slack and Teams take in any case; a longer one is cut.
	mostText = 3000
)

// newClient goes by the proxy of the environment, and follows no redirection: a notice is for the place that was named.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       tryFor,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// post posts one notice to one hook, and tries again what may pass.
func post(ctx context.Context, client *http.Client, hook Hook, n Notice) error {
	body, err := hook.body(n)
	if err != nil {
		return err
	}
	for try := 1; ; try++ {
		wait, err := once(ctx, client, hook, body)
		if err == nil || wait < 0 || try == tries {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return err
		case <-timer.C:
		}
	}
}

// once posts, and says after which wait it may be tried again; a negative one: never.
func once(ctx context.Context, client *http.Client, hook Hook, body []byte) (time.Duration, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, string(hook.URL), bytes.NewReader(body))
	if err != nil {
		return -1, errors.New("its URL cannot be used") // the error would print it
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "geppo")
	response, err := client.Do(request)
	if err != nil {
		return between, withoutURL(err)
	}
	defer response.Body.Close()
	says, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err != nil {
		says = nil // its status is its answer
	}
	switch code := response.StatusCode; {
	case code/100 == 2:
		return 0, nil
	case code == http.StatusTooManyRequests:
		return asked(response.Header.Get("Retry-After")), refusal(response, says, hook)
	case code/100 == 5, code == http.StatusRequestTimeout:
		return between, refusal(response, says, hook)
	default:
		return -1, refusal(response, says, hook)
	}
}

// asked is the wait that a hook asks for, in seconds.
func asked(header string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil {
		return between
	}
	return min(max(time.Duration(seconds)*time.Second, between), longest)
}

// withoutURL is an error of the HTTP client without the URL that it begins with.
func withoutURL(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// refusal is what a hook answered. Slack says in a word what is wrong; a page is no reason, and one that repeats a part of
// the URL is not told at all.
func refusal(response *http.Response, says []byte, hook Hook) error {
	const status = "it answers %d %s"
	code, text := response.StatusCode, http.StatusText(response.StatusCode)
	reason := strings.TrimSpace(string(says))
	if reason == "" || len(reason) > 200 || strings.ContainsAny(reason, "<\n") || betrays(reason, string(hook.URL)) {
		return fmt.Errorf(status, code, text)
	}
	return fmt.Errorf(status+": %q", code, text, reason)
}

// betrays tells whether a text repeats a part of a URL that may be its secret.
func betrays(text, secret string) bool {
	parts := strings.FieldsFunc(secret, func(r rune) bool { return strings.ContainsRune("/?&=@:", r) })
	for _, part := range parts {
		plain, err := url.PathUnescape(part)
		if len(part) >= 6 && (strings.Contains(text, part) || err == nil && strings.Contains(text, plain)) {
			return true
		}
	}
	return false
}

// body is a notice as a hook of its kind wants it.
func (h Hook) body(n Notice) ([]byte, error) {
	if n.More > 0 {
		n.Title = fmt.Sprintf("%s(ほか%d件)", n.Title, n.More)
	}
	if runes := []rune(n.Text); len(runes) > mostText {
		n.Text = string(runes[:mostText]) + "…"
	}
	switch h.Kind {
	case "slack":
		return json.Marshal(slackBody(n))
	case "teams":
		return json.Marshal(teamsBody(n))
	case "json":
		return json.Marshal(n)
	default:
		return nil, fmt.Errorf("%q is no kind of webhook", h.Kind)
	}
}
