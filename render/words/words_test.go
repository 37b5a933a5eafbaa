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
	w, err := words.Load(templates.FS, "ja")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// edited is the embedded words.ja.toml with old replaced by new.
func edited(t *testing.T, old, new string) fstest.MapFS {
	t.Helper()
	b, err := templates.FS.ReadFile(words.File("ja"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("words.ja.toml has no %q", old)
	}
	families, err := templates.FS.ReadFile(words.FamiliesFile)
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{words.File("ja"): {Data: []byte(strings.Replace(string(b), old, new, 1))}, words.FamiliesFile: {Data: families}}
}

func TestLoadIsStrict(t *testing.T) {
	for name, c := range map[string]struct{ old, new, want string }{
		"missing key":    {`no_asks = `, `no_asks_x = `, "state.no_asks_x"},
		"empty string":   {`zero = "{month}の検出は0件でした"`, `zero = ""`, "state.zero is missing"},
		"removed string": {"zero = \"{month}の検出は0件でした\"\n", "", "state.zero is missing"},
		"removed phrase": {"month = \"{year}年{m}月\"\n", "", "format.month is missing"},
		"missing result": {"[results.virus.renamed]", "[results.virus.moved]", "results.virus.renamed is missing"},
		"unknown result": {"[results.virus.renamed]", "[results.virus.moved]", "unknown key results.virus.moved"},
		"missing ask":    {"[asks.offline]", "[asks.asleep]", "asks.offline is missing"},
		"judgement":      {`[judgements.good]`, `[judgements.fine]`, "judgements.good is missing"},
		"weekdays":       {`"日", "月"`, `"月"`, "format.weekdays has 6 words, not 7"},
		"unknown gap":    {"{count}件\"", "{number}件\"", "unknown gap {number}"},
		"open gap":       {"{count}件\"", "{count件\"", "has a { without }"},
		"not TOML":       {"[overview]", "[overview", "line "},
	} {
		_, err := words.Load(edited(t, c.old, c.new), "ja")
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, c.want)
		}
	}
	broken := edited(t, "[overview]", "[overview]")
	for text, want := range map[string]string{"ransom = []": "unknown key ransom", `ransomware = [""]`: "a prefix is empty"} {
		broken[words.FamiliesFile].Data = []byte(text)
		if _, err := words.Load(broken, "ja"); err == nil || !strings.Contains(err.Error(), "families.toml") || !strings.Contains(err.Error(), want) {
			t.Errorf("families %q: error %v", text, err)
		}
	}
	if _, err := words.Load(fstest.MapFS{}, "ja"); err == nil {
		t.Error("no error without words.ja.toml")
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
		{w.Percent(17.2), "17"},
		{w.Percent(9.94), "9.9"},
		{w.Percent(10), "10"},
		{w.Percent(10.5), "11"},
		{w.Percent(-9.5), "9.5"},
		{w.Percent(7), "7"},
		{w.Percent(-20), "20"},
		{w.Percent(12345.5), "12,346"},
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
		{aggregate.SummaryLine{Current: 3}, "前月(9月)のデータはありません"},
		{aggregate.SummaryLine{Current: 3, Previous: n(0)}, "前月(9月)は0件"},
		{aggregate.SummaryLine{Current: 0, Previous: n(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 5, Previous: n(5), ChangePercent: f(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 100001, Previous: n(100000), ChangePercent: f(0)}, "変わりません"},
		{aggregate.SummaryLine{Current: 12, Previous: n(10), ChangePercent: f(20)}, "+20％"},
		{aggregate.SummaryLine{Current: 58, Previous: n(68), ChangePercent: f(-14.7)}, "-15％"},
		{aggregate.SummaryLine{Current: 2, Previous: n(1), ChangePercent: f(100)}, "1件→2件"},
		{aggregate.SummaryLine{Current: 0, Previous: n(10), ChangePercent: f(-100)}, "10件→0件"},
		{aggregate.SummaryLine{Current: 1200, Previous: n(10), ChangePercent: f(11900)}, "10件→1,200件"},
	} {
		if got := w.Change(c.line, october); got != c.want {
			t.Errorf("%+v: %q, want %q", c.line, got, c.want)
		}
	}
}

var october = store.Period{Year: 2026, Month: 10}

// changed is a point of a feature's change.
func changed(f store.Feature, previous, current int64, percent *float64) aggregate.Point {
	return aggregate.Point{Kind: aggregate.PointChange, Feature: f, Previous: &previous, Current: &current, Percent: percent}
}

func TestEveryPointHasItsSentence(t *testing.T) {
	w := load(t)
	f := func(v float64) *float64 { return &v }
	eleven := strings.Split("a b c d e f g h i j k", " ")
	results := []aggregate.ResultCount{{Result: "quarantined", Count: 3}, {Result: "unsafe", Count: 1}}
	for _, c := range []struct {
		point aggregate.Point
		want  string
	}{
		{changed(store.WebReputation, 58, 68, f(17.2)), "前月(9月)と比較して、Webレピュテーションによる検出が17％増えました"},
		{changed(store.Virus, 60, 30, f(-50)), "前月(9月)と比較して、ウイルス/不正プログラムによる検出が50％減りました"},
		{changed(store.Virus, 3, 412, f(13633.3)), "ウイルス/不正プログラムによる検出が3件から412件に増えました"},
		{changed(store.Virus, 30, 0, f(-100)), "ウイルス/不正プログラムによる検出が30件から0件に減りました"},
		{changed(store.Virus, 0, 30, nil), "ウイルス/不正プログラムによる検出が0件から30件に増えました"},
		{aggregate.Point{Kind: aggregate.PointUsage, Percent: f(20)}, "ご契約ライセンス数のうち、20％を利用中です。インストールがお済みでない"},
		{aggregate.Point{Kind: aggregate.PointUsage, Percent: f(95)}, "95％を利用中です。端末を追加されるときは"},
		{aggregate.Point{Kind: aggregate.PointUsage, Percent: f(120)}, "120％を利用中です。ご契約の数を超えています"},
		{aggregate.Point{Kind: aggregate.PointConcentration, Feature: store.Virus, Endpoints: []string{"Test001", "Test002"}, Percent: f(58.3)}, "特定の端末(Test001/Test002)で多量に検出しています(全体の58％)"},
		{aggregate.Point{Kind: aggregate.PointWeekday, Feature: store.Virus, From: "2022-05-23", To: "2022-05-27"}, "5/23-5/27"},
		{aggregate.Point{Kind: aggregate.PointHoliday, Feature: store.URLFiltering}, "URLフィルタは、平日と比較して休日の方が検出数が多い傾向"},
		{aggregate.Point{Kind: aggregate.PointRansomware, Count: 4, Endpoints: []string{"PC1"}, Results: results, From: "2026-10-03", To: "2026-10-09"}, "ランサムウェアの検出が4件あります(PC1、10/3～10/9)。処理の結果: 隔離 3件、安全ではない 1件"},
		{aggregate.Point{Kind: aggregate.PointToConfirm, Feature: store.Virus, Endpoints: []string{"PC1"}, Names: []string{"TROJ_X"}, Count: 1234, From: "2026-10-03", To: "2026-10-03"}, "1,234件あります(TROJ_X、PC1、10/3)。セキュリティサポートデスクからご連絡します"},
		{aggregate.Point{Kind: aggregate.PointRestart, Feature: store.Spyware, Endpoints: []string{"PC1", "PC2"}, Names: []string{"X"}, Count: 2}, "再起動してください: PC1/PC2"},
		{aggregate.Point{Kind: aggregate.PointNotHandled, Feature: store.Virus, Endpoints: []string{"PC1"}, Names: []string{"X", "Y"}, Count: 2}, "処理されていない検出(放置)が2件あります(X、Y、PC1"},
		{aggregate.Point{Kind: aggregate.PointOpenEvents, Count: 2, Newest: &aggregate.Newest{At: "2026-10-07T09:00:00+09:00", Endpoint: "PC1"}}, "2件あります(最新は10/7 09:00、PC1)。セキュリティサポートデスクが確認しています"},
		{aggregate.Point{Kind: aggregate.PointOffline, Endpoints: eleven, Count: 11}, "11台あります(a/b/c/d/e ほか 6 台)"},
		{aggregate.Point{Kind: aggregate.PointOffline, Endpoints: eleven, Count: 20000}, "20,000台あります(a/b/c/d/e ほか 19,995 台)"},
		{aggregate.Point{Kind: aggregate.PointOutdated, Endpoints: []string{"PC1"}, Count: 1}, "保護機能が最新でない端末が1台あります(PC1)"},
		{aggregate.Point{Kind: aggregate.PointUnprotected, Endpoints: []string{"PC1"}, Count: 1}, "保護機能の一部がオフの端末が1台あります(PC1)"},
		{aggregate.Point{Kind: aggregate.PointUnsupported, Endpoints: []string{"PC1"}, Count: 1}, "サポートが終了したOSの端末が1台あります(PC1)"},
	} {
		if got := w.Point(c.point, october); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q in it", c.point.Kind, got, c.want)
		}
	}
	if got := w.Point(aggregate.Point{Kind: "weather"}, october); got != "" {
		t.Errorf("unknown kind: %q", got)
	}
}

