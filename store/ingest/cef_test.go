package ingest_test

import (
	"testing"

	"geppo/store/ingest"
)

const (
	av = `CEF:0|Trend Micro|Apex Central|2019|AV:File cleaned|TROJ.X|3|`
	rt = `rt=Oct 05 2026 05:03:22 GMT+00:00 `
)

func cefLine(id, name, extension string) string {
	return "CEF:0|Trend Micro|Apex Central|2019|" + id + "|" + name + "|3|" + extension
}

func TestCEFHeaderIsFoundBehindAnyFrame(t *testing.T) {
	for _, line := range []string{
		av + rt,
		"<133>Feb 14 2022 05:15:47 relay " + av + rt,
		"<134>1 2022-02-14T05:15:47Z relay app - - - " + av + rt,
		"Feb 14 05:15:47 a b[1]: <133>Feb 14 2022 05:15:47 relay " + av + rt,
		`0|Trend Micro|Apex Central|2019|AV:File cleaned|TROJ.X|3|` + rt,
		`relay CEF: 0|TrendAI™|Apex Central|2019|AV:File cleaned|TROJ.X|3|` + rt,
		`CEF: CEF:0|TrendAI|Control Manager|7|AV:File cleaned|TROJ.X|3|` + rt,
		av + rt + "#015#012", av + rt + "\x00\r",
	} {
		decodeText(t, "cef", line).want(t, fields{"feature": "virus", "name": "TROJ.X", "time": "2026-10-05T05:03:22Z", "result": "cleaned"})
	}
}

func TestCEFLinesThatAreNoDetections(t *testing.T) {
	for line, class := range map[string]string{
		"hello": "not CEF", "CEF:0|Fortinet|Fortigate|v7|1|x|4|act=x": "other product",
		"CEF:0|Trend Micro|Deep Security Agent|20|1|x|4|act=x":       "other product",
		cefLine("CnC:Block", "C", rt):                                "cnc_callback",
		cefLine("FH:x", "F", rt):                                     "suspicious_file",
		cefLine("VAD", "V", rt):                                      "sandbox",
		cefLine("MS:x", "M", rt):                                     "content_security",
		cefLine("IPS:x", "I", rt):                                    "intrusion_prevention",
		cefLine("800101", "P", rt):                                   "pattern_update",
		cefLine("800102", "P", rt):                                   "engine_update",
		cefLine("700211", "Managed Product Logon/Logoff Events", ""): "product_event",
		cefLine("ZZ:1", "new", rt):                                   "unknown class ZZ:1",
		cefLine("PML:x", "P", "act=1"):                               "machine_learning without a time",
		cefLine("EAC:x", "E", "act=1"):                               "application_control without a time",
		cefLine("700106", "D", "act=1"):                              "dlp without a time",
		cefLine("700107", "D", "act=1"):                              "device_control without a time",
	} {
		decodeText(t, "cef", line).skipped(t, class)
	}
	decodeText(t, "cef", "Oct 5 05:03:22 relay last message repeated 3 times").warned(t, "syslog left out repeated lines: figures may be short")
	decodeText(t, "cef", "Oct 5 05:03:22 relay message repeated 3 times: [ "+av+rt+"]").warned(t, "syslog left out repeated lines: figures may be short")
}

func TestCEFBadLines(t *testing.T) {
	for line, reason := range map[string]string{
		"CEF:0|Trend Micro|Apex Central|2019|AV:File": "5 of 7 fields",
		"CEF:0|Trend Micro|Apex Ce":                   "3 of 7 fields",
		"<133>CEF:0|Trend":                            "of 7 fields",
		av + "act=File cleaned":                       "no time",
		av + "rt=10月20日":                              "no time",
		av + "rt=Oct 32 2026 00:00:00":                "no time",
		av + rt + "fname=\xff":                        "UTF-8",
	} {
		decodeText(t, "cef", line).bad(t, reason)
	}
	noContract := func(o *ingest.Options) { o.Contract = "" }
	decodeText(t, "cef", av+rt, noContract).bad(t, "--contract")
	decodeText(t, "cef", av+rt+"customerExternalID=x1", noContract).bad(t, "unknown customer")
	alias := func(o *ingest.Options) { o.Contract, o.Aliases = "", map[string]string{"x1": "C7"} }
	decodeText(t, "cef", av+rt+"customerExternalID=x1", alias).want(t, fields{"contract": "C7"})
}

