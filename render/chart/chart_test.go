package chart

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"slices"
	"strings"
	"testing"

	"geppo/render/font"
	"geppo/templates"

	"pgregory.net/rapid"
)

func drawer(tb testing.TB) *Drawer {
	tb.Helper()
	family, err := font.Load(templates.FS)
	if err != nil {
		tb.Fatal(err)
	}
	return New(family)
}

// october is a month with the given values; the 3rd and 4th, and so on, are shaded.
func october(values ...int64) []DayValue {
	days := make([]DayValue, 31)
	for i := range days {
		days[i] = DayValue{Label: i + 1, Shaded: i%7 == 2 || i%7 == 3}
		if i < len(values) {
			days[i].Value = values[i]
		}
	}
	return days
}

var (
	busy    = october(3, 5, 2, 0, 0, 8, 12, 7, 4, 3, 1, 0, 15, 22, 9, 6, 4, 2, 0, 1, 5, 7, 3, 2, 0, 0, 4, 6, 41, 13, 5)
	hosts   = []Item{{"営業部-髙橋PC-001", 41}, {"KEIRI-SV02", 28}, {"DESKTOP-8K3QJ2L", 22}, {"工場ライン監視用サーバー第2号機(予備)", 5}, {"𠮷田💻", 1}}
	results = []Slice{
		{Label: "駆除", Value: 128},
		{Label: "削除", Value: 64},
		{Label: "隔離", Value: 37},
		{Label: "拡張子変更", Value: 9},
		{Label: "放置"},
		{Label: "要確認", Value: 3},
		{Label: "その他", Value: 20},
	}
)

// decode draws a chart as the mail does and reads it with the standard library's decoder; nil if it is blank.
func decode(t interface {
	Helper()
	Fatal(...any)
}, c Chart,
) *image.Paletted {
	t.Helper()
	b, err := c.PNG()
	if errors.Is(err, ErrBlank) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := img.Bounds().Size(), image.Pt(c.W*Scale, c.H*Scale); got != want {
		t.Fatal("the PNG is", got, "want", want)
	}
	paletted, ok := img.(*image.Paletted)
	if !ok {
		t.Fatal("the PNG has no palette")
	}
	return paletted
}

// count is the number of pixels of exactly one colour.
func count(img image.Image, c color.Color) int {
	r, g, b, _ := c.RGBA()
	n := 0
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r2, g2, b2, _ := img.At(x, y).RGBA(); r == r2 && g == g2 && b == b2 {
				n++
			}
		}
	}
	return n
}

// texts are a chart's labels in the order of drawing.
func texts(c Chart) []string {
	var out []string
	for _, o := range c.ops {
		if o.kind == 't' {
			out = append(out, o.text)
		}
	}
	return out
}

func TestTrendHasIntegerTicksAndEveryFifthDay(t *testing.T) {
	d := drawer(t)
	for _, c := range []struct {
		top  int64
		want string
	}{
		{0, "5 4 3 2 1 0"},
		{1, "5 4 3 2 1 0"},
		{5, "5 4 3 2 1 0"},
		{6, "6 4 2 0"},
		{41, "50 40 30 20 10 0"},
		{101, "150 100 50 0"},
		{20000, "20,000 15,000 10,000 5,000 0"},
		{-7, "5 4 3 2 1 0"},
		{math.MaxInt64, "1,000,000,000,000,000 800,000,000,000,000 600,000,000,000,000 400,000,000,000,000 200,000,000,000,000 0"},
	} {
		chart := d.Trend(Trend{Days: october(c.top)}, Size{480, 190})
		want := c.want + " 1"
		if c.top > 0 {
			want = c.want + " " + Comma(sane(c.top)) + " 1"
		}
		want += " 6 11 16 21 26 31"
		if got := strings.Join(texts(chart), " "); got != want {
			t.Errorf("top %d: labels %q, want %q", c.top, got, want)
		}
	}
}

func TestALowTrendHasFewerTicks(t *testing.T) {
	if got := strings.Join(texts(drawer(t).Trend(Trend{Days: october(5)}, Size{480, 100})), " "); !strings.HasPrefix(got, "4 2 0 5 ") {
		t.Errorf("labels %q", got)
	}
}

