package font

import (
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"geppo/templates"
)

func family(t testing.TB) Family {
	t.Helper()
	f, err := Load(templates.FS)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestEveryScriptOfNamesHasAFont(t *testing.T) {
	f := family(t)
	for script, text := range map[string]string{
		"Japanese": "髙﨑邊祐あア々〆", "beyond the BMP": "𠮷𩸽𠮟", "Korean": "한국어들", "simplified Chinese": "简体们国语", "Vietnamese": "Đặng Thị Hường",
		"Thai": "เมืองไทย", "Cyrillic": "Москва", "Greek": "Αθήνα", "symbols": "♥☃★②㈱",
	} {
		for _, face := range []*Face{f.Regular, f.Bold} {
			if got, spelled := face.Clean(text); spelled != 0 || got != text {
				t.Errorf("%s is printed %q, %d characters spelled", script, got, spelled)
			}
		}
	}
}

func TestWhatNoFontHasIsSpelled(t *testing.T) {
	f := family(t).Regular
	for in, want := range map[string]string{
		"a\x00b": "aU+0000b", "🎉祝": "U+1F389祝", "a\u202eb": "ab", " a \t b ": "a b", "か\u3099": "が", "\xff": "U+FFFD",
	} {
		if f.Has('\uFFFD') && in == "\xff" {
			want = "\uFFFD"
		}
		if got, _ := f.Clean(in); got != want {
			t.Errorf("%q is printed %q, want %q", in, got, want)
		}
	}
}

// TestRunsAreTheWholeText: whatever the text, its runs put together are the text, and as wide.
func TestRunsAreTheWholeText(t *testing.T) {
	fam := family(t)
	fonts := fam.Fonts()
	rapid.Check(t, func(t *rapid.T) {
		text, _ := fam.Bold.Clean(rapid.StringOf(rapid.RuneFrom([]rune("aA1漢𠮷한ไ♥🎉 ー"))).Draw(t, "text"))
		var whole strings.Builder
		width, last := 0.0, -1
		fam.Bold.Runs(text, func(place int, run string, w float64) {
			if place == last {
				t.Fatal("two runs of one font stand side by side")
			}
			for _, r := range run {
				if fonts[place].Index(r) == 0 {
					t.Fatalf("%q is drawn by %s, which lacks it", r, fonts[place].Name)
				}
			}
			whole.WriteString(run)
			width, last = width+w, place
		})
		if whole.String() != text {
			t.Fatalf("the runs of %q are %q", text, whole.String())
		}
		if d := width - fam.Bold.Width(text, 1); d > 1e-9 || d < -1e-9 {
			t.Fatalf("the runs are %v wide, the text %v", width, fam.Bold.Width(text, 1))
		}
	})
}

// TestPlainTextNeedsNoCleaning: what is taken for plain is what it would be cleaned to, character by character.
func TestPlainTextNeedsNoCleaning(t *testing.T) {
	f := family(t).Regular
	plain := 0
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom([]rune("aéかハ漢 \u3000\u3099\u309a\u0301\u200d\ufe00\u00ad\u2126Åﾊﾞ　\u2028　．神"))).Draw(t, "text")
		if !f.isPlain(s) {
			return
		}
		plain++
		if !norm.NFC.IsNormalString(s) || strings.TrimSpace(strings.ReplaceAll(s, "\u3000", "x")) != strings.ReplaceAll(s, "\u3000", "x") || strings.Contains(s, "  ") {
			t.Fatalf("%q is taken for plain", s)
		}
		for _, r := range s {
			if got, spelled := f.Clean("x" + string(r) + "x"); got != "x"+string(r)+"x" || spelled != 0 {
				t.Fatalf("%q is taken for plain, but %q is cleaned to %q", s, r, got)
			}
		}
	})
	if plain == 0 {
		t.Error("none of the texts was plain")
	}
}

func TestShortenKeepsBothEnds(t *testing.T) {
	f := family(t).Regular
	long := "file-server-" + strings.Repeat("x", 300) + ".example.co.jp"
	got := f.Shorten(long, 10, 200)
	if f.Width(got, 10) > 200 || !strings.HasPrefix(got, "file-") || !strings.HasSuffix(got, ".co.jp") || !strings.Contains(got, "…") {
		t.Errorf("shortened to %q", got)
	}
}

func TestAMissingFontIsNamed(t *testing.T) {
	if _, err := Load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), regularFile) {
		t.Errorf("got %v", err)
	}
	if _, err := Parse("broken", []byte("no font")); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got %v", err)
	}
}
