package render_test

import (
	"strings"
	"testing"

	"geppo/aggregate"
	"geppo/render"
	"geppo/store"
	"geppo/templates"
)

// asksOf are the lines of the text between ご確認いただきたい事項 and the overview.
func asksOf(t *testing.T, text []byte) string {
	t.Helper()
	_, rest, ok := strings.Cut(string(text), "【ご確認いただきたい事項】\n")
	asks, _, found := strings.Cut(rest, "\n1 概要\n")
	if !ok || !found {
		t.Fatalf("no ご確認いただきたい事項 in %q", text)
	}
	return asks
}

func TestWhatTheReaderIsAsked(t *testing.T) {
	no := false
	change := func(edit func(*store.Month)) store.Month {
		m := month("C000009", "株式会社テスト", 4)
		edit(&m)
		return m
	}
	off := func(edit func(*store.Protections)) store.Month {
		return change(func(m *store.Month) { edit(&m.Statuses[1].Protections) })
	}
	for _, c := range []struct {
		name      string
		month     store.Month
		judgement aggregate.Judgement
		want      []string
	}{
		{"nothing", change(func(*store.Month) {}), aggregate.Good, []string{"お客さまにご確認いただくことはありません"}},
		{"handled", change(func(m *store.Month) { detect(m, store.Virus, 5, "PC-001", "X", "deleted", 3) }), aggregate.Good, []string{"お客さまにご確認いただくことはありません"}},
		{"uncleanable", change(func(m *store.Month) { detect(m, store.Virus, 5, "PC-001", "X", "uncleanable", 3) }), aggregate.ActionRequired, []string{"■ 「要確認」の検出が3件", "PC-001", "セキュリティサポートデスクからご連絡します"}},
		{"noncleaned", change(func(m *store.Month) { detect(m, store.Spyware, 5, "PC-001", "X", "noncleaned", 1) }), aggregate.ActionRequired, []string{"■ 「駆除されていません」の検出が1件", "セキュリティサポートデスクからご連絡します"}},
		{"unsafe", change(func(m *store.Month) { detect(m, store.Spyware, 5, "PC-001", "X", "unsafe", 1) }), aggregate.ActionRequired, []string{"■ 「安全ではない」の検出が1件", "セキュリティサポートデスクからご連絡します"}},
		{"reboot", change(func(m *store.Month) { detect(m, store.Spyware, 5, "PC-002", "X", "reboot", 1) }), aggregate.ActionRequired, []string{"■ 再起動が必要な端末が1台", "対象: PC-002", "再起動してください"}},
		{"realtime", off(func(p *store.Protections) { p.RealtimeScan = store.Off }), aggregate.ActionRequired, []string{"■ リアルタイム検索がオフの端末が1台", "PC-002"}},
		{"behavior", off(func(p *store.Protections) { p.BehaviorMonitoring = store.Off }), aggregate.Attention, []string{"▲ 挙動監視がオフの端末が1台"}},
		{"learning", off(func(p *store.Protections) { p.MachineLearning = store.Off }), aggregate.Attention, []string{"▲ 機械学習型検索がオフの端末が1台"}},
		{"web", off(func(p *store.Protections) { p.WebReputation = store.Off }), aggregate.Attention, []string{"▲ Webレピュテーションがオフの端末が1台"}},
		{"edr", change(func(m *store.Month) {
			m.Contract.EDR = true
			m.Statuses[1].Protections.EDR = store.Off
		}), aggregate.Attention, []string{"▲ EDRがオフの端末が1台"}},
		{"offline", change(func(m *store.Month) { m.Statuses[0].LastSeen = at(2026, 10, 1, 0) }), aggregate.Attention, []string{"▲ 14日以上オフラインの端末が1台", "PC-001"}},
		{"outdated", change(func(m *store.Month) { m.Statuses[0].PatternCurrent = &no }), aggregate.Attention, []string{"▲ 保護機能が最新でない端末が1台"}},
		{"os", change(func(m *store.Month) { m.Statuses[0].OSSupported, m.Statuses[0].OS = &no, "Windows 7" }), aggregate.Attention, []string{"▲ サポートが終了したOSの端末が1台", "Windows 7(1台)"}},
		{"licences", change(func(m *store.Month) { m.Contract.Licences = 3 }), aggregate.Attention, []string{"▲ インストール台数がご契約ライセンス数を超えています(133.3％を利用中)"}},
		{"gap", change(func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[:29] }), aggregate.Attention, []string{"▲ 検出の記録を受け取れていない日が2日", "対象日: 10/30～10/31"}},
		{"concentration", change(func(m *store.Month) {
			detect(m, store.WebReputation, 5, "PC-001", "X", "", 9)
			detect(m, store.WebReputation, 5, "PC-002", "X", "", 1)
		}), aggregate.Attention, []string{"▲ 特定の端末に検出が集中しています", "対象: PC-001"}},
	} {
		report, parts := rendered(t, c.month, 1)
		if report.Judgement != c.judgement {
			t.Errorf("%s: judged %s, want %s", c.name, report.Judgement, c.judgement)
		}
		mark := map[aggregate.Judgement]string{aggregate.ActionRequired: "■ 要対応", aggregate.Attention: "▲ 要注意", aggregate.Good: "● 良好"}[c.judgement]
		if !strings.Contains(string(parts.HTML), mark) || !strings.Contains(string(parts.Text), mark) {
			t.Errorf("%s: a body lacks %q", c.name, mark)
		}
		asks := asksOf(t, parts.Text)
		for _, want := range c.want {
			if !strings.Contains(strings.ReplaceAll(asks, "\n      ", ""), want) || !strings.Contains(string(parts.HTML), want) && !strings.Contains(want, "対象") {
				t.Errorf("%s: a body lacks %q in %s", c.name, want, asks)
			}
		}
	}
}