func TestTrendShowsBarsShadingAndGaps(t *testing.T) {
	d := drawer(t)
	draw := func(days []DayValue) *image.Paletted {
		return decode(t, d.Trend(Trend{Days: days}, Size{560, 190}))
	}
	plain := draw(make([]DayValue, 31))
	if n := count(plain, Bar) + count(plain, Peak); n != 0 {
		t.Errorf("a month of zeros has %d pixels of bars", n)
	}
	month := draw(busy)
	if count(month, Bar) < 1000 || count(month, Shade) < 10000 {
		t.Error("bars or shading are missing")
	}
	one := draw(october(0, 1, 0, 0, 1_000_000))
	if got := count(one, Bar); got == count(draw(october(0, 0, 0, 0, 1_000_000)), Bar) {
		t.Error("one detection beside a million is not drawn")
	}
	gap := october()
	gap[9].Gap = true
	if count(draw(gap), Hatch) == 0 {
		t.Error("a day without data looks like a day without detections")
	}
}

func TestRankingBeginsAtZeroWithTheFirstOnTop(t *testing.T) {
	d := drawer(t)
	c := d.Ranking([]Item{{"first", 100}, {"second", 50}, {"third", 0}}, 560)
	img := decode(t, c)
	if got := strings.Join(texts(c), " "); got != "first 100 second 50 third 0" {
		t.Errorf("labels from the top are %q", got)
	}
	row := func(i int) int { // pixels of bar in the middle of a row
		y, n := (4+i*rowHeight+rowHeight/2)*Scale, 0
		for x := range img.Bounds().Dx() {
			if img.At(x, y) == color.Color(Bar) {
				n++
			}
		}
		return n
	}
	if first, second, third := row(0), row(1), row(2); first == 0 || second < first/2-2 || second > first/2+2 || third != 0 {
		t.Errorf("bars of 100, 50 and 0 are %d, %d and %d pixels long", first, second, third)
	}
}

func TestRankingShortensInTheMiddleAndCountsWhatNoFontHas(t *testing.T) {
	c := drawer(t).Ranking([]Item{{"file-server-backup-" + strings.Repeat("x", 900) + "-tokyo-dc1.example.co.jp", 2}, {"𠮷田🎉\x01", 1}}, 560)
	decode(t, c)
	labels := texts(c)
	if !strings.HasPrefix(labels[0], "file-server") || !strings.HasSuffix(labels[0], "example.co.jp") || !strings.Contains(labels[0], "…") {
		t.Errorf("long name shown as %q", labels[0])
	}
	if labels[2] != "𠮷田U+1F389U+0001" || c.Replaced != 2 {
		t.Errorf("name shown as %q with %d spelled, want 𠮷田U+1F389U+0001 with 2", labels[2], c.Replaced)
	}
}

func TestDoughnutListsZerosWithoutSector(t *testing.T) {
	c := drawer(t).Doughnut(results, "件", 560)
	img := decode(t, c)
	got := strings.Join(texts(c), " ")
	for _, want := range []string{"261 件", "駆除 128 49.0%", "放置 0 0.0%", "要確認 3 1.1%"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	swatch := 10 * Scale * 10 * Scale
	if n := count(img, SliceColor(4)); n != swatch {
		t.Errorf("放置, which is 0, covers %d pixels, want its swatch of %d only", n, swatch)
	}
	if n := count(img, SliceColor(5)); n <= swatch+50 {
		t.Errorf("要確認, which is 3 of 261, covers %d pixels", n)
	}
}

func TestDoughnutOfNothingIsAnEmptyRing(t *testing.T) {
	c := drawer(t).Doughnut([]Slice{{Label: "駆除"}, {Label: "削除"}}, "件", 400)
	img := decode(t, c)
	if got := strings.Join(texts(c), " "); got != "0 件 駆除 0 – 削除 0 –" {
		t.Errorf("labels %q", got)
	}
	if count(img, EmptyRing) < 1000 {
		t.Error("the ring is missing")
	}
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	a, b := drawer(t), drawer(t)
	first, second := a.Doughnut(results, "件", 560), b.Doughnut(results, "件", 560)
	one, err := first.PNG()
	if err != nil {
		t.Fatal(err)
	}
	two, err := second.PNG()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("two drawers draw the same doughnut differently")
	}
}