func TestCEFTimes(t *testing.T) {
	for text, want := range map[string]string{
		"Oct 5 2026 05:03:22":            "2026-10-05T05:03:22Z",
		"Oct 05 2026 05:03:22 GMT":       "2026-10-05T05:03:22Z",
		"Oct 05 2026 05:03:22 UTC+09:00": "2026-10-04T20:03:22Z",
		"Oct 05 2026 05:03:22 -03:30":    "2026-10-05T08:33:22Z",
		"2026-10-05 05:03:22":            "2026-10-05T05:03:22Z",
		"2026-10-05 05:03:22+09:00":      "2026-10-04T20:03:22Z",
		"2026-10-05T05:03:22.5Z":         "2026-10-05T05:03:22.5Z",
		"1791176602":                     "2026-10-05T05:03:22Z",
		"1791176602000":                  "2026-10-05T05:03:22Z",
	} {
		decodeText(t, "cef", "<133>Jan 01 2020 00:00:00 "+av+"rt="+text+" act=x").want(t, fields{"time": want})
	}
}

func TestCEFExtension(t *testing.T) {
	for extension, want := range map[string]fields{
		`fname=a\=b c.exe filePath=C:\\new\\report`:         {"path": `C:\new\report\a=b c.exe`},
		`filePath=C:\new\report fname=t.exe`:                {"path": `C:\new\report\t.exe`},
		`act=File deleted fname=x act=File renamed.exe`:     {"result": "deleted"},
		`cnt=10 dhost=PC 1`:                                 {"count": "10", "endpoint": "PC 1"},
		`cnt=0`:                                             {"count": "1"},
		`cnt=many`:                                          {"count": "1"},
		`act=21`:                                            {"result": "cleaned"},
		`devicePayloadId=A-1 deviceExternalId=7`:            {"id": "cef-A-1"},
		`dhost=A sourceServiceNameTest1@x act=File deleted`: {"result": "deleted"},
		`TMCMLogDetectedHost=A dhost=B shost=C dst=1.2.3.4 dvchost=S`: {"endpoint": "A"},
		`TMCMLogDetectedHost=N/A dhost=- shost=C dvchost=S`:           {"endpoint": "C"},
		`dst=1.2.3.4 dvchost=S`:                                       {"endpoint": "1.2.3.4"},
		`dhost=localhost dvchost=S`:                                   {"endpoint": "S"},
		`dhost=0.0.0.0`:                                               {"endpoint": "不明"},
		`TMCMdevicePlatform=Windows Server 2016 10.0 (Build 14393)`:   {"class": "server"},
		`TMCMdevicePlatform=Windows 11 10.0`:                          {"class": "desktop"},
		`TMCMdevicePlatform=Android 14`:                               {"class": "mobile"},
		`TMCMdevicePlatform=Ubuntu`:                                   {"class": "unknown"},
		"dhost=PC\t1 fname=a\x01b":                                    {"endpoint": "PC 1", "path": "a b"},
		`filePath=C:\\a\\x.exe fname=x.exe`:                           {"path": `C:\a\x.exe`},
		`filePath=C:\\a.zip(b.exe) fname=a.zip`:                       {"path": `C:\a.zip(b.exe)`},
		`filePath=C:\\setup\\ fname=setup`:                            {"path": `C:\setup\setup`},
		`filePath=/Users/a fname=b`:                                   {"path": `/Users/a/b`},
	} {
		decodeText(t, "cef", av+rt+extension).want(t, want)
	}
}

