package render_test

import (
	"strings"
	"testing"

	"geppo/render"
	"geppo/templates"
)

func TestSummarySaysWhatIsLeftToDo(t *testing.T) {
	problem := render.SummaryProblem{ID: 7, Contract: "C1", Recipient: "a@example.jp", State: "failed", Reason: "550 no\x1b[2Jsuch user"}
	for name, test := range map[string]struct {
		s     render.Summary
		want  []string
		never string
	}{
		"all sent": {
			render.Summary{Period: "2026-10", Total: 3, States: map[string]int{"sent": 3}, Done: true},
			[]string{"[geppo] 2026-10 送信完了: 3件中3件送信済み", "すべて送信しました"},
			"■",
		},
		"on its way": {
			render.Summary{Period: "2026-10", Total: 3, States: map[string]int{"sent": 1, "deferred": 2}, Waiting: 2, Pending: true},
			[]string{"送信中", "再送待ち    2件", "geppo run --period 2026-10"},
			"すべて送信しました",
		},
		"problems": {
			render.Summary{
				Period: "2026-10", Total: 2, States: map[string]int{"sent": 1, "failed": 1}, Problems: []render.SummaryProblem{problem},
				Errors: []render.SummaryError{{Contract: "C9", Reason: "no registered address"}}, FollowUps: 1, CSV: []byte("contract\n"),
			},
			[]string{"要確認", "C9: no registered address", "7  C1  a@example.jp  failed: 550 no", "geppo resend --period 2026-10 --failed"},
			"\x1b",
		},
	} {
		parts, err := render.SummaryParts(templates.FS, test.s)
		if err != nil {
			t.Fatal(err)
		}
		text := parts.Subject + "\n" + string(parts.Text)
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in:\n%s", name, want, text)
			}
		}
		if strings.Contains(text, test.never) || strings.Contains(string(parts.HTML), test.never) {
			t.Errorf("%s: %q in:\n%s", name, test.never, text)
		}
		if attached := len(parts.Attachments) == 1; attached != (len(test.s.CSV) > 0) {
			t.Errorf("%s: attached %v", name, attached)
		}
	}
}

func TestAlertSaysWhatToType(t *testing.T) {
	waits := render.Alert{
		Kind: render.AlertWaits, Period: "2026-10", DueAt: "2026-11-01 09:00", Planned: 7, Count: 3,
		Waiting: []render.SummaryError{{Contract: "C1", Reason: "no data\x1b[2J has come in"}},
	}
	nobody := render.Alert{Kind: render.AlertWaits, Period: "2026-10", DueAt: "2026-11-01 09:00", Reason: "no contract is active"}
	missed := render.Alert{Kind: render.AlertMissed, Missed: []render.MissedMonth{{Period: "2026-09", DueAt: "2026-10-01 09:00"}, {Period: "2026-10", DueAt: "2026-11-01 09:00"}}}
	for _, test := range []struct {
		a    render.Alert
		want []string
	}{
		{waits, []string{"[geppo] 2026-10 送信待ち", "2026-11-01 09:00", "3契約", "ほかの契約の7通", "C1: no data", "ほか2契約", "1時間ごと", "geppo run --period 2026-10 --force"}},
		{nobody, []string{"[geppo] 2026-10 送信待ち", "理由: no contract is active", "geppo run --period 2026-10"}},
		{missed, []string{"[geppo] 2026-09ほか2か月分 未送信", "catch_up", "2026-10-01 09:00", "geppo run --period 2026-09", "geppo run --period 2026-10"}},
		{render.Alert{Kind: render.AlertClock, Reason: "leapt to 2037"}, []string{"[geppo] 時計", "理由: leapt to 2037", "geppo resume"}},
	} {
		parts, err := render.AlertParts(templates.FS, test.a)
		if err != nil {
			t.Fatal(err)
		}
		text := parts.Subject + "\n" + string(parts.Text)
		for _, want := range test.want {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in:\n%s", want, text)
			}
		}
		if strings.Contains(text, "\x1b") || strings.Contains(text, "<no value>") {
			t.Errorf("%q", text)
		}
		if !strings.Contains(string(parts.HTML), "white-space:pre-wrap") {
			t.Errorf("a phone cuts off the lines of %s", parts.HTML)
		}
	}
}
