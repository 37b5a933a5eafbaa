package words

import (
	"fmt"
	"strings"
)

// Family is a kind of threats that is known by how the names of its members begin.
type Family struct {
	Prefixes []string `toml:"prefixes"`
	JA       Kind     `toml:"ja"`
	EN       Kind     `toml:"en"`
}

// Kind is a family in a language: its name, and one sentence on what it does or wants.
type Kind struct {
	Name  string `toml:"name"`
	Means string `toml:"means"`
}

// in is the family in a language.
func (f Family) in(lang string) Kind {
	if lang == "en" {
		return f.EN
	}
	return f.JA
}

// Kind is the family that a threat's name tells: that of the longest prefix. The second value is false for a name that
// tells none.
func (w *Words) Kind(threat string) (kind Kind, ok bool) {
	longest := 0
	threat = strings.ToLower(threat)
	for _, f := range w.Families.List {
		for _, prefix := range f.Prefixes {
			if len(prefix) > longest && strings.HasPrefix(threat, strings.ToLower(prefix)) {
				kind, longest = f.in(w.Lang), len(prefix)
			}
		}
	}
	return kind, longest > 0
}

// familyFaults lists what is missing.
func (w *Words) familyFaults() (faults []string) {
	for i, f := range w.Families.List {
		for _, prefix := range f.Prefixes {
			if prefix == "" {
				faults = append(faults, fmt.Sprintf("families.toml: a prefix of family %d is empty, and would be that of every name", i+1))
			}
		}
		if k := f.in(w.Lang); k.Name == "" || k.Means == "" || len(f.Prefixes) == 0 {
			faults = append(faults, fmt.Sprintf("families.toml: family %d lacks its prefixes, or its name or means in %q", i+1, w.Lang))
		}
	}
	return faults
}
