package sample

import (
	"strings"
	"time"

	"geppo/store"
)

// object is an object of JSON.
type object = map[string]any

var alertStatuses = map[string]string{"new": "Open", "in_progress": "In Progress", "closed": "Closed"}

var alertFields = map[string]string{"file": "objectFilePath", "process": "objectCmd", "registry": "objectRegistryKeyHandle", "ip": "objectIp", "url": "url"}

// alert is an item of Workbench's list; the others of the list stand around it.
func (f *vendorFile) alert(r row) {
	if r.Type != "edr_event" {
		return
	}
	status, ok := alertStatuses[r.Status]
	if !ok {
		status = r.Status
	}
	indicators := []object{}
	for _, o := range r.Objects {
		if field, ok := alertFields[o.Type]; ok {
			indicators = append(indicators, object{"field": field, "value": o.Name})
		}
	}
	before := ",\n"
	if !f.any {
		before = `{"items":[` + "\n"
	}
	f.printJSON(before, object{
		"schemaVersion": "1.15", "id": r.Contract + "-" + r.ID, "status": status, "createdDateTime": r.Time.UTC().Format(time.RFC3339),
		"updatedDateTime": r.Time.UTC().Format(time.RFC3339), "indicators": indicators,
		"impactScope": object{"entities": []object{{"entityType": "host", "entityValue": object{"name": r.Endpoint}, "provenance": []string{"Alert"}}}},
	})
}

func (f *vendorFile) endAlerts() {
	if !f.any {
		f.print(`{"items":[`)
	}
	f.print("]}")
}

// computer is one of the inventory; its snapshots tell when it was seen last.
type computer struct {
	Name     string `json:"name"`
	Type     int    `json:"type,omitempty"`
	Platform string `json:"platform"`
	Created  int64  `json:"created_at"`
	Seen     int64  `json:"last_connect_time"`
	Outdated bool   `json:"out_of_date"`
}

var computerTypes = map[string]int{"desktop": 1, "server": 2, "mobile": 5}

// computer gathers a customer's computers: the interface lists those that are there.
func (f *vendorFile) computer(r row) {
	switch r.Type {
	case "contract":
		f.endCustomer()
		f.customer = r.ID
	case "endpoint":
		if r.RemovedAt == nil {
			f.computers = append(f.computers, &computer{Name: r.Name, Type: computerTypes[r.Class], Platform: r.OS, Created: r.InstalledAt.Unix()})
		}
	case "agent_status":
		for _, c := range f.computers {
			if c.Name == r.Endpoint && r.LastSeen.Unix() >= c.Seen {
				c.Seen, c.Outdated = r.LastSeen.Unix(), !r.PatternCurrent
			}
		}
	}
}

func (f *vendorFile) endCustomer() {
	if f.customer == "" {
		return
	}
	before := ",\n"
	if !f.any {
		before = `{"customers":[` + "\n"
	}
	f.printJSON(before, object{"id": f.customer, "computers": f.computers})
	f.customer, f.computers = "", nil
}

func (f *vendorFile) endCustomers() {
	f.endCustomer()
	if !f.any {
		f.print(`{"customers":[`)
	}
	f.print(`],"paging":{"total":1,"limit":100,"page":1}}`)
}

var dispositions = map[string]int{"quarantined": 3, "deleted": 5, "cleaned": 11, "uncleanable": 13, "noncleaned": 13, "passed": 16, "reboot": 14}

// ocsf is an event of the schema, one a line.
func (f *vendorFile) ocsf(r row) {
	if r.Type != "detection" {
		return
	}
	event := object{
		"class_uid": 2004, "time": r.Time.UnixMilli(), "device": object{"hostname": r.Endpoint}, "count": r.Count, "severity_id": 4,
		"finding_info": object{"uid": r.Contract + "-" + r.ID, "title": r.Name},
	}
	file := object{"name": r.Path[strings.LastIndexAny(r.Path, `\/`)+1:], "path": r.Path}
	switch store.Feature(r.Feature) {
	case store.Virus, store.Spyware:
		kind := 18
		if r.Feature == string(store.Spyware) {
			kind = 17
		}
		event["malware"], event["evidences"] = []object{{"name": r.Name, "classification_ids": []int{kind}}}, []object{{"file": file}}
		if id, ok := dispositions[r.Result]; ok {
			event["disposition_id"] = id
		} else {
			event["disposition_id"], event["disposition"] = 99, said(r.Result)
		}
	case store.WebReputation:
		event["class_uid"], event["is_alert"], event["http_request"] = 4002, true, object{"url": object{"url_string": r.Name}}
	case store.URLFiltering:
		event["class_uid"], event["is_alert"], event["policy"] = 4002, true, object{"name": "Content filter"}
		event["http_request"] = object{"url": object{"url_string": "http://site.example/", "categories": []string{r.Name}}}
	case store.NetworkVirus:
		event["class_uid"], event["malware"] = 4001, []object{{"name": r.Name}}
	case store.BehaviorMonitoring:
		event["class_uid"], event["is_alert"], event["process"] = 1007, true, object{"name": r.Name}
	}
	f.printJSON("", event)
}
