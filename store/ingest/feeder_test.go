package ingest_test

import (
	"testing"
	"time"

	"geppo/store/ingest"
)

func feederLine(tag, pairs string) string {
	return `<14>1 2026-10-05 05:03:40 203.0.113.9 WFBSS-SVC-AC [` + tag + " " + pairs + `]`
}

const generated = `Generated="2026-10-05T05:03:22.000Z" Device name="PC01" `

func TestFeederFrames(t *testing.T) {
	body := `LogVirus@44930 ` + generated + `Virus/Malware Name="X" Action Taken="File deleted"]`
	for _, line := range []string{
		"WFBSS-SVC-AC [" + body, "x WFBS-SVC-AC[1]: some words [" + body, "WFBSS-SVC-AC 7 - [" + body + "\r", "WFBSS-SVC-AC [" + body + " #012",
		`WFBSS-SVC-AC [LogVirus ` + body[len("LogVirus@44930 "):], `WFBSS-SVC-AC [virus@1 ` + body[len("LogVirus@44930 "):],
	} {
		decodeText(t, "feeder", line).want(t, fields{"feature": "virus", "name": "X", "endpoint": "PC01", "result": "deleted"})
	}
	decodeText(t, "feeder", "hello").skipped(t, "not a line of the feeder")
	decodeText(t, "feeder", "last message repeated 2 times").warned(t, "syslog left out repeated lines: figures may be short")
	decodeText(t, "feeder", feederLine("LogOdd@1", generated)).skipped(t, "unknown class LogOdd")
	decodeText(t, "feeder", "WFBSS-SVC-AC [LogVirus@1 "+generated).bad(t, "closing ]")
	decodeText(t, "feeder", feederLine("LogVirus@1", `Virus/Malware Name="X"`)).bad(t, "no time")
	decodeText(t, "feeder", feederLine("LogVirus@1", `Generated="yesterday"`)).bad(t, "no time")
}

func TestFeederValues(t *testing.T) {
	for pairs, want := range map[string]fields{
		`Path="C:\Downloads\" File name="a.exe"`:                             {"path": `C:\Downloads\a.exe`},
		`Virus/Malware Name ="X" Path="C:\a b"`:                              {"name": "X", "path": `C:\a b`},
		`Virus/Malware Name="A "B" C" Path="-"`:                              {"name": `A "B" C`, "path": ""},
		`Virus/Malware Name="A \"q\" [1\]"`:                                  {"name": `A "q" [1]`},
		`Virus/Malware Name="?q="x"&y=1" Action="File renamed"`:              {"name": `?q="x"&y=1`, "result": "renamed"},
		`Virus/Malware Name="N/A" Security Threat="T"`:                       {"name": "T"},
		`virus/malware_name="X" action taken="放置"`:                           {"name": "X", "result": "passed"},
		`ウイルス/不正プログラム="X" 処理="駆除できません"`:                                      {"name": "X", "result": "uncleanable"},
		`Virus/Malware Name="X" Infected Resource="C:\i"`:                    {"path": `C:\i`},
		`Virus/Malware Name="X" Object="C:\o" Path="C:\p"`:                   {"path": `C:\p`},
		`Virus/Malware Name="X" Detections="7"`:                              {"count": "7"},
		`Virus/Malware Name="X" Result="Successful" Action="File renamed"`:   {"result": "renamed"},
		`Virus/Malware Name="X" Action="File renamed" Result="File deleted"`: {"result": "deleted"},
		"Virus/Malware Name=\"X\" Path=\"a\rb\"":                             {"path": "a b"},
	} {
		decodeText(t, "feeder", feederLine("LogVirus@1", generated+pairs)).want(t, want)
	}
	d := decodeText(t, "feeder", feederLine("LogVirus@1", generated+`Virus/Malware Name="X" Nytt felt="y"`))
	d.warned(t, `unknown field "Nytt felt"`)
}

