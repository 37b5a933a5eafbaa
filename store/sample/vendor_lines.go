package sample

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"geppo/store"
)

var (
	cefHeader = strings.NewReplacer(`\`, `\\`, `|`, `\|`)
	cefValue  = strings.NewReplacer(`\`, `\\`, `=`, `\=`)
)

const cefTime = "Jan 02 2006 15:04:05 GMT+00:00"

// cef is a line of Apex Central over syslog.
func (f *vendorFile) cef(r row) {
	if r.Type != "detection" {
		return
	}
	folder, file := split(r.Path)
	var id, more string
	name := r.Name
	switch store.Feature(r.Feature) {
	case store.Virus:
		id = "AV:" + said(r.Result)
		more = fmt.Sprintf("dhost=%s act=%s cs5Label=First_Action_Result cs5=%[2]s cs6Label=Second_Action_Result cs6=N/A fname=%s filePath=%s",
			cefValue.Replace(r.Endpoint), cefValue.Replace(said(r.Result)), cefValue.Replace(file), cefValue.Replace(folder))
	case store.Spyware:
		id, name = "Spyware Detected", "Spyware Detected"
		more = fmt.Sprintf("dhost=%s cs1Label=VirusName cs1=%s cs5Label=Action_Result cs5=%s fname=%s filePath=%[4]s",
			cefValue.Replace(r.Endpoint), cefValue.Replace(r.Name), cefValue.Replace(said(r.Result)), cefValue.Replace(r.Path))
	case store.WebReputation:
		id, name = "WB:36", "36"
		more = fmt.Sprintf("shost=%s request=%s cn3Label=Web_Reputation_Rating cn3=49", cefValue.Replace(r.Endpoint), cefValue.Replace(r.Name))
	case store.URLFiltering:
		id, name = "WB:URL Filtering", "URL Filtering"
		more = fmt.Sprintf("shost=%s cat=%s", cefValue.Replace(r.Endpoint), cefValue.Replace(r.Name))
	case store.BehaviorMonitoring:
		id, name = "BM:1000", "Behavior Monitoring"
		more = fmt.Sprintf("shost=%s sproc=%s", cefValue.Replace(r.Endpoint), cefValue.Replace(r.Name))
	case store.NetworkVirus:
		id, name = "NCIE:Block", "Suspicious Connection"
		more = fmt.Sprintf("shost=%s cs2Label=NCIE_ThreatName cs2=%s", cefValue.Replace(r.Endpoint), cefValue.Replace(r.Name))
	default:
		return
	}
	at := r.Time.UTC()
	f.print("<133>%s relay CEF:0|Trend Micro|Apex Central|2019|%s|%s|3|deviceExternalId=%d rt=%s cnt=%d %s customerExternalID=%s devicePayloadId=%s TMCMdevicePlatform=%s",
		r.Received.UTC().Format("Jan 02 2006 15:04:05"), cefHeader.Replace(id), cefHeader.Replace(name), at.Unix()%1000, at.Format(cefTime), r.Count, more,
		r.Contract, r.ID, cefValue.Replace(f.systems[r.Endpoint]))
}

// feederTags are the tags of the features, and the key of what was detected.
var feederTags = map[store.Feature][2]string{
	store.Virus: {"LogVirus", "Virus/Malware Name"}, store.Spyware: {"LogSpyware", "Spyware"}, store.WebReputation: {"LogWebReputation", "URL"},
	store.URLFiltering: {"LogUrlFiltering", "Category"}, store.BehaviorMonitoring: {"LogBehaviorMonitoring", "Subject"},
	store.NetworkVirus: {"LogNetworkVirus", "Network Virus"},
}

// feeder is a line of worryfree.log.
func (f *vendorFile) feeder(r row) {
	tag, ok := feederTags[store.Feature(r.Feature)]
	if r.Type != "detection" || !ok {
		return
	}
	const layout = "2006-01-02T15:04:05.000Z"
	more := ""
	if r.Result != "" {
		more = fmt.Sprintf(` Action Taken="%s"`, said(r.Result))
	}
	if folder, file := split(r.Path); r.Path != "" {
		more += fmt.Sprintf(` File name="%s" Path="%s"`, file, folder)
	}
	f.print(`<14>1 %s 203.0.113.9 WFBSS-SVC-AC [%s@44930 Received="%s" Generated="%s" Device name="%s" User="-" %s="%s"%s Detections="%d" Customer Name="%s"]`,
		r.Received.UTC().Format(time.DateTime), tag[0], r.Received.UTC().Format(layout), r.Time.UTC().Format(layout), r.Endpoint, tag[1], r.Name, more, r.Count, r.Contract)
}

// csv is the console's table of viruses.
func (f *vendorFile) csv(r row) {
	if !f.any {
		f.print("ウイルス/不正プログラムのログ\n\n生成,受信,デバイス名,ウイルス/不正プログラム名,ファイル名,ファイルパス,検索の種類,処理,検出数,顧客名")
	}
	if r.Type != "detection" || r.Feature != string(store.Virus) {
		return
	}
	zone := time.FixedZone("JST", 9*60*60)
	var b strings.Builder
	table := csv.NewWriter(&b)
	folder, file := split(r.Path)
	const layout = "2006/01/02 15:04:05"
	err := table.Write([]string{
		r.Time.In(zone).Format(layout), r.Received.In(zone).Format(layout), r.Endpoint, r.Name, file, folder, "リアルタイム検索", said(r.Result), strconv.Itoa(r.Count), r.Contract,
	})
	if table.Flush(); err != nil {
		f.out.err = err
	}
	f.print("%s", strings.TrimSuffix(b.String(), "\n"))
}

// ofMachine tells the rows of the machine that the log is of: the one of the first.
func (f *vendorFile) ofMachine(r row, feature store.Feature) bool {
	if r.Type != "detection" || r.Feature != string(feature) {
		return false
	}
	if f.machine == nil {
		f.machine = &r
	}
	return f.machine.Contract == r.Contract && f.machine.Endpoint == r.Endpoint
}

var pccntCodes = map[string]int{"cleaned": 0, "quarantined": 1, "deleted": 2, "renamed": 3, "passed": 4, "uncleanable": 5}

// pccnt is an agent's log of viruses; it holds no count.
func (f *vendorFile) pccnt(r row) {
	if !f.ofMachine(r, store.Virus) {
		return
	}
	code, ok := pccntCodes[r.Result]
	if !ok {
		code = 99
	}
	folder, file := split(r.Path)
	local := r.Time.In(time.FixedZone("JST", 9*60*60))
	f.print("%s<;>%d<;>%s<;>%d<;>1<;>0<;>%s<;>%s<;><;>%d<;><;>\r", local.Format("20060102"), local.Hour()*100+local.Minute(), r.Name, code, folder, file, r.Time.Unix())
}

// ofcurlf is an agent's log of web reputation.
func (f *vendorFile) ofcurlf(r row) {
	if !f.ofMachine(r, store.WebReputation) {
		return
	}
	local := r.Time.In(time.FixedZone("JST", 9*60*60))
	f.print(`%s<;>%d<;>1<;>%s<;>4E<;>Malware Accomplice<;>1<;>1<;>C:\Program Files\Google\Chrome\Application\chrome.exe<;>49<;><;>0<;>%d<;>`,
		local.Format("20060102"), local.Hour()*100+local.Minute(), r.Name, r.Time.Unix())
}
