package ingest

import (
	"testing"

	"pgregory.net/rapid"
)

// saying is what a text says: as a virus, and as spyware.
func saying(candidates ...string) [2]string {
	r := newResults(nil)
	return [2]string{r.of(false, candidates...), r.of(true, candidates...)}
}

func TestResultTexts(t *testing.T) {
	for want, texts := range map[[2]string][]string{
		{"cleaned", "cleaned"}:          {"File cleaned", "駆除", "Fichier nettoyé", "Reboot system successfully", "ﾌｧｲﾙを駆除しました。", " FILE  cleaned. ", "Cleaned!"},
		{"deleted", "cleaned"}:          {"File deleted", "Unable to clean file. Deleted", "削除", "Fichier supprimé", "Cleaned by deleting", "Threat removed", "削除済み"},
		{"quarantined", "cleaned"}:      {"Quarantined successfully", "Unable to clean file. Quarantined", "駆除できないため、隔離しました", "ファイルを駆除できません。隔離しました", "駆除できないので隔離", "Moved to vault", "Datei in Quarantäne verschoben"},
		{"renamed", "cleaned"}:          {"File renamed", "拡張子変更", "拡張子を変更しました", "Fichier renommé", "clean failed, renamed"},
		{"passed", "noncleaned"}:        {"No action", "放置", "放置（ログのみ）", "潜在的なセキュリティリスクを放置しました", "Clean failed, second action pass", "Pass/Log"},
		{"uncleanable", "noncleaned"}:   {"Unable to clean file", "Unable to quarantine the file", "Unable to clean or delete file", "駆除されていません", "感染ファイルを駆除または隔離できません", "Action required – Perform a full system scan", "Further action required", "Quarantine failed", "Quarantine was unsuccessful", "隔離に失敗", "Nettoyage impossible", "Datei nicht gelöscht", "対応が必要です", "Unable to clean file a.exe"},
		{"uncleanable", "unsafe"}:       {"Unsafe to Clean File", "安全ではない", "It is unsafe to delete"},
		{"uncleanable", "reboot"}:       {"Action Required - Restart the endpoint to finish cleaning the security threat", "再起動する", "再起動が必要です", "A reboot is required"},
		{"Access denied", "noncleaned"}: {"Access denied"}, {"アクセス拒否", "noncleaned"}: {"アクセス拒否"}, {"Connection was blocked", "noncleaned"}: {"Connection was blocked"},
		{"Unable to clean. Access denied", "noncleaned"}: {"Unable to clean. Access denied"},
		{"File uploaded", "File uploaded"}:               {"File uploaded"}, {"File frobnicated", "File frobnicated"}: {"File frobnicated"}, {"Password set", "Password set"}: {"Password set"},
		{"unknown", "unknown"}: {"", "-", "N/A", "Unknown", "不明"}, {"Successful", "Successful"}: {"Successful"},
	} {
		for _, text := range texts {
			if got := saying(text); got != want {
				t.Errorf("%q says %q, want %q", text, got, want)
			}
		}
	}
}

// Every text that the table puts together is a failure, also with its stop and in capitals.
func TestFailures(t *testing.T) {
	for _, text := range failures() {
		if got := saying(text + "。"); got != [2]string{"uncleanable", "noncleaned"} {
			t.Errorf("%q says %q", text, got)
		}
	}
}

func TestCandidatesOfResults(t *testing.T) {
	for _, test := range []struct {
		candidates []string
		want       string
	}{
		{[]string{"", "N/A", "File deleted"}, "deleted"},
		{[]string{"Successful", "File deleted"}, "deleted"},
		{[]string{"Frobnicated", "File deleted"}, "deleted"},
		{[]string{"Access denied", "File deleted"}, "Access denied"},
		{[]string{"Frobnicated", "Successful"}, "Frobnicated"},
		{[]string{"Unknown", "Frobnicated"}, "Frobnicated"},
		{nil, "unknown"},
	} {
		if got := saying(test.candidates...)[0]; got != test.want {
			t.Errorf("%q say %q, want %q", test.candidates, got, test.want)
		}
	}
}

func TestResultsOfTheOperator(t *testing.T) {
	r := newResults(map[string]string{"アクセス拒否": "passed", "Reboot later": "reboot", "zzz": "noncleaned", "File cleaned": "Odd"})
	for text, want := range map[string][2]string{
		"アクセス拒否。": {"passed", "noncleaned"}, "REBOOT LATER": {"uncleanable", "reboot"}, "zzz": {"uncleanable", "noncleaned"}, "File cleaned": {"Odd", "Odd"},
	} {
		if got := [2]string{r.of(false, text), r.of(true, text)}; got != want {
			t.Errorf("%q says %q, want %q", text, got, want)
		}
	}
}

// A result that is one of our own words stays it, whatever feature it was of.
func TestOurOwnResults(t *testing.T) {
	for _, word := range []string{"cleaned", "deleted", "quarantined", "renamed", "passed", "uncleanable"} {
		if got := saying(word)[0]; got != word {
			t.Errorf("%q says %q", word, got)
		}
	}
	for _, word := range []string{"cleaned", "noncleaned", "reboot", "unsafe"} {
		if got := saying(word)[1]; got != word {
			t.Errorf("%q says %q", word, got)
		}
	}
}

// What is remembered of texts changes nothing, and stays bounded.
func TestResultsRemembered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newResults(nil)
		for range 20 {
			text := rapid.OneOf(rapid.SampledFrom([]string{"File cleaned", "駆除できません", "x", "-"}), rapid.String()).Draw(t, "text")
			if got, want := r.of(false, text), saying(text)[0]; got != want {
				t.Fatalf("%q says %q, then %q", text, want, got)
			}
		}
	})
}