// The second result comes before act, act before the header, the header before the first result;
// and slots are told by their labels alone.
func TestCEFResults(t *testing.T) {
	for extension, want := range map[string]string{
		``:                 "cleaned",
		`act=File deleted`: "deleted",
		`act=File deleted cs6Label=Second_Action_Result cs6=File quarantined`:      "quarantined",
		`cs1=File renamed act=File deleted cs1Label=VLF_SecondActionResult`:        "renamed",
		`act=File deleted cs6Label=second action result cs6=N/A`:                   "deleted",
		`act=File deleted cs6Label=Pattern cs6=File quarantined`:                   "deleted",
		`act=Unknown cs5Label=First_Action_Result cs5=File passed`:                 "cleaned",
		`act=Unable to clean file cs6Label=Second/Action_Result cs6=Access denied`: "Access denied",
		`act=Frobnicated`: "cleaned",
	} {
		decodeText(t, "cef", av+rt+extension).want(t, fields{"result": want})
	}
	decodeText(t, "cef", cefLine("AV:Odd", "X", rt+"act=Frobnicated cs5Label=First_Action_Result cs5=File passed")).want(t, fields{"result": "passed"})
	decodeText(t, "cef", cefLine("AV:Odd", "X", rt+"act=Frobnicated")).want(t, fields{"result": "Frobnicated"})
	decodeText(t, "cef", cefLine("AV:", "X", rt+"act=N/A")).want(t, fields{"result": "unknown"})
}

