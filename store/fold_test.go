package store_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"geppo/store"
)

func TestFoldJoinsTheSpellingsOfOneMachine(t *testing.T) {
	for want, spellings := range map[string][]string{
		"srv-file01": {"SRV-FILE01", "srv-file01", " Srv-File01\t", "ＳＲＶ－ＦＩＬＥ０１", "srv\u200b-file01", "\ufeffSRV-FILE01", "srv-file01\u202e", "srv\x00-file01", "srv-file01\xff"},
		"営業パソコン":     {"営業パソコン", "営業ﾊﾟｿｺﾝ", norm.NFD.String("営業パソコン"), "営業パソコン\u3000"},
		"strasse":    {"Straße", "STRASSE", "straẞe"},
		"ή":          {"Ή", norm.NFD.String("ή")},
		"office":     {"oﬃce", "OFFICE"},
		"a b":        {"A B", "a\tb", "a\u00a0b"},
		"":           {"", " ", "\u200b", "\u3164", "\x1b\x07", "\U000e0041"},
	} {
		for _, s := range spellings {
			if got := store.Fold(s); got != want {
				t.Errorf("Fold(%q) = %q, want %q", s, got, want)
			}
		}
	}
}

func TestFoldKeepsMachinesApart(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"PC-1", "PC-10", "PC1", "PC_1", "PC-1.corp.example.jp", "pc 1", "ハンバ", "パンパ", "バンバ", "é", "e", "\ue000", "\ue001", "=1+1", "<b>"} {
		if other, taken := seen[store.Fold(name)]; taken {
			t.Errorf("%q and %q fold to the same", name, other)
		}
		seen[store.Fold(name)] = name
	}
}

func TestFoldIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[A-Za-z0-9.\-Ａ-ｚｦ-ﾟ\x{0300}-\x{0345}\x{200b}-\x{200f} ]*`)).Draw(t, "name")
		folded := store.Fold(name)
		if again := store.Fold(folded); again != folded {
			t.Fatalf("%q folds to %q, and that to %q", name, folded, again)
		}
		if !utf8.ValidString(folded) || strings.ContainsFunc(folded, unicode.IsControl) || strings.TrimSpace(folded) != folded {
			t.Fatalf("%q folds to %q", name, folded)
		}
		for _, spelt := range []string{norm.NFD.String(name), norm.NFKC.String(name), " " + name + "\u3000", "\u200b" + name} {
			if got := store.Fold(spelt); got != folded {
				t.Fatalf("%q folds to %q, and as %q to %q", name, folded, spelt, got)
			}
		}
	})
}

// A name with its domain may mean the machine of its first part; an address is no such name.
func TestBareNames(t *testing.T) {
	for name, want := range map[string]string{
		"PC01.corp.example.jp": "pc01", "ＰＣ０１．local": "pc01", "pc01": "", "": "", ".local": "", "192.0.2.1": "", "2001:db8::1.2.3.4": "",
	} {
		if got := store.Bare(store.Fold(name)); got != want {
			t.Errorf("%q is called %q, want %q", name, got, want)
		}
	}
}

func BenchmarkFold(b *testing.B) {
	for b.Loop() {
		store.Fold("DESKTOP-0000123")
	}
}
