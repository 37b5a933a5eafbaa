package words_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"unicode/utf8"

	"geppo/aggregate"
	"geppo/render/words"
	"geppo/store"
	"geppo/templates"
)

func load(t *testing.T) *words.Words {
	t.Helper()
	w, err := words.Load(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// edited is the embedded words.toml with old replaced by new.
func edited(t *testing.T, old, new string) fstest.MapFS {
	t.Helper()
	b, err := templates.FS.ReadFile(words.File)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("words.toml has no %q", old)
	}
	return fstest.MapFS{words.File: {Data: []byte(strings.Replace(string(b), old, new, 1))}}
}

func TestLoadIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"missing key":    {`no_asks = `, `no_asks_x = `, "state.no_asks_x"},
		"empty string":   {`zero = "検出は0件でした"`, `zero = ""`, "state.zero is missing"},
		"removed string": {"zero = \"検出は0件でした\"\n", "", "state.zero is missing"},
		"removed phrase": {"month = \"{year}年{m}月\"\n", "", "format.month is missing"},
		"missing result": {"[results.virus.renamed]", "[results.virus.moved]", "results.virus.renamed is missing"},
		"unknown result": {"[results.virus.renamed]", "[results.virus.moved]", "unknown key results.virus.moved"},
		"missing ask":    {"[asks.offline]", "[asks.asleep]", "asks.offline is missing"},
		"judgement":      {`[judgements."良好"]`, `[judgements."良"]`, "judgements.良好 is missing"},
		"weekdays":       {`"日", "月"`, `"月"`, "format.weekdays has 6 words, not 7"},
		"unknown gap":    {"{count}件\"", "{number}件\"", "unknown gap {number}"},
		"open gap":       {"{count}件\"", "{count件\"", "has a { without }"},
		"not TOML":       {"[overview]", "[overview", "line "},
	} {
		_, err := words.Load(edited(t, c.old, c.new))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, c.want)
		}
	}
	if _, err := words.Load(fstest.MapFS{}); err == nil {
		t.Error("no error without words.toml")
	}
}

