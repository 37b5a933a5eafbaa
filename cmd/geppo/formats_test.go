package main

import (
	"regexp"
	"strings"
	"testing"

	"geppo/store"
	"geppo/store/ingest"
)

// What geppo help formats says of each format and class is what is done.
func TestFormatsAreToldAsTheyAre(t *testing.T) {
	code, text, _ := runGeppo(t, "help", "formats")
	if code != exitDone {
		t.Fatalf("exit %d", code)
	}
	for _, format := range ingest.Formats()[1:] {
		if !regexp.MustCompile(`(?m)^  ` + format + ` +\S`).MatchString(text) {
			t.Errorf("nothing is told of %s", format)
		}
	}
	told := 0
	for class, becomes := range ingest.Classes() {
		switch store.Feature(becomes) {
		case "":
			becomes = "not reported"
		case "edr_event":
			becomes = "EDR event"
		case store.MachineLearning, store.DeviceControl, store.ApplicationControl, store.DLP:
			becomes = "kept aside"
		}
		if !regexp.MustCompile(`(?m)^  ` + class + ` .* ` + becomes + `$`).MatchString(text) {
			t.Errorf("of %s it is not told that it becomes: %s", class, becomes)
		}
		told++
	}
	if table := strings.Count(text, "not reported\n"); told < 20 || table == 0 {
		t.Errorf("%d classes, %d not reported", told, table)
	}
}