func TestChangesAreOneSentence(t *testing.T) {
	w := load(t)
	f := func(v float64) *float64 { return &v }
	up, up2 := changed(store.Virus, 10, 20, f(100)), changed(store.Spyware, 10, 20, f(100))
	down, down2 := changed(store.WebReputation, 20, 10, f(-50)), changed(store.URLFiltering, 90, 10, f(-88.9))
	for _, c := range []struct {
		points []aggregate.Point
		want   string
	}{
		{nil, ""},
		{[]aggregate.Point{{Kind: aggregate.PointUsage}}, ""},
		{[]aggregate.Point{up}, "前月(9月)と比較して、ウイルス/不正プログラムによる検出が100％増えました"},
		{[]aggregate.Point{up, up2}, "前月(9月)と比較して、ウイルス/不正プログラムとスパイウェア/グレーウェアによる検出が増えました"},
		{[]aggregate.Point{down, down2}, "前月(9月)と比較して、WebレピュテーションとURLフィルタによる検出が減りました"},
		{[]aggregate.Point{up, up2, down}, "前月(9月)と比較して、ウイルス/不正プログラムとスパイウェア/グレーウェアによる検出が増え、Webレピュテーションによる検出が減りました"},
	} {
		if got := w.Changes(c.points, october); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestRanges(t *testing.T) {
	w := load(t)
	if got := w.Ranges([]store.Day{"2026-09-30", "2026-10-01", "2026-10-03", "2026-10-05", "2026-10-06"}); got != "9/30～10/1、10/3、10/5～10/6" {
		t.Error(got)
	}
}

func TestNameDesk(t *testing.T) {
	w := load(t)
	w.NameDesk("みまもり窓口")
	means := w.Results[store.Virus]["uncleanable"].Means
	point := w.Point(aggregate.Point{Kind: aggregate.PointToConfirm, Count: 1}, october)
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