func TestFigures(t *testing.T) {
	w := load(t)
	for _, c := range []struct{ got, want string }{
		{w.Number(0), "0"},
		{w.Number(999), "999"},
		{w.Number(1000), "1,000"},
		{w.Number(1234567), "1,234,567"},
		{w.Number(-1000), "-1,000"},
		{w.Number(-100), "-100"},
		{w.Percent(17.2), "17.2"},
		{w.Percent(-20), "20"},
		{w.Percent(12345.5), "12,345.5"},
		{w.Month(store.Period{Year: 2026, Month: 2}), "2026年2月"},
		{w.Period(store.Period{Year: 2028, Month: 2}), "2028年2月1日～2月29日"},
		{w.Day("2026-10-05"), "10/5"},
		{w.LongDay("2026-10-05"), "2026年10月5日(月)"},
		{w.Timezone("Asia/Tokyo"), "日本時間"},
		{w.Timezone("Europe/Paris"), "Europe/Paris"},
		{w.Status("in_progress"), "対応中"},
		{w.Status("reopened"), "reopened"},
		{w.Detections(1234), "1,234件"},
		{w.Endpoints(3), "3台"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestChange(t *testing.T) {
	w := load(t)
	n := func(v int64) *int64 { return &v }
	f := func(v float64) *float64 { return &v }
	for _, c := range []struct {
		line aggregate.SummaryLine
		want string
	}{
		{aggregate.SummaryLine{Current: 3}, "先月のデータはありません"},
		{aggregate.SummaryLine{Current: 3, Previous: n(0)}, "先月は0件"},
		{aggregate.SummaryLine{Current: 0, Previous: n(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 5, Previous: n(5), ChangePercent: f(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 100001, Previous: n(100000), ChangePercent: f(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 12, Previous: n(10), ChangePercent: f(20)}, "+20％"},
		{aggregate.SummaryLine{Current: 0, Previous: n(10), ChangePercent: f(-100)}, "-100％"},
	} {
		if got := w.Change(c.line); got != c.want {
			t.Errorf("%+v: %q, want %q", c.line, got, c.want)
		}
	}
}

func TestEveryPointHasItsSentence(t *testing.T) {
	w := load(t)
	f := func(v float64) *float64 { return &v }
	eleven := strings.Split("a b c d e f g h i j k", " ")
	for _, c := range []struct {
		point aggregate.Point
		want  string
	}{
		{aggregate.Point{Kind: aggregate.PointChange, Feature: store.WebReputation, Percent: f(17.2)}, "先月と比較して、Webレピュテーションによる検出が17.2％増えました"},
		{aggregate.Point{Kind: aggregate.PointChange, Feature: store.Virus, Percent: f(-50)}, "先月と比較して、ウイルス/不正プログラムによる検出が50％減りました"},
		{aggregate.Point{Kind: aggregate.PointChange, Feature: store.Virus, Percent: f(0)}, "先月と比較して、ウイルス/不正プログラムによる検出の件数は変わりません"},
		{aggregate.Point{Kind: aggregate.PointUsage, Percent: f(20)}, "ご契約ライセンス数のうち、20％を利用中です"},
		{aggregate.Point{Kind: aggregate.PointConcentration, Feature: store.Virus, Endpoints: []string{"Test001", "Test002"}, Percent: f(58.3)}, "特定の端末(Test001/Test002)で多量に検出しています"},
		{aggregate.Point{Kind: aggregate.PointWeekday, Feature: store.Virus, From: "2022-05-23", To: "2022-05-27"}, "5/23-5/27"},
		{aggregate.Point{Kind: aggregate.PointWeekday, Feature: store.Virus, From: "2026-05-01", To: "2026-05-01"}, "5/1の週"},
		{aggregate.Point{Kind: aggregate.PointHoliday, Feature: store.URLFiltering}, "URLフィルタは、平日と比較して休日の方が検出数が多い傾向"},
		{aggregate.Point{Kind: aggregate.PointToConfirm, Endpoints: []string{"PC1"}, Count: 1234}, "1,234件あります(PC1)。セキュリティサポートデスクからご連絡します"},
		{aggregate.Point{Kind: aggregate.PointRestart, Endpoints: []string{"PC1", "PC2"}, Count: 2}, "再起動してください: PC1/PC2"},
		{aggregate.Point{Kind: aggregate.PointOffline, Endpoints: eleven, Count: 11}, "11台あります(a/b/c/d/e/f/g/h/i/j ほか 1 台)"},
		{aggregate.Point{Kind: aggregate.PointOutdated, Endpoints: []string{"PC1"}, Count: 1}, "保護機能が最新でない端末が1台あります(PC1)"},
		{aggregate.Point{Kind: aggregate.PointUnprotected, Endpoints: []string{"PC1"}, Count: 1}, "保護機能の一部がオフの端末が1台あります(PC1)"},
	} {
		if got := w.Point(c.point); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q in it", c.point.Kind, got, c.want)
		}
	}
	if got := w.Point(aggregate.Point{Kind: "weather"}); got != "" {
		t.Errorf("unknown kind: %q", got)
	}
}

func TestNameDesk(t *testing.T) {
	w := load(t)
	w.NameDesk("みまもり窓口")
	means := w.Results[store.Virus]["uncleanable"].Means
	point := w.Point(aggregate.Point{Kind: aggregate.PointToConfirm, Count: 1})
	if !strings.Contains(means, "みまもり窓口から") || !strings.Contains(point, "みまもり窓口から") {
		t.Errorf("the desk is not named in %q, %q", means, point)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"Test001":                           "Test001",
		" a  b\tc ":                         "a b c",
		"a\r\nBcc: x":                       "a\uFFFD\uFFFDBcc: x",
		"\x1b[31mred":                       "\uFFFD[31mred",
		"exe\u202Efdp.txt":                  "exe\uFFFDfdp.txt",
		"a\u200Bb\uFEFFc":                   "abc",
		"全角\u3000空白":                        "全角\u3000空白",
		"\xffbad":                           "\uFFFDbad",
		"e" + strings.Repeat("\u0301", 999): "e\u0301\u0301\u0301\u0301",
		"<script>":                          "<script>",
		"家族\U0001F469\u200D\U0001F467":      "家族\U0001F469\u200D\U0001F467",
		"\x00":                              "\uFFFD",
		"":                                  "",
	} {
		if got := words.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	long := "BEGIN" + strings.Repeat("x", 990) + "LAST5"
	got := words.Cut(long, 30)
	if words.Width(got) > 30 || !strings.HasPrefix(got, "BEGIN") || !strings.HasSuffix(got, "LAST5") {
		t.Errorf("%q is %d wide", got, words.Width(got))
	}
	for _, in := range []string{strings.Repeat("漢", 500), strings.Repeat("😀", 1000), strings.Repeat("a\u0301\u0302\u0303", 300), long} {
		got := words.Cut(in, 30)
		if words.Width(got) > 30 || utf8.RuneCountInString(got) > 61 || !utf8.ValidString(got) {
			t.Errorf("%q: %d wide, %d runes", got, words.Width(got), utf8.RuneCountInString(got))
		}
	}
	if got := words.Cut("短い名前", 8); got != "短い名前" {
		t.Errorf("cut though it fits: %q", got)
	}
	if got := load(t).Name(" \u200B", 8); got != "(名称なし)" {
		t.Errorf("empty name: %q", got)
	}
}
