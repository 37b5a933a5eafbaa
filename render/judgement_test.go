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
	asks, _, found := strings.Cut(rest, "\n【機能別の件数と推移】\n")
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
		{"uncleanable", change(func(m *store.Month) { detect(m, store.Virus, 5, "PC-001", "X", "uncleanable", 3) }), aggregate.ActionRequired, []string{"■ PC-001", "「X」を処理できませんでした(要確認 3件、10/5)", "セキュリティサポートデスクからご連絡します"}},
		{"noncleaned", change(func(m *store.Month) { detect(m, store.Spyware, 5, "PC-001", "X", "noncleaned", 1) }), aggregate.ActionRequired, []string{"■ PC-001", "「X」が駆除されていません", "セキュリティサポートデスクからご連絡します"}},
		{"unsafe", change(func(m *store.Month) {
			detect(m, store.Spyware, 5, "PC-001", "X", "unsafe", 1)
			detect(m, store.Spyware, 9, "pc-001", "Y", "unsafe", 1)
		}), aggregate.ActionRequired, []string{"■ PC-001", "「X、Y」の一部が残っています(安全ではない 2件、10/5～10/9)", "セキュリティサポートデスクからご連絡します"}},
		{"reboot", change(func(m *store.Month) { detect(m, store.Spyware, 5, "PC-002", "X", "reboot", 1) }), aggregate.ActionRequired, []string{"■ PC-002", "再起動が必要です", "この端末を再起動してください"}},
		{"passed", change(func(m *store.Month) { detect(m, store.Virus, 5, "PC-002", "X", "passed", 1) }), aggregate.Attention, []string{"お客さまにご確認いただくことはありません"}},
		{"realtime", off(func(p *store.Protections) { p.RealtimeScan = store.Off }), aggregate.ActionRequired, []string{"■ PC-002", "リアルタイム検索がオフです"}},
		{"behavior", off(func(p *store.Protections) { p.BehaviorMonitoring = store.Off }), aggregate.Attention, []string{"▲ PC-002", "挙動監視がオフです"}},
		{"learning", off(func(p *store.Protections) { p.MachineLearning = store.Off }), aggregate.Attention, []string{"▲ PC-002", "機械学習型検索がオフです"}},
		{"web", off(func(p *store.Protections) { p.WebReputation = store.Off }), aggregate.Attention, []string{"▲ PC-002", "Webレピュテーションがオフです"}},
		{"edr", change(func(m *store.Month) {
			m.Contract.EDR = true
			m.Statuses[1].Protections.EDR = store.Off
		}), aggregate.Attention, []string{"▲ PC-002", "EDRがオフです"}},
		{"offline", change(func(m *store.Month) { m.Statuses[0].LastSeen = at(2026, 10, 1, 0) }), aggregate.Attention, []string{"▲ PC-001", "14日以上オフラインです"}},
		{"unseen", change(func(m *store.Month) { m.Statuses = m.Statuses[1:] }), aggregate.Attention, []string{"▲ PC-001", "状態の報告が14日以上届いていません"}},
		{"outdated", change(func(m *store.Month) { m.Statuses[0].PatternCurrent = &no }), aggregate.Attention, []string{"▲ PC-001", "保護機能が最新ではありません"}},
		{"os", change(func(m *store.Month) { m.Statuses[0].OSSupported, m.Statuses[0].OS = &no, "Windows 7" }), aggregate.Attention, []string{"▲ PC-001", "サポートが終了したOSで動いています(Windows 7)"}},
		{"licences", change(func(m *store.Month) { m.Contract.Licences = 3 }), aggregate.Attention, []string{"▲ インストール台数がご契約ライセンス数を超えています(133％を利用中)"}},
		{"nothing installed", change(func(m *store.Month) {
			for i := range m.Endpoints {
				m.Endpoints[i].RemovedAt = at(2026, 10, 30, 0)
			}
		}), aggregate.Attention, []string{"▲ インストールされている端末がありません"}},
		{"gap", change(func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[:29] }), aggregate.Attention, []string{"お客さまにご確認いただくことはありません"}},
		{"concentration", change(func(m *store.Month) {
			for i, n := range []int64{30, 1, 1, 1} {
				detect(m, store.WebReputation, 5, m.Endpoints[i].Name, "X", "", n)
			}
		}), aggregate.Attention, []string{"▲ PC-001", "検出が集中しています(Webレピュテーション)"}},
		{"two things on one", change(func(m *store.Month) {
			m.Statuses[0].PatternCurrent, m.Statuses[0].Protections.RealtimeScan = &no, store.Off
		}), aggregate.ActionRequired, []string{"■ PC-001", "リアルタイム検索がオフです", "保護機能が最新ではありません"}},
	} {
		report, parts := rendered(t, c.month, 1)
		if report.Judgement != c.judgement {
			t.Errorf("%s: judged %s, want %s", c.name, report.Judgement, c.judgement)
		}
		mark := marks[c.judgement]
		if !strings.Contains(string(parts.HTML), mark) || !strings.Contains(string(parts.Text), mark) {
			t.Errorf("%s: a body lacks %q", c.name, mark)
		}
		asks := asksOf(t, parts.Text)
		for _, want := range c.want {
			said := strings.Join(strings.Fields(asks), "") // lines are broken where they are full
			if !strings.Contains(said, strings.ReplaceAll(want, " ", "")) || !strings.Contains(string(parts.HTML), want) {
				t.Errorf("%s: a body lacks %q in %s", c.name, want, asks)
			}
		}
	}
}

