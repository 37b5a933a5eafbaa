package ingest

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// What became of a detected file is told in words, in the language of the console: this is their one
// table, and the rules for words that are not in it.

// outcome is what a text says, as a virus and as spyware. asReceived is an outcome that reports have
// no counter for: the text itself is kept. An outcome of no words is no answer.
type outcome struct{ virus, spyware string }

func (o outcome) as(spyware bool) string {
	if spyware {
		return o.spyware
	}
	return o.virus
}

const asReceived = "as received"

var (
	cleaned     = outcome{"cleaned", "cleaned"}
	deleted     = outcome{"deleted", "cleaned"}
	quarantined = outcome{"quarantined", "cleaned"}
	renamed     = outcome{"renamed", "cleaned"}
	passed      = outcome{"passed", "noncleaned"}
	// denied is not passed: the file was kept from running.
	denied      = outcome{asReceived, "noncleaned"}
	uncleanable = outcome{"uncleanable", "noncleaned"}
	unsafeClean = outcome{"uncleanable", "unsafe"}
	restart     = outcome{"uncleanable", "reboot"}
	other       = outcome{asReceived, asReceived}
	askNext     = outcome{}
)

// outcomes are the texts that were seen, that follow from those seen, or that are our own words, as
// simplify leaves them.
var outcomes = tableOf(map[outcome][]string{
	cleaned: {
		"File cleaned", "駆除", "駆除済み", "Fichier nettoyé", "Cleaned", "Clean", "Disinfected", "Successfully cleaned", "Cleaned successfully",
		"Reboot system successfully", "駆除しました", "駆除されました", "ファイルを駆除しました", "ファイルが駆除されました", "Datei bereinigt",
	},
	deleted: {
		"File deleted", "Unable to clean file. Deleted", "削除", "Deleted", "Delete", "Removed", "File stripped", "Unable to clean file. Stripped",
		"File replaced", "File dropped", "Deleted successfully", "削除済み", "削除しました", "削除されました", "ファイルが削除されました", "ファイルを削除しました",
		"Fichier supprimé", "Datei gelöscht",
	},
	quarantined: {
		"File quarantined", "Quarantine successfully", "Quarantined successfully", "Unable to clean file. Quarantined", "隔離", "Quarantined",
		"Quarantine", "File moved", "Moved", "Move", "File archived", "隔離済み", "隔離しました", "隔離されました", "ファイルが隔離されました", "ファイルを隔離しました",
		"Fichier mis en quarantaine", "Datei in Quarantäne verschoben", //nolint:misspell // French
	},
	renamed: {
		"File renamed", "Unable to clean file. Renamed", "拡張子変更", "Renamed", "Rename", "Renamed successfully", "拡張子を変更しました", "拡張子変更済み",
		"名前変更", "ファイル名が変更されました", "Fichier renommé",
	},
	passed: {
		"File passed", "Unable to clean file. Passed", "No action", "Passed", "Passed a potential security risk", "放置", "放置 (ログのみ)", "放置(ログのみ)",
		"潜在的なセキュリティリスクを放置しました", "Pass", "Pass/Log", "Logged", "放置しました", "処理なし", "何もしない", "ファイルが放置されました", "Fichier ignoré", "Aucune action",
	},
	denied: {
		"Access denied", "File blocked(Deny Access)", "File blocked (Deny Access)", "File blocked(Defined By Product)", "File blocked (Defined By Product)",
		"Block successfully", "アクセス拒否", "Accès refusé", "Deny access", "File blocked", "Blocked", "Block", "アクセスを拒否しました", "ブロック", "ブロックしました",
		"Zugriff verweigert",
	},
	uncleanable: append(failures(),
		"Unable to block file(Deny Access)", "Unable to block file (Deny Access)", "Unable to deny access", "Unable to perform no action",
		"Action required", "Action required - Perform a full system scan", `Action required - Use the "Rescue Disk" tool`,
		`Action required - Use the "Rootkit Buster" tool`, `Action required - Use the "Clean Boot" tool`, "Further action required", "要確認",
		"uncleanable", "noncleaned", "not cleaned", "ウイルスが検出されましたが、駆除できません", "駆除されていません", "保護されているシステムファイルでは、スパイウェア/グレーウェアを削除できません",
	),
	unsafeClean: {"unsafe", "Unsafe to Clean File", "Spyware/Grayware unsafe to clean", "安全ではない", "安全ではありません"},
	restart: {
		"reboot", "Action Required - Restart the endpoint to finish cleaning the security threat", "再起動する", "再起動が必要です", "再起動してください",
	},
	other: {
		"File uploaded", "Stamp successfully", "Encrypted", "Detect", "Stop scan manually successfully", "Unable to stop scan manually",
		"Redirect Mail for Approval", "Unable to Redirect Mail for Approval",
	},
	askNext: {"Unknown", "N/A", "Successful", "Success", "成功", "不明"},
})

// failures are the texts that are put together: unable to do this, or that.
func failures() (texts []string) {
	for _, object := range []string{" file", " the file"} {
		for _, what := range []string{"clean", "delete", "quarantine", "rename", "pass", "strip", "replace", "drop", "archive", "block", "stamp", "upload"} {
			texts = append(texts, "Unable to "+what+object)
		}
		for _, what := range []string{"pass", "delete", "rename", "quarantine", "strip"} {
			texts = append(texts, "Unable to clean or "+what+object)
		}
	}
	for _, what := range []string{"駆除", "隔離", "削除", "拡張子変更", "駆除または隔離", "駆除または削除", "駆除または拡張子変更"} {
		texts = append(texts, what+"できません", "感染ファイルを"+what+"できません", "ファイルを"+what+"できません")
	}
	return texts
}

