package console

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/language"

	"geppo/store"
)

// words are all that the console says, by language and by the name of the sentence.
type words map[string]sentences

// sentences are those of one language.
type sentences struct {
	Lang string
	text map[string]string
}

// languages are those there are, the first for whoever asks for none of them.
var languages = []language.Tag{language.Japanese, language.English}

func readWords() (words, error) {
	text, err := files.ReadFile("words.toml")
	if err != nil {
		return nil, err
	}
	var file map[string]map[string]map[string]string // section, name, language
	if err := toml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("words of the console: %w", err)
	}
	w := words{}
	for _, tag := range languages {
		w[tag.String()] = sentences{tag.String(), map[string]string{}}
	}
	for section, names := range file {
		for name, text := range names {
			for lang := range w {
				if text[lang] == "" {
					return nil, fmt.Errorf("words of the console: %s.%s has no %s", section, name, lang)
				}
				w[lang].text[section+"."+name] = text[lang]
			}
		}
	}
	return w, nil
}

// of are the sentences of the language that a browser asks for.
func (w words) of(r *http.Request) sentences {
	asked, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil {
		asked = nil
	}
	_, i, _ := language.NewMatcher(languages).Match(asked...)
	return w[languages[i].String()]
}

// W is a sentence, with what stands in it. What has none is shown by its name: a test finds it.
func (s sentences) W(name string, args ...any) string {
	text, ok := s.text[name]
	if !ok {
		return name
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Word is a sentence of a section whose names are data: a state, a stage. What is unknown is shown as it is.
func (s sentences) Word(section string, name any) string {
	text, ok := s.text[section+"."+fmt.Sprint(name)]
	if !ok {
		return fmt.Sprint(name)
	}
	return text
}

// view is what a template is given.
type view struct {
	sentence sentences
	Page     string
	Title    string
	Who      visitor
	Told     string
	Now      time.Time
	Body     any
	zone     *time.Location
}

func (v view) Lang() string                         { return v.sentence.Lang }
func (v view) W(name string, args ...any) string    { return v.sentence.W(name, args...) }
func (v view) Word(section string, name any) string { return v.sentence.Word(section, name) }
func (v view) Known() bool                          { return v.Who.known }
func (v view) Can(role string) bool                 { return v.Who.Role.may(Role(role)) }
func (v view) HasSession() bool                     { return v.Who.session != "" }
func (v view) CSRF() string                         { return v.Who.csrf }

// Time is for people, in the zone of the schedule; nothing for the zero time.
func (v view) Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.zone).Format("2006-01-02 15:04")
}

// Stamp is the same with seconds.
func (v view) Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(v.zone).Format("2006-01-02 15:04:05")
}

// Weekday is a fire's day of the week.
func (v view) Weekday(t time.Time) string { return v.Word("weekday", int(t.In(v.zone).Weekday())) }

// Num is a number with its thousands parted.
func (v view) Num(n any) string { return thousands(fmt.Sprint(n)) }

func thousands(digits string) string {
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Act is the address of an action's form: its name, and pairs of a field and its value.
func (v view) Act(action string, pairs ...any) template.URL {
	q := url.Values{"action": {action}}
	for i := 0; i+1 < len(pairs); i += 2 {
		if value := fmt.Sprint(pairs[i+1]); value != "" && value != "0" {
			q.Set(fmt.Sprint(pairs[i]), value)
		}
	}
	return template.URL("/act?" + q.Encode()) //nolint:gosec // G203: every value is encoded
}

// Period is a month for people.
func (v view) Period(p store.Period) string { return v.W("common.period", p.Year, int(p.Month)) }

// Size is that of a file.
func (v view) Size(bytes int) string { return strconv.Itoa((bytes+1023)/1024) + " KB" }

// Tone is the colour of a state.
func (v view) Tone(state any) string {
	switch store.State(fmt.Sprint(state)) {
	case store.Sent:
		return "good"
	case store.Failed, store.Bounced, store.Held:
		return "bad"
	case store.Deferred, store.Awaiting:
		return "warn"
	}
	return "calm"
}

// shorten keeps the beginning of a text.
func shorten(text string, most int) string {
	runes := []rune(strings.TrimSpace(text))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most]) + "…"
}
