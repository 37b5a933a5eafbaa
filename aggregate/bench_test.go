package aggregate

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"geppo/store"
)

// busyMonth is a month of one contract with EDR, as the sample's heavy contracts have it.
func busyMonth(b *testing.B, rows, endpoints int) store.Month {
	m := emptyMonth(b)
	m.Contract.EDR = true
	m.Endpoints, m.Statuses = nil, nil
	rng := rand.New(rand.NewPCG(1, 1))
	start, end := m.Period.Bounds(m.Location)
	at := func() time.Time { return start.Add(time.Duration(rng.Int64N(int64(end.Sub(start))))).UTC() }
	host := func() string { return fmt.Sprintf("DESKTOP-%07d", rng.IntN(endpoints)) }
	for i := range endpoints {
		name := fmt.Sprintf("DESKTOP-%07d", i)
		m.Endpoints = append(m.Endpoints, store.Endpoint{Name: name, Class: classes[i%4], OS: "Windows 11", InstalledAt: start.AddDate(-1, 0, 0)})
		for _, day := range []store.Day{"2026-09-30", "2026-10-07", "2026-10-14", "2026-10-21", "2026-10-31"} {
			m.Statuses = append(m.Statuses, snapshot(name, day, on))
		}
	}
	for range rows {
		f := kinds[rng.IntN(6)]
		m.Detections = append(m.Detections, store.Detection{
			Feature: f, Time: at(), Endpoint: host(), Class: classes[rng.IntN(5)],
			Name: fmt.Sprintf("Trojan.Win32.FRS.VSNW%02dG24", rng.IntN(100)), Result: results[rng.IntN(5)], Count: 1 + rng.Int64N(2),
		})
		m.Previous = append(m.Previous, store.FeatureCount{Feature: f, Count: 1})
	}
	for range rows / 70 {
		m.Events = append(m.Events, store.EDREvent{Time: at(), Endpoints: []store.Machine{{Name: host()}}, Status: "new", Objects: []store.EDRObject{
			{Name: threats[rng.IntN(len(threats))], Type: "file", Result: "none"}, {Name: "evil.ps1", Type: "file", Result: "terminated"},
		}})
	}
	return m
}

func BenchmarkCompute(b *testing.B) {
	for _, c := range []struct{ rows, endpoints int }{{0, 10}, {1000, 60}, {20_000, 200}} {
		b.Run(fmt.Sprintf("rows=%d", c.rows), func(b *testing.B) {
			m := busyMonth(b, c.rows, c.endpoints)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Compute(m.Rows(), Options{}); err != nil {
					b.Fatal(err)
				}
			}
			if c.rows > 0 {
				b.ReportMetric(b.Elapsed().Seconds()*1000/float64(b.N)/float64(c.rows)*1000, "ms/1000rows")
			}
		})
	}
}
