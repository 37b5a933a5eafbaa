package pdf

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"geppo/aggregate"
	"geppo/render/chart"
	"geppo/render/font"
	"geppo/render/words"
	"geppo/store"
	"geppo/templates"
)

// hostile are names as the import accepts them.
var hostile = []string{
	"𠮷田商店の端末💻", "<script>alert(1)</script>", `back\slash (paren) )( %s`, "=cmd|'/c calc'!A1",
	"tab\tand\x01control\x7f", "\u202Eright-to-left\u202C", "か\u3099き\u3099", "النص العربي",
	strings.Repeat("とても長い名前-", 125), strings.Repeat("x", 1000), "a b  c", "👩‍💻", "",
}

// maker is the Maker of all tests; a Maker has no state.
func maker(tb testing.TB) *Maker {
	tb.Helper()
	m, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

var shared = sync.OnceValues(func() (*Maker, error) { return makerOf(templates.FS) })

func makerOf(fsys fs.FS) (*Maker, error) {
	w, err := words.Load(templates.FS)
	if err != nil {
		return nil, err
	}
	family, err := font.Load(templates.FS)
	if err != nil {
		return nil, err
	}
	return New(fsys, w, family, chart.New(family), Options{
		ThreatURL:    "https://www.trendmicro.com/vinfo/jp/threat-encyclopedia/search/",
		SupportPhone: "0120-000-000", SupportHours: "平日 9:00～17:00",
	})
}

// month is one contract's data of October 2026.
type month struct {
	endpoints, detections, events int
	names                         func(i int) string
	threats                       func(i int) string
	problems                      bool // offline and outdated agents, protections off
	full                          bool // every feature has detections
}

// report computes the worded report of a month.
func (o month) report(tb testing.TB, m *Maker) aggregate.Report {
	tb.Helper()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		tb.Fatal(err)
	}
	if o.names == nil {
		o.names = func(i int) string { return fmt.Sprintf("PC-%04d", i) }
	}
	if o.threats == nil {
		o.threats = func(i int) string { return fmt.Sprintf("TROJ_GEN.R%03dC0CLT21", i) }
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, tokyo)
	in := store.Month{
		Contract: store.Contract{
			ID: "C000001", Name: "株式会社サンプル商事", Product: store.ProductAntivirus, EDR: true, URLFiltering: true,
			Licences: 20, Timezone: "Asia/Tokyo", Since: "2025-04-01",
		},
		Period: store.Period{Year: 2026, Month: 10}, Location: tokyo,
	}
	for i := range o.endpoints {
		in.Endpoints = append(in.Endpoints, store.Endpoint{
			Name: o.names(i), Class: []store.Class{store.ClassDesktop, store.ClassDesktop, store.ClassServer, store.ClassMobile}[i%4],
			OS: "Windows 11 Pro", InstalledAt: start.AddDate(-1, 0, 0),
		})
		in.Statuses = append(in.Statuses, o.status(i, start))
	}
	features := []store.Feature{store.Virus, store.Spyware, store.WebReputation, store.Virus}
	if o.full {
		features = append(features, store.BehaviorMonitoring, store.URLFiltering, store.NetworkVirus)
	}
	results := []string{"cleaned", "deleted", "quarantined", "quarantined", "renamed", "passed", "uncleanable", "noncleaned", "reboot", "unsafe"}
	for i := range o.detections {
		at := start.Add(time.Duration(rnd.IntN(31*24)) * time.Hour)
		n := int(float64(o.endpoints) * rnd.Float64() * rnd.Float64() * rnd.Float64())
		in.Detections = append(in.Detections, store.Detection{
			Feature: features[i%len(features)], Time: at, Endpoint: o.names(n), Class: store.ClassUnknown,
			Name: o.threats(rnd.IntN(40)), Result: results[rnd.IntN(rnd.IntN(len(results))+1)], Count: 1,
		})
		if i%2 == 0 {
			in.Previous = append(in.Previous, store.FeatureCount{Feature: features[i%len(features)], Count: 1})
		}
	}
	for i := range o.events {
		in.Events = append(in.Events, store.EDREvent{
			ID: fmt.Sprint(i), Time: start.Add(time.Duration(rnd.IntN(31*24)) * time.Hour), Endpoints: []store.Machine{{Name: o.names(rnd.IntN(o.endpoints))}},
			Status:  []string{"new", "in_progress", "closed", "保留"}[rnd.IntN(4)],
			Objects: []store.EDRObject{{Name: fmt.Sprintf("evil%d.ps1", rnd.IntN(90)), Type: "file", Result: "terminated"}},
		})
	}
	r, err := aggregate.Compute(in.Rows(), aggregate.Options{Revision: 1})
	if err != nil {
		tb.Fatal(err)
	}
	for i, p := range r.Points {
		r.Points[i].Text = m.words.Point(p, r.Period)
	}
	return r
}

func (o month) status(i int, start time.Time) store.AgentStatus {
	yes, no := true, false
	st := store.AgentStatus{
		Endpoint: o.names(i), Day: "2026-10-30", LastSeen: start.AddDate(0, 0, 29), PatternCurrent: &yes, OSSupported: &yes,
		OS: "Windows 11 Pro", Protections: store.Protections{RealtimeScan: store.On, BehaviorMonitoring: store.On, MachineLearning: store.On, WebReputation: store.On, EDR: store.On},
	}
	if !o.problems {
		return st
	}
	switch i % 5 {
	case 0:
		st.LastSeen = start.AddDate(0, 0, i%20-14)
	case 1:
		st.PatternCurrent = &no
	case 2:
		st.OS, st.OSSupported = "Windows 7", &no
	case 3:
		st.Protections.RealtimeScan, st.Protections.WebReputation = store.Off, store.Off
	}
	return st
}

var someAsks = []Ask{
	{Title: "PC-0001", Marks: []words.Marked{
		{What: "「TROJ_X」の処理に失敗しました(ウイルス/不正プログラムの「要確認」 3件、10/5)", Do: "セキュリティサポートデスクからご連絡します。ご連絡するまで、この端末で心当たりのないファイルを開かないでください。"},
		{What: "14日以上オフラインです", Do: "電源を入れてインターネットに接続してください。使わなくなった端末の場合は、セキュリティサポートデスクへお知らせください。"},
	}},
	{Marks: []words.Marked{{What: "インストール台数がご契約ライセンス数を超えています(133％を利用中)", Do: "ライセンスの追加をご検討ください。"}}},
}
