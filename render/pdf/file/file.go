// Package file writes tagged PDF files (ISO 32000-1, PDF/UA-1, PDF/A-2a): pages of operators, a tree
// that says what they mean, embedded fonts, bookmarks and links. It knows nothing of reports, breaks
// no lines and chooses no place; whoever sets the pages does. It is pure: the same calls give the same
// bytes.
//
// No library to be had for Go writes a structure tree, which is what a screen reader reads; hence our own.
package file

import (
	"fmt"
	"time"

	"github.com/cespare/xxhash/v2"

	"geppo/render/deflate"
)

// Info is what a viewer shows of a document, and a screen reader says first.
type Info struct {
	Title   string // shown in place of the file's name
	Author  string
	Subject string
	Lang    string    // BCP 47, "ja-JP"
	Date    time.Time // of creation; equal reports must give equal bytes, so it is no clock's
}

// Size is a page's, in points.
type Size struct{ W, H float64 }

// A4 is the size of all pages.
var A4 = Size{595.28, 841.89}

// Doc is a file that is being written. It is not safe for use by several goroutines.
type Doc struct {
	info     Info
	fonts    *Fonts
	used     []*subset // by font; nil: not yet
	pages    []*Page
	root     *Element
	elements int // of the tree, without its root
	marks    []bookmark
	pictures []*Picture
	ids      []*Element // that have an ID, in the order of their IDs
}

// bookmark is an entry of the outline.
type bookmark struct {
	level int
	title string
	to    Place
}

// Place is a height of a page, for links and bookmarks.
type Place struct {
	Page *Page
	Y    float64 // points from the page's top
}

// New begins a file that may use fonts. Text names them by their place in the list.
func New(info Info, fonts *Fonts) *Doc {
	d := &Doc{info: info, fonts: fonts, used: make([]*subset, len(fonts.list))}
	d.root = &Element{doc: d, Type: "Document"}
	d.elements = 1
	return d
}

// subset is what the document uses of a font.
func (d *Doc) subset(font int) *subset {
	if d.used[font] == nil {
		d.used[font] = d.fonts.list[font].subset()
	}
	return d.used[font]
}

// release gives back what the next document can use.
func (d *Doc) release() {
	for i, s := range d.used {
		if s != nil {
			s.release()
			d.used[i] = nil
		}
	}
}

// Root is the element that all others stand below.
func (d *Doc) Root() *Element { return d.root }

// AddPage adds a page behind the others. Pages may be written to in any order, until Write.
func (d *Doc) AddPage() *Page {
	p := &Page{doc: d, number: len(d.pages) + 1, b: make([]byte, 0, 8<<10)}
	d.pages = append(d.pages, p)
	return p
}

// Page is the n-th page, counted from 1.
func (d *Doc) Page(n int) *Page { return d.pages[n-1] }

// Pages is how many there are.
func (d *Doc) Pages() int { return len(d.pages) }

// Bookmark adds an entry to the outline; level 0 is the outermost, and none is skipped on the way down.
func (d *Doc) Bookmark(level int, title string, to Place) {
	d.marks = append(d.marks, bookmark{level, title, to})
}