// marks are the judgements as they are printed.
var marks = map[aggregate.Judgement]string{
	aggregate.ActionRequired: "■ 要対応", aggregate.Undetermined: "◆ 判定できません", aggregate.Attention: "▲ 要注意", aggregate.Good: "● 良好",
}

// TestNothingIsClaimedThatIsNotKnown holds what the mail says of the month and of the protection.
func TestNothingIsClaimedThatIsNotKnown(t *testing.T) {
	change := func(edit func(*store.Month)) store.Month {
		m := month("C000009", "株式会社テスト", 2)
		edit(&m)
		return m
	}
	for _, c := range []struct {
		name         string
		month        store.Month
		judgement    aggregate.Judgement
		has, lacking []string
	}{
		{"seen", quietMonth(), aggregate.Good, []string{"10月の検出は0件でした", "5台中5台で保護の動作を確認しました"}, []string{"届いていません"}},
		{"one unseen", change(func(m *store.Month) { m.Statuses = m.Statuses[:1] }), aggregate.Attention, []string{"10月の検出は0件でした", "2台中1台で保護の動作を確認しました"}, nil},
		{"no snapshots", change(func(m *store.Month) { m.Statuses = nil; detect(m, store.Virus, 5, "PC-001", "X", "cleaned", 3) }), aggregate.Undetermined, []string{"この2週間分届いていません", "10月は3件を検出し、すべて自動で処理しました", "2台中0台で"}, nil},
		{"nobody ever reported", change(func(m *store.Month) { m.Statuses = nil }), aggregate.Undetermined, []string{"一度も届いていません", "2台中0台で"}, []string{"0件でした"}},
		{"no inventory", change(func(m *store.Month) { m.Endpoints = nil }), aggregate.Attention, []string{"端末の一覧は届いていません", "10月の検出は0件でした"}, []string{"利用率", "0台", "確認しました"}},
		{"nothing at all", month("C000009", "株式会社テスト", 0), aggregate.Undetermined, []string{"端末の一覧は届いていません", "一度も届いていません"}, []string{"検出は0件", "0台", "確認しました"}},
		{"gaps", change(func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[:28] }), aggregate.Attention, []string{"10/29～10/31", "訂正版をお送りします"}, nil},
		{"half of it missing", change(func(m *store.Month) { m.CoverageFed, m.Coverage = true, october.Days()[:15] }), aggregate.Undetermined, []string{"対象期間の半分以上届いていません", "10/16～10/31"}, []string{"0件でした"}},
	} {
		report, parts := rendered(t, c.month, 1)
		if report.Judgement != c.judgement || !strings.Contains(string(parts.Text), marks[c.judgement]) {
			t.Errorf("%s: judged %s, want %s", c.name, report.Judgement, c.judgement)
		}
		for _, body := range []string{string(parts.HTML), string(parts.Text)} {
			body = strings.ReplaceAll(body, "\n", "") // lines are broken where they are full
			for _, want := range c.has {
				if !strings.Contains(body, want) {
					t.Errorf("%s: lacks %q", c.name, want)
				}
			}
			for _, not := range append(c.lacking, "保護は動作しています") {
				if strings.Contains(body, not) {
					t.Errorf("%s: says %q", c.name, not)
				}
			}
		}
	}
}

// TestMonthsAreNamed holds that no body says 今月 or 先月: it is read in the month after.
func TestMonthsAreNamed(t *testing.T) {
	for _, c := range cases {
		report, parts := rendered(t, c.month(), c.revision)
		report.Late = 3
		for _, word := range []string{"今月", "先月"} {
			if strings.Contains(string(parts.HTML), word) || strings.Contains(string(parts.Text), word) {
				t.Errorf("%s: a body says %s", c.name, word)
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
	if cid := parts.Images[0].CID; cid != "virus-trend.C000004.2026-10@report" {
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

func TestNobodyIsToldNotToReplyWhereRepliesAreRead(t *testing.T) {
	for reads, want := range map[bool]string{true: "お問い合わせの窓口に届きます", false: "ご返信いただいてもお答えできません"} {
		r, err := render.New(templates.FS, render.Options{Replies: reads})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := r.Parts(r.Word(compute(t, quietMonth(), 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range [][]byte{parts.HTML, parts.Text} {
			if !strings.Contains(squeeze(string(body)), want) {
				t.Errorf("with replies that are read: %v, a body lacks %q", reads, want)
			}
		}
	}
}

func TestWhatIsAskedTwiceIsSaidOnce(t *testing.T) {
	m := quietMonth()
	detect(&m, store.Virus, 5, "PC-001", "X", "uncleanable", 1)
	detect(&m, store.Spyware, 6, "PC-001", "Y", "noncleaned", 1)
	detect(&m, store.Spyware, 6, "PC-001", "Z", "unsafe", 1)
	ask := renderer(t).Edition(compute(t, m, 1)).Front.Asks.Items[0]
	if len(ask.Marks) != 3 || len(ask.Steps) != 1 {
		t.Errorf("three finds of one kind are %d marks and the steps %q", len(ask.Marks), ask.Steps)
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
		for _, want := range []string{"前月(9月)の件数には、レポートの送付後に届いた検出1,234件を含みます。", "訂正版(第3版)"} {
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
