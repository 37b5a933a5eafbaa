package words

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	"geppo/aggregate"
	"geppo/store"
)

// The keys that the maps of Words must hold, and no others.
var (
	features = []store.Feature{
		store.Virus, store.Spyware, store.WebReputation, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus,
	}
	products   = []string{"antivirus", "antivirus_edr", "security_package", "security_package_edr"}
	classes    = []store.Class{store.ClassDesktop, store.ClassServer, store.ClassMobile, store.ClassUnknown}
	judgements = []aggregate.Judgement{aggregate.ActionRequired, aggregate.Undetermined, aggregate.Attention, aggregate.Good}
	missings   = []aggregate.Missing{aggregate.MissingEndpoints, aggregate.MissingSnapshots, aggregate.MissingDays}
	results    = map[store.Feature][]string{
		store.Virus:   {"cleaned", "deleted", "quarantined", "renamed", "passed", "uncleanable", "unknown"},
		store.Spyware: {"cleaned", "noncleaned", "reboot", "unsafe", "unknown"},
	}
	terms = []string{
		"spyware", "grayware", "phishing", "web_reputation", "behavior_monitoring", "network_virus",
		"noteworthy_event", "realtime_scan", "machine_learning", "edr",
	}
	statuses = []string{"new", "in_progress", "closed"}
	abouts   = []string{
		"event_trend", "objects_top", "endpoints_top", "objects", "offline", "outdated", "unsupported_os", "realtime_scan",
		"behavior_monitoring", "machine_learning", "web_reputation", "edr",
	}
)

// faults lists what is missing or too much, each with its key.
func (w *Words) faults() []string {
	faults := slices.Concat(
		exact("products", w.Products, products),
		exact("features", w.Features, features),
		exact("classes", w.Classes, classes),
		exact("judgements", w.Judgements, judgements),
		exact("results", w.Results, slices.Collect(maps.Keys(results))),
		exact("results.virus", w.Results[store.Virus], results[store.Virus]),
		exact("results.spyware", w.Results[store.Spyware], results[store.Spyware]),
		exact("glossary", w.Glossary, terms),
		exact("edr_status", w.EDRStatus, statuses),
		exact("asks", w.Asks, aggregate.Marks),
		exact("state.missing", w.State.Missing, missings),
		exact("edition.about", w.Edition.About, abouts),
	)
	if n := len(w.Format.Weekdays); n != 7 {
		faults = append(faults, fmt.Sprintf("format.weekdays has %d words, not 7", n))
	}
	for key, list := range map[string][]string{"months": w.Format.Months, "long_months": w.Format.LongMonths} {
		if len(list) != 12 {
			faults = append(faults, fmt.Sprintf("format.%s has %d words, not 12", key, len(list)))
		}
	}
	if n := len(w.EDR.MailSections); n != 5 {
		faults = append(faults, fmt.Sprintf("edr.mail_sections has %d words, not 5", n))
	}
	for _, prefix := range w.Families.Ransomware {
		if prefix == "" {
			faults = append(faults, "families.toml: a prefix is empty, and would be that of every name")
		}
	}
	faults = append(faults, w.familyFaults()...)
	return append(faults, missing("", reflect.ValueOf(*w))...)
}

// exact compares a map's keys with those it must have.
func exact[K ~string, V any](path string, m map[K]V, want []K) []string {
	var faults []string
	for _, k := range want {
		if _, ok := m[k]; !ok {
			faults = append(faults, fmt.Sprintf("%s.%s is missing", path, k))
		}
	}
	for k := range m {
		if !slices.Contains(want, k) {
			faults = append(faults, fmt.Sprintf("unknown key %s.%s", path, k))
		}
	}
	sort.Strings(faults)
	return faults
}

// missing walks the wording for empty strings and phrases. Words that may be empty do not exist: a
// list that a feature lacks is None.
func missing(path string, v reflect.Value) []string {
	if p, ok := v.Interface().(Phrase); ok {
		if p.empty() {
			return []string{path + " is missing"}
		}
		return nil
	}
	var faults []string
	switch v.Kind() {
	case reflect.String:
		if v.String() == "" {
			return []string{path + " is missing"}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			key, read := v.Type().Field(i).Tag.Lookup("toml")
			if !read || key == "-" {
				continue
			}
			faults = append(faults, missing(strings.TrimPrefix(path+"."+key, "."), v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			faults = append(faults, missing(fmt.Sprintf("%s[%d]", path, i), v.Index(i))...)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			faults = append(faults, missing(path+"."+k.String(), v.MapIndex(k))...)
		}
		sort.Strings(faults)
	}
	return faults
}
