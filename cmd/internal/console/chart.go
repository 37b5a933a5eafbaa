package console

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	charts "github.com/vicanso/go-charts/v2"

	"geppo/render/chart"
	"geppo/store"
)

// Charts are for operators, who look at them beside numbers: go-charts draws them. It is given only what it can take:
// finite numbers that are not all zero, a round end of the axis, and labels of ASCII that are ours. (Its SVG does not
// escape text, so they are PNG; it is one caller at a time, since its fonts and themes are shared.)

const (
	chartDays  = 31
	chartScale = 2 // drawn twice as large as it is shown
	chartFresh = time.Minute
)

type chartCache struct {
	mu    sync.Mutex
	drawn map[string]drawnChart
}

type drawnChart struct {
	at  time.Time
	png []byte
}

// chart answers with the days' mails or imported rows.
func (p *Pages) chart(w http.ResponseWriter, r *http.Request, _ visitor) error {
	name := r.PathValue("name")
	read, ok := map[string]func(context.Context, time.Time) ([]dayCount, error){"sent.png": p.sentDays, "imports.png": p.importDays}[name]
	if !ok {
		return store.ErrNotFound
	}
	p.charts.mu.Lock()
	defer p.charts.mu.Unlock()
	drawn := p.charts.drawn[name]
	if now := p.Now(); drawn.png == nil || now.Sub(drawn.at) > chartFresh || now.Before(drawn.at) {
		days, err := read(r.Context(), now)
		if err != nil {
			return err
		}
		if drawn.png, err = drawDays(days); err != nil {
			return err
		}
		drawn.at = now
		if p.charts.drawn == nil {
			p.charts.drawn = map[string]drawnChart{}
		}
		p.charts.drawn[name] = drawn
	}
	w.Header().Set("Content-Type", "image/png")
	return p.write(w, drawn.png)
}

// dayCount is one bar.
type dayCount struct {
	Day time.Time
	N   int64
}

// days are the last ones in the zone, the newest last.
func (p *Pages) days(now time.Time) (list []dayCount, since time.Time) {
	now = now.In(p.Zone)
	for i := chartDays - 1; i >= 0; i-- {
		list = append(list, dayCount{Day: time.Date(now.Year(), now.Month(), now.Day()-i, 0, 0, 0, 0, p.Zone)})
	}
	return list, list[0].Day
}

// add counts n on the day of a time.
func add(list []dayCount, at time.Time, n int64) {
	for i := len(list) - 1; i >= 0; i-- {
		if !at.Before(list[i].Day) {
			list[i].N += n
			return
		}
	}
}

func (p *Pages) sentDays(ctx context.Context, now time.Time) ([]dayCount, error) {
	list, since := p.days(now)
	counts, err := p.Ledger.SentByQuarter(ctx, since)
	for _, c := range counts {
		add(list, c.At, int64(c.Mails))
	}
	return list, err
}

func (p *Pages) importDays(ctx context.Context, now time.Time) ([]dayCount, error) {
	list, since := p.days(now)
	counts, err := p.Detections.ImportsByQuarter(ctx, since)
	for _, c := range counts {
		add(list, c.At, c.Rows)
	}
	return list, err
}

// drawDays draws a bar for each day; the caller sees to it that nobody else draws.
func drawDays(days []dayCount) ([]byte, error) {
	values, labels := make([]float64, len(days)), make([]string, len(days))
	var most int64
	for i, d := range days {
		values[i], labels[i] = float64(d.N), d.Day.Format("1/2")
		most = max(most, d.N)
	}
	top, steps := roundTop(most)
	least := 0.0
	charts.AddTheme(chartTheme, charts.ThemeOption{
		AxisStrokeColor: charts.Color(chart.Axis), AxisSplitLineColor: charts.Color(chart.Grid), BackgroundColor: charts.Color(chart.White),
		TextColor: charts.Color(chart.Muted), SeriesColors: []charts.Color{charts.Color(chart.Accent)},
	})
	painter, err := charts.BarRender([][]float64{values},
		charts.PNGTypeOption(), charts.ThemeOptionFunc(chartTheme), charts.WidthOptionFunc(560*chartScale), charts.HeightOptionFunc(180*chartScale),
		charts.XAxisOptionFunc(charts.XAxisOption{Data: labels, FontSize: 8 * chartScale, SplitNumber: 6}),
		charts.YAxisOptionFunc(charts.YAxisOption{Min: &least, Max: &top, DivideCount: steps, FontSize: 8 * chartScale}),
		charts.PaddingOptionFunc(charts.Box{Left: 8, Top: 20, Right: 24, Bottom: 8}),
		func(o *charts.ChartOption) {
			o.ValueFormatter = func(v float64) string { return thousands(strconv.FormatFloat(v, 'f', 0, 64)) }
		},
	)
	if err != nil {
		return nil, fmt.Errorf("draw a chart: %w", err)
	}
	return painter.Bytes()
}

const chartTheme = "geppo"

// roundTop is the end of an axis, and into how many equal whole steps it is parted.
func roundTop(most int64) (top float64, steps int) {
	for unit := int64(1); ; unit *= 10 {
		for _, n := range []int64{4, 8, 20, 40} {
			if n*unit >= most {
				return float64(n * unit), 4
			}
		}
	}
}
