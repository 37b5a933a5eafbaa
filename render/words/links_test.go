package words

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"mvdan.cc/xurls/v2"
	"pgregory.net/rapid"
)

func TestDisarm(t *testing.T) {
	for name, want := range map[string]string{
		"http://c2.example.com/payload.exe":        "hxxp://c2[.]example[.]com/payload.exe",
		"HTTPS://user@bad.example:8443/x?y=a.b#c":  "hxxps://user@bad[.]example:8443/x?y=a.b#c",
		"ftp://192.0.2.1/":                         "fxp://192[.]0[.]2[.]1/",
		"smb://host/share":                         "smb[:]//host/share",
		"www.example.net":                          "www[.]example[.]net",
		"see http://a.example and https://b.test.": "see hxxp://a[.]example and hxxps://b[.]test[.]",
		"mailto:a@b.example":                       "mailto[:]a@b.example",
		"javascript:alert(1)":                      "javascript[:]alert(1)",
		"hxxp://x":                                 "hxxp://x",
		"hxxps://a[.]b":                            "hxxps://a[.]b",
		"例え.http://例え.テスト/":                        "例え.hxxp://例え[.]テスト/",
		"Win32:Malware-gen":                        "Win32:Malware-gen",
		"TROJ_GEN.R002C0CLT21":                     "TROJ_GEN.R002C0CLT21",
		"invoice.zip":                              "invoice.zip",
		`C:\a.exe`:                                 `C:\a.exe`,
		"Windows 8.1":                              "Windows 8.1",
	} {
		if got := Disarm(name); got != want || Disarm(got) != got {
			t.Errorf("%q: %q, again %q", name, got, Disarm(got))
		}
	}
	if got := Shown("ht\u200btp\u2060://a\u00ad.example"); got != "hxxp://a[.]example" {
		t.Errorf("what is not seen hid it: %q", got)
	}
}

func TestUnlink(t *testing.T) {
	for name, want := range map[string]string{
		"invoice.zip":            "invoice_.zip",
		"pc-02.corp.example.com": "pc-02_.corp_.example_.com",
		"a.b@c.example.jp":       "a_.b_@c_.example_.jp",
		"192.0.2.1":              "192_.0_.2_.1",
		"例え.みんな":                 "例え_.みんな",
		"setup.mov_1":            "setup_.mov_1", "svchost.exe": "svchost.exe", "Ransom.Win32.LOCKBIT.SMYXCJN": "Ransom.Win32.LOCKBIT.SMYXCJN",
		"payload.com-old":             "payload_.com-old",
		"xn--r8jz45g.xn--q9jyb4c":     "xn--r8jz45g_.xn--q9jyb4c",
		`\\server\share`:              `\_\server\share`,
		"TROJ_GEN.R002C0CLT21":        "TROJ_GEN.R002C0CLT21",
		"Windows 10.0.19045":          "Windows 10.0.19045",
		"17.5％":                       "17.5％",
		"(Test001/files.example.jp)で": "(Test001/files_.example_.jp)で",
		"":                            "",
	} {
		if got := strings.ReplaceAll(Unlink(name), joiner, "_"); got != want {
			t.Errorf("%q: %q", name, got)
		}
	}
}

// hostileNames are made of what attackers name their files and hosts by.
func hostileNames() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			"http://", "HTTPS://", "ftp://", "mailto:", "www.", "www2.", "://", ":", "/", "//", `\\`, `\`, ".", "..", "@", "-", "_", " ", "…", "[.]",
			"evil", "example", ".com", ".zip", ".mov", ".sh", ".exe", ".co.jp", "xn--q9jyb4c", "例え", ".みんな", "192.0.2.1", "a", "7",
			"\u200b", "\u2060", "\u00ad", "\u202e", "\t", "tel:", "javascript:",
		}),
		rapid.StringN(0, 4, -1),
	)
	return rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(piece, 1, 12).Draw(t, "pieces"), "") })
}

var scheme = regexp.MustCompile(`(?i)(https?|ftp)://|\bmailto:|\bjavascript:|www\d*\.`)

// noDomain are names below what xurls takes for a domain and nobody can register.
var noDomain = regexp.MustCompile(`(?i)\.(` + strings.Join(xurls.PseudoTLDs, "|") + `)\b`)

// Whatever a name is and wherever it is cut, no program that knows the world's domains finds a link in it, and what is read is the
// name: no character is lost but those that are not seen.
func TestNoNameIsALink(t *testing.T) {
	links := xurls.Relaxed()
	// It takes any scheme for one, and addresses of IPv6, which no mail program follows.
	unfollowed := strings.NewReplacer("::", " ", "hxxps://", " ", "hxxp://", " ", "fxps://", " ", "fxp://", " ")
	w := &Words{Format: Format{NoName: "x"}}
	rapid.Check(t, func(t *rapid.T) {
		name := hostileNames().Draw(t, "name")
		shown := Shown(name)
		if found := scheme.FindString(shown); found != "" {
			t.Fatalf("%q is shown as %q: %q", name, shown, found)
		}
		if Shown(shown) != shown {
			t.Fatalf("%q is shown as %q, and that as %q", name, shown, Shown(shown))
		}
		for _, width := range []int{12, 30, 1000} {
			mailed := Unlink(w.Name(name, width)) // as the mail's printers do with all they print
			for _, found := range links.FindAllString(unfollowed.Replace(mailed), -1) {
				if !noDomain.MatchString(found) {
					t.Fatalf("%q in a mail is %q: %q is a link", name, mailed, found)
				}
			}
			if plain := strings.ReplaceAll(mailed, joiner, ""); plain != w.Name(name, width) || !utf8.ValidString(plain) {
				t.Fatalf("%q in a mail reads %q", name, plain)
			}
		}
	})
}