func TestProtectionIsOnlyClaimedWhereItIsKnown(t *testing.T) {
	unknown := month("C000009", "株式会社テスト", 2)
	unknown.Statuses = unknown.Statuses[:1]
	empty := month("C000009", "株式会社テスト", 0)
	for _, c := range []struct {
		name         string
		month        store.Month
		has, lacking []string
	}{
		{"working", quietMonth(), []string{"検出は0件でした", "保護は動作しています"}, []string{"登録された端末がありません"}},
		{"unknown", unknown, []string{"検出は0件でした"}, []string{"保護は動作しています", "登録された端末がありません"}},
		{"empty", empty, []string{"登録された端末がありません"}, []string{"保護は動作しています", "検出は0件でした"}},
	} {
		_, parts := rendered(t, c.month, 1)
		for _, body := range []string{string(parts.HTML), string(parts.Text)} {
			for _, want := range c.has {
				if !strings.Contains(body, want) {
					t.Errorf("%s: lacks %q", c.name, want)
				}
			}
			for _, not := range c.lacking {
				if strings.Contains(body, not) {
					t.Errorf("%s: says %q", c.name, not)
				}
			}
		}
	}
}

func TestSubject(t *testing.T) {
	for _, c := range []struct {
		month    store.Month
		revision int
		want     string
	}{
		{quietMonth(), 1, "【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分)"},
		{quietMonth(), 2, "【訂正版】【おまかせアンチウイルス】月次レポート送付のお知らせ(2026年10月分)"},
		{oneMonth(), 1, "【端末セキュリティ】月次レポート送付のお知らせ(2026年10月分)"},
	} {
		if _, parts := rendered(t, c.month, c.revision); parts.Subject != c.want {
			t.Errorf("%q, want %q", parts.Subject, c.want)
		}
	}
}

func TestAttachments(t *testing.T) {
	report, parts := rendered(t, problemMonth(), 2)
	var names []string
	for _, p := range parts.PDFs {
		names = append(names, p.Name)
		if !strings.Contains(string(parts.HTML), p.Name) || !strings.Contains(string(parts.Text), p.Name) {
			t.Errorf("a body does not name %s", p.Name)
		}
		if p.Pages < 1 || !strings.HasPrefix(string(p.Data), "%PDF-") {
			t.Errorf("%s has %d pages", p.Name, p.Pages)
		}
	}
	if got := strings.Join(names, " "); got != "geppo-av_C000004_2026-10_r2.pdf geppo-edr_C000004_2026-10_r2.pdf" {
		t.Errorf("attached: %s", got)
	}
	if cid := parts.Images[0].CID; cid != "virus-trend.C000004.2026-10@geppo" {
		t.Errorf("first image is %s", cid)
	}
	without, err := renderer(t).PartsWithoutPDFs(report)
	if err != nil {
		t.Fatal(err)
	}
	const note = "PDFを添付していません"
	if len(without.PDFs) != 0 || !strings.Contains(string(without.HTML), note) || !strings.Contains(string(without.Text), note) {
		t.Error("a mail without its PDFs does not say so")
	}
	if strings.Contains(string(parts.HTML), note) {
		t.Error("a mail with its PDFs says that they are not attached")
	}
}

func TestWord(t *testing.T) {
	r := renderer(t)
	report := compute(t, problemMonth(), 1)
	worded := r.Word(report)
	for i, p := range worded.Points {
		if p.Text == "" || report.Points[i].Text != "" {
			t.Errorf("point %s: %q, of the given report %q", p.Kind, p.Text, report.Points[i].Text)
		}
	}
	if _, err := r.Parts(report); err == nil || !strings.Contains(err.Error(), "Word") {
		t.Errorf("a report without words: error %v", err)
	}
}

func TestOptions(t *testing.T) {
	r, err := render.New(templates.FS, render.Options{SupportDesk: "みまもり窓口", ThreatURL: "https://threats.example/?q="})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := r.Parts(r.Word(compute(t, problemMonth(), 1)))
	if err != nil {
		t.Fatal(err)
	}
	body := string(parts.HTML)
	for want, there := range map[string]bool{
		"みまもり窓口からご連絡します":                           true,
		"https://threats.example/?q=ADW_OPENCANDY": true,
		"セキュリティサポートデスク":                            false,
		"tel:": false,
		"受付時間": false,
	} {
		if strings.Contains(body, want) != there {
			t.Errorf("%q in the HTML: %v, want %v", want, !there, there)
		}
	}
}

func TestLateAndRevisionAreSaid(t *testing.T) {
	r := renderer(t)
	report := r.Word(compute(t, quietMonth(), 3))
	report.Late = 1234
	parts, err := r.Parts(report)
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{string(parts.HTML), string(parts.Text)} {
		for _, want := range []string{"先月分に後から届いた検出 1,234件を含みます", "訂正版(第3版)"} {
			if !strings.Contains(strings.ReplaceAll(body, "\n", ""), want) {
				t.Errorf("a body lacks %q", want)
			}
		}
	}
}

func TestJSON(t *testing.T) {
	b, err := render.JSON(compute(t, hostileMonth(), 1))
	if err != nil {
		t.Fatal(err)
	}
	s := string(b)
	if !strings.HasSuffix(s, "\n}\n") || strings.Contains(s, `\u003c`) || !strings.Contains(s, "\n  \"contract\": {\n    \"id\": \"C000006\"") {
		t.Errorf("report.json begins %q", s[:80])
	}
}
