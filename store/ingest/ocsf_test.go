package ingest_test

import (
	"fmt"
	"strings"
	"testing"
)

// ocsf is an event of a class on a machine, with further members.
func ocsf(class int, members string) string {
	return fmt.Sprintf(`{"class_uid":%d,"time":1791176602000,"device":{"hostname":"PC"}%s}`, class, members)
}

func TestOCSFFeatures(t *testing.T) {
	malware := `,"malware":[{"name":"M","classification_ids":[%s]}]`
	types := `,"finding_info":{"uid":"u","title":"T","types":[%q]}`
	for event, want := range map[string]fields{
		ocsf(2004, fmt.Sprintf(malware, "18")): {"feature": "virus", "name": "M"},
		ocsf(2004, fmt.Sprintf(malware, "1")):  {"feature": "spyware"}, ocsf(2004, fmt.Sprintf(malware, "17")): {"feature": "spyware"},
		ocsf(2004, fmt.Sprintf(types, "Malicious Backdoor")):                                                                 {"feature": "virus", "name": "T", "id": "u"},
		ocsf(2004, fmt.Sprintf(types, "Potentially Unwanted Application")):                                                   {"feature": "spyware"},
		ocsf(2001, `,"finding":{"uid":"o","title":"T","types":["Trojan"]}`):                                                  {"feature": "virus", "id": "o", "name": "T"},
		ocsf(4001, fmt.Sprintf(malware, "18")):                                                                               {"feature": "network_virus", "name": "M", "result": ""},
		ocsf(4003, `,"is_alert":true,"query":{"hostname":"bad.example"}`):                                                    {"feature": "network_virus", "name": "bad.example"},
		ocsf(4002, `,"disposition_id":2,"http_request":{"url":{"url_string":"http://a/"}}`):                                  {"feature": "web_reputation", "name": "http://a/", "result": ""},
		ocsf(4002, `,"disposition_id":2,"url":{"url_string":"http://a/","categories":["G"]},"policy":{"name":"Web Policy"}`): {"feature": "url_filtering", "name": "G"},
		ocsf(4002, `,"disposition_id":2,"url":{"url_string":"http://a/","categories":["G"]}`):                                {"feature": "web_reputation"},
		ocsf(2004, `,"evidences":[{"url":{"url_string":"http://a/"}}]`):                                                      {"feature": "web_reputation", "name": "http://a/"},
		ocsf(2004, `,"finding_info":{"analytic":{"type_id":2}},"evidences":[{"process":{"name":"p.exe"}}]`):                  {"feature": "behavior_monitoring", "name": "p.exe"},
		ocsf(1007, `,"is_alert":true,"process":{"file":{"path":"C:\\a\\p.exe"}}`):                                            {"feature": "behavior_monitoring", "name": "p.exe"},
		ocsf(2004, `,"finding_info":{"uid":"e","title":"T"},"status_id":2`):                                                  {"type": "edr_event", "id": "e", "status": "in_progress"},
		ocsf(2004, `,"finding_info":{"uid":"e","analytic":{"type_id":2}},"status_id":5`):                                     {"type": "edr_event", "status": "closed"},
		ocsf(2001, `,"finding":{"uid":"e"},"state_id":4`):                                                                    {"status": "closed"},
		`{"class_uid":2004,"time":1791176602,"message":"m","metadata":{"uid":"x"},"count":4,"device":{"name":"N","type_id":1},"malware":[{"path":"/p"}]}`: {
			"name": "m", "id": "x", "count": "4", "class": "server", "endpoint": "N", "path": "/p",
		},
	} {
		decodeText(t, "ocsf", event).want(t, want)
	}
}

func TestOCSFThatIsNotReported(t *testing.T) {
	for event, class := range map[string]string{
		ocsf(3002, `,"class_name":"Authentication"`): "class 3002 Authentication", ocsf(4001, ""): "activity without a detection",
		ocsf(4001, `,"disposition_id":1`): "activity without a detection", ocsf(2004, `,"disposition_id":10`): "exonerated or deleted",
		ocsf(2004, `,"status_id":6`): "exonerated or deleted", ocsf(2004, `,"device":null`): "no endpoint in the finding", `{"a":1}`: "not OCSF",
	} {
		decodeText(t, "ocsf", event).skipped(t, class)
	}
	decodeText(t, "ocsf", ocsf(2004, `,"malware":"x"`)).bad(t, "no array")
	decodeText(t, "ocsf", ocsf(2004, `,"time":0`)).bad(t, "no time")
	for _, id := range []string{"2", "3", "6", "19", "21"} {
		if d := decodeText(t, "ocsf", ocsf(1001, `,"disposition_id":`+id)); len(d.rows) != 1 {
			t.Errorf("disposition %s gives %v", id, d.done.NotReported)
		}
	}
}