func TestCEFClasses(t *testing.T) {
	spyware := `cs1Label=VirusName cs1=ADW_X cs5Label=ActionResult `
	for line, want := range map[string]fields{
		cefLine("Spyware Detected", "Spyware Detected", rt+spyware+`cs5=Access denied filePath=C:\\a`): {"feature": "spyware", "name": "ADW_X", "result": "noncleaned", "path": `C:\a`},
		cefLine("Spyware Detected", "Spyware Detected", rt+spyware+`cs5=N/A act=File cleaned fname=b`): {"result": "cleaned", "path": "b"},
		cefLine("WB:36", "36", rt+`request=http://a/?x\=1 shost=A src=1.1.1.1 deviceProcessName=C:\\c.exe cnt=4`): {
			"feature": "web_reputation", "name": "http://a/?x=1", "endpoint": "A", "path": `C:\c.exe`, "count": "4", "result": "",
		},
		cefLine("WB:7", "7", rt+`dhost=bad.example src=1.1.1.1 dvchost=PC`):                            {"feature": "web_reputation", "name": "bad.example", "endpoint": "PC"},
		cefLine("WB:7", "7", rt+`dst=9.9.9.9 src=1.1.1.1`):                                             {"name": "9.9.9.9", "endpoint": "1.1.1.1"},
		cefLine("WB:x", "URL Filtering", rt+`cat=Gambling request=http://c/`):                          {"feature": "url_filtering", "name": "Gambling", "path": "http://c/"},
		cefLine("WB:x", "y", rt+`cat=URL_Blocking cs2Label=URL Category cs2=Games request=http://c/`):  {"feature": "url_filtering", "name": "Games"},
		cefLine("WB:x", "y", rt+`cs1Label=Policy cs1=URLフィルタ cat=Games`):                               {"feature": "url_filtering", "name": "Games"},
		cefLine("WB:URL Filtering", "y", rt+`cn3Label=Web_Reputation_Rating cn3=49 request=http://c/`): {"feature": "web_reputation"},
		cefLine("BM:1", "Behavior Monitoring", rt+`sproc=C:\\a\\upd.exe shost=A`):                      {"feature": "behavior_monitoring", "name": "upd.exe", "path": `C:\a\upd.exe`},
		cefLine("BM:1", "Behavior Monitoring", rt+`cs1Label=Target cs1=HKLM\\Run\\x shost=A`):          {"name": "x"},
		cefLine("BM:1000", "Behavior Monitoring", rt+`dvchost=localhost shost=A`):                      {"name": "BM:1000", "endpoint": "A"},
		cefLine("NCIE:Block", "Suspicious Connection", rt+`cs2Label=NCIE_ThreatName cs2=T src=1.1.1.1 dst=2.2.2.2`): {
			"feature": "network_virus", "name": "T", "endpoint": "1.1.1.1",
		},
		cefLine("NCIE:Block", "Suspicious Connection", rt+`cs2Label=NCIE_ThreatName cs2=T src=1.1.1.1 dst=2.2.2.2 deviceDirection=inbound`): {"endpoint": "2.2.2.2"},
		cefLine("NCIE:Block", "Suspicious Connection", rt+`shost=A dst=2.2.2.2 deviceDirection=1`):                                          {"endpoint": "A", "name": "Suspicious Connection"},
		cefLine("PML:File quarantined", "Troj.A", rt+`shost=A dvchost=S filePath=C:\\t\\ fname=v.exe act=28`): {
			"feature": "machine_learning", "name": "Troj.A", "endpoint": "A", "path": `C:\t\v.exe`, "result": "quarantined",
		},
		cefLine("PML:x", "y", rt+`cs2Label=Security Threat cs2=Troj.B`):                                          {"name": "Troj.B"},
		cefLine("EAC:x", "y", rt+`cs2=PC7 shost=A fname=a.exe cs4Label=Command cs4=run`):                         {"feature": "application_control", "name": "a.exe", "endpoint": "PC7", "path": "run"},
		cefLine("700106", "DLP", rt+`cs6Label=Template cs6=T cs5Label=Rule cs5=R shost=A filePath=D:\\ fname=x`): {"feature": "dlp", "name": "R", "path": `D:\`},
		cefLine("700107", "Device", rt+`fname=F:\\Autorun.inf shost=A`):                                          {"feature": "device_control", "name": "Autorun.inf", "path": `F:\Autorun.inf`},
		cefLine("700211", "Attack Discovery Detections", rt+`dhost=A cs2=process - p.exe - {"a" : 1} cs3=file - f - {} cs4=none`): {
			"type": "edr_event", "status": "new", "endpoint": "A", "objects": "[map[name:p.exe result: type:process] map[name:f result: type:file]]",
		},
	} {
		decodeText(t, "cef", line).want(t, want)
	}
}

func TestOperatorsMappings(t *testing.T) {
	set := func(o *ingest.Options) {
		o.Features = map[string]string{"cnc_callback": "network_virus", "virus": "skip", "predictive_machine_learning": "virus"}
		o.Results = map[string]string{"アクセス 拒否。": "passed", "File cleaned": "deleted"}
	}
	decodeText(t, "cef", cefLine("CnC:Block", "CnC Callback", rt+"shost=A dst=1.1.1.1"), set).want(t, fields{"feature": "network_virus", "name": "CnC Callback"})
	decodeText(t, "cef", av+rt, set).skipped(t, "virus")
	decodeText(t, "cef", cefLine("PML:アクセス 拒否", "T", rt+"shost=A"), set).want(t, fields{"feature": "virus", "result": "passed"})
	decodeText(t, "cef", cefLine("Spyware Detected", "", rt+"cs5Label=ActionResult cs5=File cleaned"), set).want(t, fields{"result": "cleaned"})
	for _, wrong := range []map[string]string{{"nonsense": "virus"}, {"virus": "nonsense"}} {
		if err := ingest.CheckMappings(wrong, nil); err == nil {
			t.Errorf("%v is accepted", wrong)
		}
	}
	if err := ingest.CheckMappings(map[string]string{"url_filter": "skip"}, map[string]string{"端末": "endpoint"}); err != nil {
		t.Error(err)
	}
	if ingest.CheckMappings(nil, map[string]string{"端末": "machine"}) == nil {
		t.Error("a field that is none is accepted")
	}
}
