package render_test

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"image/png"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"geppo/render"
	"geppo/templates"
)

// picture is a PNG.
func picture(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			img.Set(x, y, color.NRGBA{R: uint8(x), G: 0x60, B: uint8(y), A: uint8(255 - x%2)})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// brands are two that share nothing.
func brands(t *testing.T) map[string]render.Options {
	t.Helper()
	logo, err := render.Logo(picture(t, 200, 60))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]render.Options{
		"midori": {
			Antivirus: "みどりウイルス対策", EDR: "みどり見張り番", SecurityPackage: "みどり端末パック", Company: "みどり通信株式会社", SupportDesk: "みどりサポート",
			SupportPhone: "0120-111-111", SupportHours: "10時～17時", FilePrefix: "midori", Colours: []string{"#0b6b4f", "#008166"}, Logo: logo,
			ThreatURL: "https://midori.example/?q=",
		},
		"sora": {
			Antivirus: "そらガード", EDR: "そらガード EDR", SecurityPackage: "そらパック", Company: "そらネット", SupportDesk: "そらデスク",
			SupportPhone: "0120-222-222", SupportHours: "9時～18時", FilePrefix: "soranet", Colours: []string{"#7f2e69"}, ThreatURL: "https://sora.example/?q=",
		},
	}
}

var stream = regexp.MustCompile(`(?s)stream\n(.*?)\nendstream`)

// everything is all that a reader, or a program of his, finds in the parts: packed or not, printed or said.
func everything(t *testing.T, parts render.Parts) string {
	t.Helper()
	all := []string{parts.Subject, string(parts.HTML), string(parts.Text)}
	for _, i := range parts.Images {
		all = append(all, i.CID, i.Name, i.Alt, string(i.Data))
	}
	for _, p := range parts.PDFs {
		all = append(all, p.Name, string(p.Data), read(t, p.Data, "pdftotext", "FILE", "-"))
		for _, s := range stream.FindAllSubmatch(p.Data, -1) {
			z, err := zlib.NewReader(bytes.NewReader(s[1]))
			if err != nil {
				continue // not packed
			}
			content, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(content))
		}
	}
	return strings.Join(all, "\n")
}

// names tells whether text has a name in UTF-8 or, as PDFs write it, in UTF-16.
func names(text, name string) bool {
	var wide strings.Builder
	for _, unit := range utf16.Encode([]rune(name)) {
		wide.WriteString(string([]byte{byte(unit >> 8), byte(unit)}))
	}
	return strings.Contains(strings.ToLower(text), strings.ToLower(name)) || strings.Contains(text, wide.String())
}

func TestABrandNamesNoOther(t *testing.T) {
	own := map[string][]string{
		"": {"geppo", "おまかせアンチウイルス", "端末セキュリティ", "セキュリティサポートデスク"},
	}
	for name, o := range brands(t) { // the last are of one product each
		own[name] = []string{o.Company, o.SupportDesk, o.SupportPhone, o.FilePrefix, o.Antivirus, o.EDR, o.SecurityPackage}
	}
	for name, o := range brands(t) {
		r, err := render.New(templates.FS, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			parts, err := r.Parts(r.Word(compute(t, c.month(), 1)))
			if err != nil {
				t.Fatal(err)
			}
			text := everything(t, parts)
			for whose, list := range own {
				for i, n := range list {
					if got := names(text, n); whose != name && got {
						t.Errorf("%s of %s names %q", c.name, name, n)
					} else if whose == name && i < 4 && !got {
						t.Errorf("%s of %s does not name %q", c.name, name, n)
					}
				}
			}
		}
	}
}

func TestLogo(t *testing.T) {
	o := brands(t)["midori"]
	r, err := render.New(templates.FS, o)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := r.Parts(r.Word(compute(t, quietMonth(), 1)))
	if err != nil {
		t.Fatal(err)
	}
	first := parts.Images[len(parts.Images)-1]
	if first.CID != "logo@report" || !strings.Contains(string(parts.HTML), `src="cid:logo@report" width="100" height="30" alt="みどり通信株式会社"`) {
		t.Errorf("the logo %q is not in the mail's head", first.CID)
	}
	for _, p := range parts.PDFs {
		if !bytes.Contains(p.Data, []byte("/Subtype/Image")) {
			t.Errorf("%s has no logo", p.Name)
		}
	}
	for what, data := range map[string][]byte{
		"no PNG": []byte("GIF89a"), "cut off": picture(t, 200, 60)[:200], "too wide": picture(t, 1700, 20), "too small": picture(t, 20, 4),
		"too heavy": append(picture(t, 20, 20), make([]byte, 100_000)...),
	} {
		if logo, err := render.Logo(data); err == nil {
			t.Errorf("%s: taken, %d × %d", what, logo.Width, logo.Height)
		}
	}
}

func TestColours(t *testing.T) {
	for _, c := range []struct {
		list []string
		want string
	}{
		{[]string{"#0b6b4f"}, ""},
		{[]string{"#ffee00"}, "cannot be read on white"},
		{[]string{"green"}, "is not a colour"},
		{[]string{"#0b6b4f", "#ffee00"}, ""},
		{[]string{"#000000", "#000000", "#000000"}, "3 colours"},
	} {
		_, err := render.New(templates.FS, render.Options{Colours: c.list})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v: error %v, want %q", c.list, err, c.want)
		}
	}
}

// TestLookAtABrand writes a brand's mail and PDFs to be looked at, like TestGolden.
func TestLookAtABrand(t *testing.T) {
	if *look == "" {
		t.Skip("-look names no directory")
	}
	for name, o := range brands(t) {
		r, err := render.New(templates.FS, o)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := r.Parts(r.Word(compute(t, problemMonth(), 1)))
		if err != nil {
			t.Fatal(err)
		}
		writeLook(t, name, parts)
	}
}

func TestThreatsAreExplainedEverywhere(t *testing.T) {
	_, parts := rendered(t, averageMonth(), 1)
	text := squeeze(read(t, parts.PDFs[0].Data, "pdftotext", "FILE", "-"))
	for what, body := range map[string]string{"HTML": squeeze(string(parts.HTML)), "text": squeeze(string(parts.Text)), "PDF": text} {
		for _, want := range []string{"検出した主な脅威はどんなもの?", "):役に立つソフトに見せかけて入り込み"} {
			if !strings.Contains(body, want) {
				t.Errorf("the %s does not say %q", what, want)
			}
		}
	}
}
