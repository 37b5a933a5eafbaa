package ingest

import "geppo/store"

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

// otherNames are other words for the classes.
var otherNames = map[string]string{
	string(store.MachineLearning): "predictive_machine_learning",
	"pattern_update":              "pattern_status",
	"engine_update":               "engine_status",
}

// feature is what the events of a class become, and whether they become rows at all.
func (v *vendor) feature(class string) (store.Feature, bool) {
	to := classes[class]
	for _, name := range []string{otherNames[class], class} {
		if mapped, ok := v.Features[name]; ok {
			to = mapped
		}
	}
	return store.Feature(to), to != "" && to != "skip"
}