func TestFeederTags(t *testing.T) {
	for tag, want := range map[string]fields{
		`LogSpyware@1 Spyware/Grayware="S" Action="Quarantined"`:           {"feature": "spyware", "name": "S", "result": "cleaned"},
		`LogWebReputation@1 URL="http://a/"`:                               {"feature": "web_reputation", "name": "http://a/", "result": ""},
		`wtp@1 URL="http://a/" Action="Blocked"`:                           {"feature": "web_reputation", "result": ""},
		`LogUrlFiltering@1 URL="http://a/" URL Category="Games"`:           {"feature": "url_filtering", "name": "Games", "path": "http://a/"},
		`LogBehaviorMonitoring@1 Subject="C:\a\u.exe" Security Threat="T"`: {"feature": "behavior_monitoring", "name": "u.exe", "path": `C:\a\u.exe`},
		`LogNetworkVirus@1 Security Threat="T"`:                            {"feature": "network_virus", "name": "T"},
		`LogMachineLearning@1 Unknown Threat="T" Action="駆除"`:              {"feature": "machine_learning", "name": "T", "result": "cleaned"},
		`LogApplicationControl@1 Subject="C:\a\u.exe"`:                     {"feature": "application_control", "name": "u.exe"},
		`LogDeviceControl@1 Subject="F:\x"`:                                {"feature": "device_control", "name": "x"},
		`LogDataLossPrevention@1 Rule="R" File name="f"`:                   {"feature": "dlp", "name": "R", "path": "f"},
	} {
		decodeText(t, "feeder", `WFBSS-SVC-AC [`+tag+" "+generated+"]").want(t, want)
	}
}

func TestFeederTimes(t *testing.T) {
	for pairs, want := range map[string]fields{
		`Generated="2026-10-05T05:03:22Z" Received="2026-10-06T00:00:00+09:00"`: {"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T15:00:00Z"},
		`Generated="2026-10-05 14:03:22"`:                                       {"time": "2026-10-05T05:03:22Z", "received": ""},
		`Received="2026-10-05T05:03:22Z"`:                                       {"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T05:03:22Z"},
		`Generert="2026-10-05T05:03:22Z" Mottatt="2026-10-05T05:03:23Z"`:        {"time": "2026-10-05T05:03:22Z", "received": "2026-10-05T05:03:23Z"},
	} {
		decodeText(t, "feeder", feederLine("LogVirus@1", pairs+` Enhetsnavn="PC"`)).want(t, want)
	}
	line := feederLine("LogVirus@1", `Generated="2026-10-05 14:03:22" Device name="PC"`)
	decodeText(t, "feeder", line, func(o *ingest.Options) { o.Zone = time.UTC }).want(t, fields{"time": "2026-10-05T14:03:22Z"})
	known := func(o *ingest.Options) {
		o.Known = func(string) (ingest.Known, error) { return ingest.Known{Zone: time.FixedZone("", 3600)}, nil }
	}
	decodeText(t, "feeder", line, known).want(t, fields{"time": "2026-10-05T13:03:22Z"})
}

func TestFeederCustomers(t *testing.T) {
	alias := func(o *ingest.Options) {
		o.Contract, o.Aliases, o.File = "", map[string]string{"株式会社Ａ": "C1", "folder": "C2"}, "x/folder/worryfree.log"
	}
	decodeText(t, "feeder", feederLine("LogVirus@1", generated+`Customer Name="株式会社A"`), alias).want(t, fields{"contract": "C1"})
	decodeText(t, "feeder", feederLine("LogVirus@1", generated), alias).want(t, fields{"contract": "C2"})
	decodeText(t, "feeder", feederLine("LogVirus@1", generated+`Customer Name="B"`), alias).bad(t, `unknown customer "B"`)
	decodeText(t, "feeder", feederLine("LogVirus@1", generated+`Customer Name="B"`)).want(t, fields{"contract": "C000001"})
}