// Write makes the file. The document must not be used any more.
func (d *Doc) Write(pool *deflate.Pool) ([]byte, error) {
	defer d.release()
	w := newWriter(pool)
	defer w.release()
	colours, err := sRGB()
	if err != nil {
		return nil, err
	}
	catalog, info, pages, tree, meta := w.reserve(1), w.reserve(1), w.reserve(1), w.reserve(1), w.reserve(1)
	profile, outlines := w.reserve(1), w.reserve(1+len(d.marks))
	for _, p := range d.pages {
		p.object = w.reserve(1)
	}
	firstElement := w.reserve(d.elements)
	links := 0
	for _, p := range d.pages {
		p.firstLink = w.reserve(len(p.links))
		p.firstKey = len(d.pages) + links // of the parent tree
		links += len(p.links)
	}
	fonts, err := w.fonts(d.used)
	if err != nil {
		return nil, err
	}
	pictures := w.pictures(d.pictures)
	for _, p := range d.pages {
		if err := w.page(p, pages, fonts, pictures); err != nil {
			return nil, err
		}
	}
	w.open(pages)
	w.add("<</Type/Pages/Count ").int(len(d.pages)).add("/Kids[")
	for _, p := range d.pages {
		w.ref(p.object)
	}
	w.add("]>>")
	w.structure(d, tree, firstElement)
	w.outline(d.marks, outlines)
	w.plain(meta, "/Type/Metadata/Subtype/XML", d.info.xmp())
	w.packed(profile, "/N 3", colours)
	w.info(info, d.info)
	w.open(catalog)
	w.add("<</Type/Catalog/Pages ").ref(pages).add("/StructTreeRoot ").ref(tree).add("/MarkInfo<</Marked true>>/Lang ").text(d.info.Lang)
	w.add("/ViewerPreferences<</DisplayDocTitle true>>/Metadata ").ref(meta)
	w.add("/OutputIntents[<</Type/OutputIntent/S/GTS_PDFA1/OutputConditionIdentifier(sRGB)/DestOutputProfile ").ref(profile).add(">>]")
	if len(d.marks) > 0 {
		w.add("/Outlines ").ref(outlines).add("/PageMode/UseOutlines")
	}
	w.add(">>")
	return w.close(catalog, info)
}

// page writes a page with its content and links.
func (w *writer) page(p *Page, parent int, fonts, pictures []int) error {
	p.finish()
	content := w.reserve(1)
	if err := w.stream(content, "", p.b); err != nil {
		return fmt.Errorf("page %d: %w", p.number, err)
	}
	w.open(p.object)
	w.add("<</Type/Page/Parent ").ref(parent).add("/MediaBox[0 0 ").hundredths(A4.W).add(" ").hundredths(A4.H).add("]/Resources<</Font<<")
	for i, f := range fonts {
		if f != 0 {
			w.add("/F").int(i).add(" ").ref(f)
		}
	}
	w.add(">>")
	if len(pictures) > 0 {
		w.add("/XObject<<")
		for i, object := range pictures {
			w.add("/I").int(i).add(" ").ref(object)
		}
		w.add(">>")
	}
	w.add(">>/Contents ").ref(content).add("/StructParents ").int(p.number - 1).add("/Tabs/S")
	if len(p.links) > 0 {
		w.add("/Annots[")
		for i := range p.links {
			w.ref(p.firstLink + i)
		}
		w.add("]")
	}
	w.add(">>")
	for i, l := range p.links {
		w.open(p.firstLink + i)
		w.link(l, p.firstKey+i)
	}
	return nil
}

// outline writes the bookmarks; the object first is their root.
func (w *writer) outline(marks []bookmark, first int) {
	if len(marks) == 0 {
		return
	}
	below := func(i int) int { // how many stand below mark i, -1 being the root
		level, n := -1, 0
		if i >= 0 {
			level = marks[i].level
		}
		for ; i+1+n < len(marks) && marks[i+1+n].level > level; n++ {
		}
		return n
	}
	number := func(i int) int { return first + 1 + i }
	lastChild := func(i int) (last int) {
		for k, end := i+1, i+1+below(i); k < end; k += 1 + below(k) {
			last = k
		}
		return last
	}
	w.open(first)
	w.add("<</Type/Outlines/First ").ref(number(0)).add("/Last ").ref(number(lastChild(-1))).add("/Count ").int(len(marks)).add(">>")
	parents := []int{first} // by level
	previous := map[int]int{}
	for i, m := range marks {
		parents = append(parents[:m.level+1], number(i))
		w.open(number(i))
		w.add("<</Title ").text(m.title).add("/Parent ").ref(parents[m.level])
		if before, ok := previous[m.level]; ok {
			w.add("/Prev ").ref(number(before))
		}
		if next := i + 1 + below(i); next < len(marks) && marks[next].level == m.level {
			w.add("/Next ").ref(number(next))
		}
		if n := below(i); n > 0 {
			w.add("/First ").ref(number(i + 1)).add("/Last ").ref(number(lastChild(i))).add("/Count ").int(n)
		}
		w.add("/Dest").destination(m.to).add(">>")
		previous[m.level] = i
		delete(previous, m.level+1)
	}
}

// id tells two files apart (ISO 32000-1, 14.4): the hash of all that stands before it.
func id(content []byte) string { return fmt.Sprintf("%032x", xxhash.Sum64(content)) }
