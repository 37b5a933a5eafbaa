package pdf

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"geppo/render/words"
)

// wordingFile is the name of the PDFs' own wording in the template file system.
const wordingFile = "pdf.toml"

// wording is what pdf.toml holds.
type wording struct {
	Title     words.Phrase      `toml:"title"`
	Honorific words.Phrase      `toml:"honorific"`
	Issued    words.Phrase      `toml:"issued"`
	Edition   words.Phrase      `toml:"edition"`
	Contents  string            `toml:"contents"`
	Page      words.Phrase      `toml:"page"`
	Note      words.Phrase      `toml:"note"`
	Rank      string            `toml:"rank"`
	Change    words.Phrase      `toml:"change"`
	Shortened string            `toml:"shortened"`
	Replaced  string            `toml:"replaced"`
	Contact   string            `toml:"contact"`
	About     map[string]string `toml:"about"`
}

// loadWording reads pdf.toml. Unknown and missing keys are errors that name the key.
func loadWording(fsys fs.FS) (wording, error) {
	var w wording
	b, err := fs.ReadFile(fsys, wordingFile)
	if err != nil {
		return w, fmt.Errorf("read the wording: %w", err)
	}
	if err := toml.NewDecoder(bytes.NewReader(b)).DisallowUnknownFields().Decode(&w); err != nil {
		var strict *toml.StrictMissingError // its own text quotes the file over several lines
		if errors.As(err, &strict) && len(strict.Errors) > 0 {
			row, _ := strict.Errors[0].Position()
			return w, fmt.Errorf("%s: line %d: unknown key %s", wordingFile, row, strings.Join(strict.Errors[0].Key(), "."))
		}
		return w, fmt.Errorf("%s: %w", wordingFile, err)
	}
	if faults := w.faults(); len(faults) > 0 {
		return w, &words.Faults{File: wordingFile, List: faults}
	}
	return w, nil
}

// CheckWording tells what is wrong with pdf.toml.
func CheckWording(fsys fs.FS) error {
	_, err := loadWording(fsys)
	return err
}

// abouts are the keys of About: the sections of the EDR report that have a line below their heading.
var abouts = []string{
	"behavior_monitoring", "edr", "endpoints_top", "event_trend", "machine_learning", "objects", "objects_top",
	"offline", "outdated", "realtime_scan", "unsupported_os", "web_reputation",
}

// faults lists what is missing or too much, each with its key.
func (w *wording) faults() []string {
	all := words.Values{Count: "0", From: "0", To: "0", Names: "0", Month: "0", Product: "0"}
	var faults []string
	for _, want := range [][2]string{
		{"title", w.Title.Say(all)},
		{"honorific", w.Honorific.Say(all)},
		{"issued", w.Issued.Say(all)},
		{"edition", w.Edition.Say(all)},
		{"contents", w.Contents},
		{"page", w.Page.Say(all)},
		{"note", w.Note.Say(all)},
		{"rank", w.Rank},
		{"change", w.Change.Say(all)},
		{"shortened", w.Shortened},
		{"replaced", w.Replaced},
		{"contact", w.Contact},
	} {
		if want[1] == "" {
			faults = append(faults, want[0]+" is missing or empty")
		}
	}
	for _, key := range abouts {
		if w.About[key] == "" {
			faults = append(faults, "about."+key+" is missing or empty")
		}
	}
	for _, key := range slices.Sorted(maps.Keys(w.About)) {
		if !slices.Contains(abouts, key) {
			faults = append(faults, "unknown key about."+key)
		}
	}
	return faults
}
