package pdf

import (
	"bytes"
	"fmt"
	"io/fs"

	"github.com/pelletier/go-toml/v2"

	"geppo/render/words"
)

// wordingFile is the name of the PDFs' own wording in the template file system.
const wordingFile = "pdf.toml"

// wording is what pdf.toml holds.
type wording struct {
	Title      words.Phrase      `toml:"title"`
	Honorific  words.Phrase      `toml:"honorific"`
	Issued     words.Phrase      `toml:"issued"`
	Edition    words.Phrase      `toml:"edition"`
	Contents   string            `toml:"contents"`
	Page       words.Phrase      `toml:"page"`
	Continued  string            `toml:"continued"`
	Note       words.Phrase      `toml:"note"`
	Rank       string            `toml:"rank"`
	Change     words.Phrase      `toml:"change"`
	Shortened  string            `toml:"shortened"`
	Replaced   string            `toml:"replaced"`
	Quiet      string            `toml:"quiet"`
	DatabaseAt string            `toml:"database_at"`
	Contact    string            `toml:"contact"`
	About      map[string]string `toml:"about"`
}

// loadWording reads pdf.toml. Unknown and missing keys are errors that name the key.
func loadWording(fsys fs.FS) (wording, error) {
	var w wording
	b, err := fs.ReadFile(fsys, wordingFile)
	if err != nil {
		return w, fmt.Errorf("read the wording: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&w); err != nil {
		return w, fmt.Errorf("%s: %w", wordingFile, err)
	}
	for key, phrase := range map[string]words.Phrase{
		"title": w.Title, "honorific": w.Honorific, "issued": w.Issued, "edition": w.Edition, "page": w.Page,
		"note": w.Note, "change": w.Change,
	} {
		if phrase.Say(words.Values{}) == "" && phrase.Say(words.Values{Count: "1", From: "1", Names: "1", Month: "1"}) == "" {
			return w, fmt.Errorf("%s: %s is missing or empty", wordingFile, key)
		}
	}
	for key, text := range map[string]string{
		"contents": w.Contents, "continued": w.Continued, "rank": w.Rank, "shortened": w.Shortened,
		"replaced": w.Replaced, "quiet": w.Quiet, "database_at": w.DatabaseAt, "contact": w.Contact,
	} {
		if text == "" {
			return w, fmt.Errorf("%s: %s is missing or empty", wordingFile, key)
		}
	}
	for _, key := range []string{
		"event_trend", "objects_top", "endpoints_top", "objects", "offline", "outdated", "unsupported_os",
		"realtime_scan", "behavior_monitoring", "machine_learning", "web_reputation", "edr",
	} {
		if w.About[key] == "" {
			return w, fmt.Errorf("%s: about.%s is missing or empty", wordingFile, key)
		}
	}
	return w, nil
}