// TestNothingHangsOrPanics feeds what databases hold: any number, any name, any length.
func TestNothingHangsOrPanics(t *testing.T) {
	d := drawer(t)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64(), 0, 40).Draw(t, "values")
		name := rapid.OneOf(rapid.String(), rapid.Just(strings.Repeat("名前", 500)), rapid.Just("\xff\x00\u202e𠮷"))
		width := rapid.IntRange(-10, 700).Draw(t, "width")
		var days []DayValue
		var items []Item
		var slices []Slice
		for i, v := range values {
			n := name.Draw(t, "name")
			days = append(days, DayValue{Label: i, Value: v, Shaded: v%3 == 0, Gap: v%5 == 0})
			items, slices = append(items, Item{n, v}), append(slices, Slice{Label: n, Value: v})
		}
		trend := d.Trend(Trend{Days: days, Unit: "件", Mean: float64(len(values)), MeanLabel: "平均", From: 2, To: 6}, Size{width, width})
		if img := decode(t, trend); len(days) > 0 && img == nil {
			t.Fatal("the trend is blank")
		}
		if img := decode(t, d.Ranking(items, width)); len(items) > 0 && img == nil {
			t.Fatal("the ranking is blank")
		}
		if decode(t, d.Doughnut(slices, name.Draw(t, "unit"), width)) == nil {
			t.Fatal("the doughnut is blank")
		}
		if img := decode(t, d.Stack(slices, width)); len(slices) > 0 && img == nil {
			t.Fatal("the stack is blank")
		}
		if decode(t, d.Spark(values, Size{width, 20})) == nil {
			t.Fatal("the spark is blank")
		}
	})
}

func TestTrendPointsAtPeakMeanAndWeek(t *testing.T) {
	d := drawer(t)
	days := october(3, 5, 2, 0, 0, 8, 12)
	days[2].Weekday = "土"
	c := d.Trend(Trend{Days: days, Unit: "件", Mean: 4.4, MeanLabel: "9月の平日平均", From: 4, To: 8}, Size{680, 190})
	img := decode(t, c)
	for _, want := range []string{"件", "12", "9月の平日平均", "土", "31"} {
		if !slices.Contains(texts(c), want) {
			t.Errorf("%q is not written: %v", want, texts(c))
		}
	}
	if count(img, Peak) == 0 || count(img, Bar) == 0 || count(img, Mark) == 0 {
		t.Error("the peak, the other days or the marks are missing")
	}
}

func TestStackGivesEveryShareItsPart(t *testing.T) {
	d := drawer(t)
	green, red := Color{G: 120, A: 255}, Color{R: 180, A: 255}
	c := d.Stack([]Slice{{Label: "処理済み", Value: 99_999, Color: green}, {Label: "要確認", Value: 1, Color: red}, {Label: "放置"}}, 400)
	img := decode(t, c)
	swatch := 10 * 10 * Scale * Scale
	if n := count(img, red) - swatch; n < 3*stackHeight*Scale*Scale {
		t.Errorf("one of 100,000 takes %d pixels of the bar", n)
	}
	if got := strings.Join(texts(c), " "); got != "処理済み 99,999 100.0% 要確認 1 <0.1% 放置 0 0.0%" {
		t.Errorf("the legend says %q", got)
	}
}

func TestSparkBreaksWhereAMonthIsNotKnown(t *testing.T) {
	strokes := func(values ...int64) (n int) {
		for _, o := range drawer(t).Spark(values, Size{80, 22}).ops {
			if o.kind == 's' {
				n++
			}
		}
		return n
	}
	if all, broken := strokes(1, 2, 3, 4), strokes(1, 2, -1, 4); all != 3 || broken != 1 {
		t.Errorf("%d and %d lines, want 3 and 1", all, broken)
	}
}

func TestBlankKnowsAnEmptyImage(t *testing.T) {
	img := image.NewPaletted(image.Rect(0, 0, 9, 9), color.Palette{White, Ink})
	if !blank(img) {
		t.Error("a white image is not blank")
	}
	img.SetColorIndex(8, 8, 1)
	if blank(img) {
		t.Error("an image with a dot is blank")
	}
}

func BenchmarkTrend(b *testing.B) {
	d := drawer(b)
	bench(b, func() Chart { return d.Trend(Trend{Days: busy}, Size{440, 180}) })
}

func BenchmarkRanking(b *testing.B) {
	d := drawer(b)
	bench(b, func() Chart { return d.Ranking(hosts, 440) })
}

func BenchmarkDoughnut(b *testing.B) {
	d := drawer(b)
	bench(b, func() Chart { return d.Doughnut(results, "件", 400) })
}

func BenchmarkStack(b *testing.B) {
	d := drawer(b)
	bench(b, func() Chart { return d.Stack(results, 400) })
}

func bench(b *testing.B, draw func() Chart) {
	b.Helper()
	size := 0
	for b.Loop() {
		data, err := draw().PNG()
		if err != nil {
			b.Fatal(err)
		}
		size = len(data)
	}
	b.ReportMetric(float64(size)/1024, "KB")
}
