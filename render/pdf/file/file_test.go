package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"geppo/render/deflate"
	"geppo/render/font"
)

// written is a file with every kind of element, in two fonts, its pages written out of order.
func written(t *testing.T) []byte {
	t.Helper()
	fonts := NewFonts(testFont(t, "BIZUDPGothic-Regular"), testFont(t, "BIZUDPGothic-Bold"))
	d := New(Info{Title: "題 <&>", Author: "作者", Subject: "C1", Lang: "ja-JP", Date: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}, fonts)
	front, body := d.Root().Child("Sect"), d.Root().Child("Sect")
	first, second := d.AddPage(), d.AddPage()
	second.Rect(10, 10, 50, 5, Color{R: 200})
	at := Place{Page: second, Y: 40}
	d.Bookmark(0, "一", at)
	d.Bookmark(1, "一の一", at)
	d.Bookmark(1, "一の二", at)
	d.Bookmark(0, "二", at)
	second.In(body.Child("H1"))
	second.Text("見出し (1)", 40, 60, 1, 14, Color{})
	paragraph := body.Child("P")
	second.In(paragraph)
	second.Spoken("東京、大阪", func() { second.Text("東…阪", 40, 80, 0, 10, Color{}) })
	figure := body.Child("Figure")
	figure.Alt, figure.Box = "棒グラフ", [4]float64{40, 100, 90, 150}
	second.In(figure)
	second.Fill(Color{G: 90}, func(p Pen) { p.Move(40, 100); p.Line(90, 100); p.Curve(90, 120, 70, 150, 40, 150); p.Close() })
	note := body.Child("Note")
	note.Identify("note-1")
	second.In(note)
	second.Text("注", 40, 800, 0, 7, Color{})
	first.In(front.Child("P"))
	first.Text("表紙", 40, 100, 0, 20, Color{})
	link := front.Child("Link")
	first.In(link)
	first.Text("本文", 40, 130, 0, 10, Color{})
	first.LinkTo(link, 40, 120, 30, 12, "本文へ", at)
	first.In(paragraph) // one element on two pages
	first.Text("続き", 40, 160, 0, 10, Color{})
	out, err := d.Write(deflate.New(3))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func testFont(t *testing.T, weight string) *Font {
	t.Helper()
	f, err := font.Parse(weight, mustRead(t, "fonts/"+weight+".ttf"))
	if err != nil {
		t.Fatal(err)
	}
	return NewFont(f)
}

func TestEqualCallsGiveEqualBytes(t *testing.T) {
	if !bytes.Equal(written(t), written(t)) {
		t.Error("two files differ")
	}
}

// value is an object as qpdf's JSON gives it.
type value = map[string]any

// objects reads a file by qpdf.
func objects(t *testing.T, pdf []byte) (objects map[string]value, catalog value) {
	t.Helper()
	if _, err := exec.LookPath("qpdf"); err != nil {
		t.Skip("needs qpdf, which reads the file")
	}
	name := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(name, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("qpdf", "--check", name).CombinedOutput(); err != nil {
		t.Fatalf("qpdf --check: %v\n%s", err, out)
	}
	out, err := exec.Command("qpdf", "--json=2", "--json-key=qpdf", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	var whole struct{ QPDF [2]json.RawMessage }
	var list map[string]struct {
		Value  any
		Stream struct{ Dict value }
	}
	if err := errors.Join(json.Unmarshal(out, &whole), json.Unmarshal(whole.QPDF[1], &list)); err != nil {
		t.Fatal(err)
	}
	objects = map[string]value{}
	for name, o := range list {
		v, ok := o.Value.(value)
		if !ok {
			v = o.Stream.Dict
		}
		objects[strings.TrimPrefix(name, "obj:")] = v
		if v["/Type"] == "/Catalog" {
			catalog = v
		}
	}
	return objects, catalog
}

// TestTheTreeAndThePagesAgree follows every piece of content and every link from the page to its element and back.
func TestTheTreeAndThePagesAgree(t *testing.T) {
	all, catalog := objects(t, written(t))
	tree := all[catalog["/StructTreeRoot"].(string)]
	keys := map[float64]any{}
	nums := tree["/ParentTree"].(value)["/Nums"].([]any)
	for i := 0; i < len(nums); i += 2 {
		keys[nums[i].(float64)] = nums[i+1]
	}
	seen, kinds := 0, map[string]int{}
	var walk func(ref string, parent any)
	walk = func(ref string, parent any) {
		e := all[ref]
		if e["/P"] != parent {
			t.Errorf("%s says that its parent is %v, want %v", ref, e["/P"], parent)
		}
		kinds[e["/S"].(string)]++
		mark := func(page any, id float64) {
			of := keys[all[page.(string)]["/StructParents"].(float64)].([]any)
			if int(id) >= len(of) || of[int(id)] != ref {
				t.Errorf("content %v of page %v is not that of %s in the parent tree", id, page, ref)
			}
			seen++
		}
		list, _ := e["/K"].([]any)
		for _, k := range list {
			switch k := k.(type) {
			case string:
				walk(k, ref)
			case float64:
				mark(e["/Pg"], k)
			case value:
				if k["/Type"] == "/MCR" {
					mark(k["/Pg"], k["/MCID"].(float64))
					continue
				}
				if link := all[k["/Obj"].(string)]; keys[link["/StructParent"].(float64)] != ref {
					t.Errorf("a link is not its element's in the parent tree: %v", link)
				}
			}
		}
	}
	walk(tree["/K"].(string), catalog["/StructTreeRoot"])
	if seen != 7 || kinds["/Figure"] != 1 || kinds["/H1"] != 1 || kinds["/Sect"] != 2 {
		t.Errorf("%d pieces of content, elements %v", seen, kinds)
	}
	if id := tree["/IDTree"].(value)["/Names"].([]any); id[0] != "u:note-1" {
		t.Errorf("the identifiers are %v", id)
	}
}

func TestADocumentSaysWhatItIs(t *testing.T) {
	pdf := written(t)
	all, catalog := objects(t, pdf)
	if catalog["/Lang"] != "u:ja-JP" || catalog["/MarkInfo"].(value)["/Marked"] != true || catalog["/ViewerPreferences"].(value)["/DisplayDocTitle"] != true {
		t.Errorf("the catalog is %v", catalog)
	}
	for _, want := range []string{"<pdfuaid:part>1<", "<pdfaid:part>2<", "題 &lt;&amp;&gt;"} {
		if !bytes.Contains(pdf, []byte(want)) {
			t.Errorf("the metadata lacks %s", want)
		}
	}
	marks := all[catalog["/Outlines"].(string)]
	first := all[marks["/First"].(string)]
	if marks["/Count"] != 4.0 || first["/Count"] != 2.0 || first["/Title"] != "u:一" || first["/Next"] != marks["/Last"] {
		t.Errorf("the outline is %v, its first entry %v", marks, first)
	}
	for ref, o := range all {
		if o["/Type"] == "/Page" && o["/Tabs"] != "/S" {
			t.Errorf("page %s does not follow the structure", ref)
		}
	}
}

func TestTextComesBackBeyondTheBMPToo(t *testing.T) {
	s := NewFonts(testFont(t, "fallback-7-han")).list[0].subset()
	if got := s.appendText(nil, "𠮷𠮿𠮷\u0e01"); !bytes.Equal(got, []byte{0, 1, 0, 2, 0, 1, 0, 0}) {
		t.Errorf("the glyphs are % x", got)
	}
	if cmap := string(unpacked(t, s.toUnicode(nil))); !strings.Contains(cmap, "<0001> <0002> [<D842DFB7><D842DFBF>]") {
		t.Errorf("the map is\n%s", cmap)
	}
}

func TestNumbersAreShortAndRound(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 1: "1", -1.5: "-1.5", 0.005: "0.01", 12.34: "12.34", 595.28: "595.28", -0.001: "0", 3.1: "3.1", 0.09: "0.09"} {
		if got := string(appendHundredths(nil, v)); got != want {
			t.Errorf("%v is written %s, want %s", v, got, want)
		}
	}
	if got := fmt.Sprintf("%q", appendText(nil, "a(\\)")); got != `"(a\\(\\\\\\))"` {
		t.Error(got)
	}
}
