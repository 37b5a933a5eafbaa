package render_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/pelletier/go-toml/v2"

	"geppo/render"
	"geppo/render/words"
	"geppo/templates"
)

// sentences are the texts of a wording by their keys.
func sentences(t *testing.T, lang string) map[string]string {
	t.Helper()
	data, err := fs.ReadFile(templates.FS, words.File(lang))
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	if err := toml.Unmarshal(data, &whole); err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	var walk func(key string, value any)
	walk = func(key string, value any) {
		switch v := value.(type) {
		case map[string]any:
			for name, inner := range v {
				walk(key+"."+name, inner)
			}
		case []any:
			for i, inner := range v {
				walk(fmt.Sprintf("%s[%d]", key, i), inner)
			}
		case string:
			found[key] = v
		}
	}
	walk("", whole)
	return found
}

var gap = regexp.MustCompile(`\{\w+\}`)

// layout are the keys whose gaps are a language's own: how a date is put together, and what needs no month or unit.
var layout = regexp.MustCompile(`^\.(format|overview\.month_before|edition\.honorific)`)

func TestLanguagesSayTheSame(t *testing.T) {
	ours := sentences(t, words.Languages[0])
	for _, lang := range words.Languages[1:] {
		theirs := sentences(t, lang)
		for key, text := range ours {
			other, ok := theirs[key]
			if !ok {
				t.Errorf("%s lacks %s", lang, key)
				continue
			}
			a, b := gap.FindAllString(text, -1), gap.FindAllString(other, -1)
			slices.Sort(a)
			slices.Sort(b)
			if !layout.MatchString(key) && !slices.Equal(a, b) {
				t.Errorf("%s of %s fills in %v, not %v", key, lang, b, a)
			}
		}
		for key, text := range theirs {
			if _, ok := ours[key]; !ok {
				t.Errorf("%s has %s, which %s lacks", lang, key, words.Languages[0])
			}
			if strings.ContainsFunc(text, japanese) {
				t.Errorf("%s of %s is Japanese: %s", key, lang, text)
			}
		}
	}
}

// japanese tells what no reader of English reads.
func japanese(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) || strings.ContainsRune("、。「」『』【】・～％※", r)
}

func TestEnglishThroughout(t *testing.T) {
	o := options
	o.Language, o.SupportHours = "en", "9:00 to 18:00"
	r, err := render.New(templates.FS, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		if c.name == "hostile" {
			continue // its names are in every script
		}
		m := c.month()
		m.Contract.Name = "Example Ltd."
		report := r.Word(compute(t, m, c.revision))
		parts, err := r.Parts(report)
		if err != nil {
			t.Fatal(err)
		}
		if *look != "" {
			writeLook(t, "en-"+c.name, parts)
		}
		data, err := render.JSON(report)
		if err != nil {
			t.Fatal(err)
		}
		all := []string{parts.Subject, string(parts.HTML), string(parts.Text)}
		for _, i := range parts.Images {
			all = append(all, i.Alt)
		}
		for _, p := range parts.PDFs {
			all = append(all, read(t, p.Data, "pdftotext", "FILE", "-"))
		}
		for line := range strings.Lines(strings.Join(all, "\n")) {
			if i := strings.IndexFunc(line, japanese); i >= 0 && !strings.Contains(line, "font-family") && !ofTheData(string(data), line[i:]) {
				t.Errorf("%s: %q", c.name, strings.TrimSpace(line))
			}
		}
		if !strings.Contains(string(parts.HTML), `<html lang="en">`) || parts.Lang != "en" {
			t.Errorf("%s is not said to be English", c.name)
		}
	}
}

// ofTheData tells a name that the report has.
func ofTheData(report, text string) bool {
	first := strings.FieldsFunc(text, func(r rune) bool { return r < 0x80 })
	return len(first) > 0 && strings.Contains(report, first[0])
}
