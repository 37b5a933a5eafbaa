package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"geppo/store"
)

// eventClass is a class whose events are EDR events.
const eventClass = "edr_event"

// classes are the classes of events that vendors tell apart, by the words of [import.features], and
// what becomes of each; "" is not reported. A class that is not here is an unknown one.
//
// Suspicious connections are malware's patterns found in traffic, and the only class of it that CEF
// sends. A callback is a hit in a list, and the same connection usually also gives a line of another
// class: adding it would count twice. Rules of intrusion prevention match attacks and no malware;
// suspicious files and sandboxes judge files and not machines; a line of the state of patterns tells
// of one pattern, and as a snapshot would overwrite the day's with half a truth.
var classes = map[string]string{
	string(store.Virus):              string(store.Virus),
	string(store.Spyware):            string(store.Spyware),
	string(store.WebReputation):      string(store.WebReputation),
	string(store.BehaviorMonitoring): string(store.BehaviorMonitoring),
	string(store.URLFiltering):       string(store.URLFiltering),
	string(store.NetworkVirus):       string(store.NetworkVirus),
	"suspicious_connection":          string(store.NetworkVirus),
	string(store.MachineLearning):    string(store.MachineLearning),
	string(store.DeviceControl):      string(store.DeviceControl),
	string(store.ApplicationControl): string(store.ApplicationControl),
	string(store.DLP):                string(store.DLP),
	"attack_discovery":               eventClass,
	"cnc_callback":                   "",
	"intrusion_prevention":           "",
	"suspicious_file":                "",
	"sandbox":                        "",
	"content_security":               "",
	"pattern_update":                 "",
	"engine_update":                  "",
	"product_event":                  "",
}

// Classes are the classes of events, and the feature that each becomes: "edr_event" for an EDR event,
// empty for none.
func Classes() map[string]string { return maps.Clone(classes) }

// otherNames are other words for the classes.
var otherNames = map[string]string{
	"predictive_machine_learning": string(store.MachineLearning),
	"behaviour":                   string(store.BehaviorMonitoring),
	"behavior":                    string(store.BehaviorMonitoring),
	"url_filter":                  string(store.URLFiltering),
	"pattern_status":              "pattern_update",
	"engine_status":               "engine_update",
	"logon_logoff":                "product_event",
	"audit":                       "product_event",
}

const skip = "skip"

// className is the class that a word of [import.features] means; empty for an unknown one.
func className(word string) string {
	if class, ok := otherNames[word]; ok {
		return class
	}
	if _, ok := classes[word]; ok {
		return word
	}
	return ""
}

// CheckMappings says what is wrong with an operator's mappings.
func CheckMappings(features, columns map[string]string) error {
	for _, word := range sortedKeys(features) {
		if className(word) == "" {
			return fmt.Errorf("import.features.%s is no class of events; use one of %s", word, strings.Join(sortedKeys(classes), ", "))
		}
		if to := features[word]; to != skip && to != eventClass && !slices.Contains(Features(), to) {
			return fmt.Errorf("import.features.%s is %q; use skip or one of %s", word, to, strings.Join(Features(), ", "))
		}
	}
	for _, name := range sortedKeys(columns) {
		if _, ok := fieldNames[field(columns[name])]; !ok {
			return fmt.Errorf("csv.columns.%s is %q, which is no field; use one of %s", name, columns[name], strings.Join(sortedKeys(fieldNames), ", "))
		}
	}
	return nil
}

// feature is what the events of a class become, and whether they become rows at all.
func (v *vendor) feature(class string) (store.Feature, bool) {
	to, ok := v.features[class]
	if !ok {
		to = classes[class]
	}
	return store.Feature(to), to != "" && to != skip
}