func tableOf(texts map[outcome][]string) map[string]outcome {
	table := map[string]outcome{}
	for o, list := range texts {
		for _, text := range list {
			table[simplify(text)] = o
		}
	}
	return table
}

// simplify is the form in which texts are compared: the same words in any case and width, with
// any dash, without the stop at their end.
func simplify(text string) string {
	text = strings.ToLower(norm.NFKC.String(text))
	text = strings.Map(func(r rune) rune {
		switch r {
		case '‐', '‑', '‒', '–', '—', '―', '−':
			return '-'
		}
		return r
	}, text)
	return strings.Trim(strings.Join(strings.Fields(text), " "), " .。!")
}

// results reads results through the operator's own table and the one above.
type results struct {
	own  map[string]string  // simplified text → result
	seen map[string]outcome // what texts as received were found to say; ok is in known
	none map[string]bool    // texts that say nothing known
}

// maxSeen bounds what is remembered of texts: a hostile file has a new one in every row.
const maxSeen = 10_000

func newResults(own map[string]string) results {
	r := results{own: map[string]string{}, seen: map[string]outcome{}, none: map[string]bool{}}
	for text, result := range own {
		r.own[simplify(text)] = result
	}
	return r
}

// of is the result that the candidates tell: the first that says an outcome wins; if none does,
// the first that is not empty is kept as received.
func (r *results) of(spyware bool, candidates ...string) string {
	kept := ""
	for _, text := range candidates {
		if text = strings.TrimSpace(text); absent(text) {
			continue
		}
		o, known := r.outcome(text)
		switch result := o.as(spyware); {
		case known && result == asReceived:
			return text
		case known && result != "":
			return result
		case kept == "" && !slices.Contains([]string{"unknown", "不明"}, simplify(text)):
			kept = text
		}
	}
	if kept == "" {
		return "unknown"
	}
	return kept
}

// outcome is what text says, if it is known.
func (r *results) outcome(text string) (outcome, bool) {
	if o, ok := r.seen[text]; ok {
		return o, true
	}
	if r.none[text] {
		return outcome{}, false
	}
	o, known := r.find(simplify(text))
	if len(r.seen)+len(r.none) >= maxSeen {
		clear(r.seen)
		clear(r.none)
	}
	if known {
		r.seen[text] = o
	} else {
		r.none[text] = true
	}
	return o, known
}

func (r *results) find(text string) (outcome, bool) {
	if result, ok := r.own[text]; ok {
		return chosenAs(result), true
	}
	if o, ok := outcomes[text]; ok {
		return o, true
	}
	return byRule(text)
}

// chosen is what the operator's own table says of a text.
func (r *results) chosen(text string) (outcome, bool) {
	result, ok := r.own[simplify(text)]
	return chosenAs(result), ok
}

// chosenAs is the outcome of a result that the operator chose: one that only viruses have stands for
// spyware's nearest, and the other way round.
func chosenAs(result string) outcome {
	for _, o := range []outcome{cleaned, deleted, quarantined, renamed, passed, uncleanable, unsafeClean, restart} {
		if result == o.virus || result == o.spyware && result != "noncleaned" {
			return o
		}
	}
	if result == "noncleaned" {
		return uncleanable
	}
	return outcome{result, result}
}

var (
	clauseEnds = regexp.MustCompile(`[。.;,、]|ため|ので`)
	required   = regexp.MustCompile(`action required|further action|要確認|処理が必要|対応が必要`)
	restarts   = regexp.MustCompile(`restart|reboot|再起動`)
	needed     = regexp.MustCompile(`require|needed|必要|してください|する$`)
	failed     = regexp.MustCompile(`unable|unsuccessful|fail|could not|cannot|not cleaned|できません|できない|されていません|していません|失敗|impossible|échec|nicht`)
)

// rules are asked in this order for texts that are in no table; "removed" is not "moved", and a
// password passes nothing.
var rules = []struct {
	holds *regexp.Regexp
	says  outcome
}{
	{regexp.MustCompile(`unsafe|安全では`), unsafeClean},
	{nil, restart}, // restarts and needed
	{failed, uncleanable},
	{regexp.MustCompile(`quarant|隔離|\bmoved`), quarantined},
	{regexp.MustCompile(`renam|拡張子|名前変更|renomm`), renamed},
	{regexp.MustCompile(`delet|remov|削除|supprim|gelöscht`), deleted},
	{regexp.MustCompile(`clean|disinfect|駆除|nettoy|bereinigt`), cleaned},
	{regexp.MustCompile(`pass(?:[^w]|$)|no action|放置|ignor`), passed},
	{regexp.MustCompile(`denied|deny|block|拒否|ブロック|refus|verweigert`), denied},
}

// byRule judges a text by what is said last: "unable to clean file, quarantined" is a success.
func byRule(text string) (outcome, bool) {
	if required.MatchString(text) {
		if restarts.MatchString(text) {
			return restart, true
		}
		return uncleanable, true
	}
	clauses := slices.DeleteFunc(clauseEnds.Split(text, -1), func(s string) bool { return strings.TrimSpace(s) == "" })
	if len(clauses) > 0 {
		if o, ok := byWords(strings.TrimSpace(clauses[len(clauses)-1])); ok {
			return o, true
		}
	}
	return byWords(text)
}

func byWords(text string) (outcome, bool) {
	for _, rule := range rules {
		if rule.holds == nil {
			if restarts.MatchString(text) && needed.MatchString(text) {
				return rule.says, true
			}
		} else if rule.holds.MatchString(text) {
			return rule.says, true
		}
	}
	return outcome{}, false
}