func TestOCSFResults(t *testing.T) {
	for disposition, want := range map[string][2]string{
		"3": {"quarantined", "cleaned"}, "5": {"deleted", "cleaned"}, "11": {"cleaned", "cleaned"}, "12": {"uncleanable", "noncleaned"},
		"13": {"uncleanable", "noncleaned"}, "14": {"uncleanable", "reboot"}, "1": {"passed", "noncleaned"}, "15": {"passed", "noncleaned"},
		"16": {"passed", "noncleaned"}, "17": {"passed", "noncleaned"}, "19": {"passed", "noncleaned"}, "2": {"Blocked", "Blocked"}, "6": {"Dropped", "Dropped"},
		`2,"disposition":"Prevented"`: {"Prevented", "Prevented"}, `99,"disposition":"Cleaned by deleting"`: {"deleted", "cleaned"}, "0": {"unknown", "unknown"},
		`null,"disposition":"隔離"`: {"quarantined", "cleaned"},
	} {
		for i, id := range []string{"18", "16"} {
			event := ocsf(2004, `,"malware":[{"name":"M","classification_ids":[`+id+`]}],"disposition_id":`+disposition)
			decodeText(t, "ocsf", event).want(t, fields{"result": want[i]})
		}
	}
}

func TestOCSFTimesAndEndpoints(t *testing.T) {
	const malware = `,"malware":[{"name":"M"}]`
	for members, want := range map[string]string{
		`"time":1791176602`: "2026-10-05T05:03:22Z", `"time":1791176602000000`: "2026-10-05T05:03:22Z", `"time":1791176602.5`: "2026-10-05T05:03:22.5Z",
		`"time":"2026-10-05T14:03:22+09:00"`: "2026-10-05T05:03:22Z", `"time":1,"time_dt":"2026-10-05T05:03:22Z"`: "2026-10-05T05:03:22Z",
		`"created_time":1791176602000`: "2026-10-05T05:03:22Z", `"time":"1791176602000"`: "2026-10-05T05:03:22Z",
	} {
		decodeText(t, "ocsf", `{"class_uid":2004,"device":{"hostname":"PC"},`+members+malware+"}").want(t, fields{"time": want})
	}
	for members, want := range map[string]fields{
		`"device":{"hostname":"A","name":"B","ip":"1.1.1.1"}`: {"endpoint": "A"}, `"device":{"name":"B"}`: {"endpoint": "B"},
		`"device":{"ip":"1.1.1.1"},"evidences":[{"device":{"name":"E"}}]`: {"endpoint": "E"}, `"resources":[{"type":"bucket","name":"b"},{"type":"Device","name":"R"}]`: {"endpoint": "R"},
		`"device":{"ip":"1.1.1.1"},"src_endpoint":{"hostname":"S"}`: {"endpoint": "S"}, `"src_endpoint":{"ip":"2.2.2.2"}`: {"endpoint": "2.2.2.2"},
		`"device":{"hostname":"A","type_id":4}`: {"class": "mobile"}, `"device":{"hostname":"A","os":{"name":"macOS"}}`: {"class": "desktop"},
	} {
		decodeText(t, "ocsf", `{"class_uid":2004,"time":1791176602,`+members+malware+"}").want(t, want)
	}
}

// One finding told several times is one row: the earliest time, the latest outcome that says something.
func TestOCSFFindingsFold(t *testing.T) {
	told := func(at, disposition int) string {
		return fmt.Sprintf(`{"class_uid":2004,"time":%d,"device":{"hostname":"PC"},"malware":[{"name":"M"}],"finding_info":{"uid":"u"},"disposition_id":%d}`, at, disposition)
	}
	for _, test := range []struct {
		lines  []string
		result string
	}{
		{[]string{told(1791176602, 16), told(1791176603, 3)}, "quarantined"},
		{[]string{told(1791176603, 3), told(1791176602, 16)}, "quarantined"},
		{[]string{told(1791176602, 3), told(1791176603, 0), told(1791176604, 1)}, "quarantined"},
		{[]string{told(1791176602, 3), told(1791176604, 5), told(1791176603, 11)}, "deleted"},
		{[]string{told(1791176602, 13), told(1791176603, 11)}, "cleaned"},
	} {
		d := decodeText(t, "ocsf", strings.Join(test.lines, "\n"))
		d.want(t, fields{"result": test.result, "time": "2026-10-05T05:03:22Z"})
		if d.done.Warnings["finding updated"] != int64(len(test.lines)-1) {
			t.Errorf("warnings %v", d.done.Warnings)
		}
	}
	event := func(at, status int) string {
		return fmt.Sprintf(`{"class_uid":2004,"time":%d,"device":{"hostname":"PC"},"finding_info":{"uid":"u"},"status_id":%d}`, at, status)
	}
	decodeText(t, "ocsf", event(1791176603, 4)+"\n"+event(1791176602, 1)).want(t, fields{"status": "closed", "time": "2026-10-05T05:03:22Z"})
}
