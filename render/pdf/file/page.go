package file

import (
	"math"
	"strconv"
	"unicode/utf16"
)

// Color is an opaque one (sRGB).
type Color struct{ R, G, B uint8 }

// Page takes what is drawn, in points from its top left. Whatever is drawn belongs to the element
// that In named last; before that, and after In(nil), it is decoration that no reader hears of.
type Page struct {
	doc    *Doc
	number int
	b      []byte // operators (ISO 32000-1, 8 and 9)

	in     *Element // what the next content belongs to
	open   bool     // a marked-content sequence is
	opened *Element // whose
	marks  []*Element

	// What the operators above have set last, so that it is not said again.
	fill, stroke Color
	width        float64
	font         int
	size         float64
	dashed       bool

	links                       []link
	object, firstLink, firstKey int // once they are written
}

// In says whose the content that follows is; nil: nobody's.
func (p *Page) In(e *Element) { p.in = e }

// begin opens the marked-content sequence that the next operator belongs into.
func (p *Page) begin() {
	if p.open && p.opened == p.in {
		return
	}
	p.finish()
	p.open, p.opened = true, p.in
	if p.in == nil {
		p.b = append(p.b, "/Artifact BMC\n"...)
		return
	}
	p.b = append(append(append(p.b, '/'), p.in.Type...), "<</MCID "...)
	p.b = append(strconv.AppendInt(p.b, int64(len(p.marks)), 10), ">>BDC\n"...)
	p.in.kids = append(p.in.kids, kid{page: p, mark: len(p.marks)})
	p.marks = append(p.marks, p.in)
}

// finish closes the sequence that is open.
func (p *Page) finish() {
	if p.open {
		p.b, p.open = append(p.b, "EMC\n"...), false
	}
}

// Spoken runs draw, whose text is heard, found and copied as text (ActualText, ISO 32000-1, 14.9.4).
// draw must not call In.
func (p *Page) Spoken(text string, draw func()) {
	p.begin()
	p.b = append(p.b, "/Span<</ActualText<FEFF"...)
	for _, unit := range utf16.Encode([]rune(text)) {
		p.b = appendHex(p.b, unit)
	}
	p.b = append(p.b, ">>>BDC\n"...)
	draw()
	p.b = append(p.b, "EMC\n"...)
}

// Rect fills a rectangle.
func (p *Page) Rect(x, y, w, h float64, c Color) {
	p.begin()
	p.setFill(c)
	p.at(x, y+h)
	p.two(w, h)
	p.b = append(p.b, "re f\n"...)
}

// Line draws a line; dash is the length of its dots and the gap behind each, zero for none.
func (p *Page) Line(x0, y0, x1, y1, width float64, c Color, dash [2]float64) {
	p.begin()
	p.setStroke(c, width)
	if dashed := dash != [2]float64{}; dashed || p.dashed {
		p.b = append(p.b, '[')
		if dashed {
			p.two(dash[0], dash[1])
		}
		p.b = append(p.b, "]0 d "...)
		p.dashed = dashed
	}
	p.at(x0, y0)
	p.b = append(p.b, "m "...)
	p.at(x1, y1)
	p.b = append(p.b, "l S\n"...)
}

// Pen traces a path.
type Pen struct{ p *Page }

// Fill fills what trace traces.
func (p *Page) Fill(c Color, trace func(Pen)) {
	p.begin()
	p.setFill(c)
	trace(Pen{p})
	p.b = append(p.b, "f\n"...)
}

// Stroke draws the lines that trace traces.
func (p *Page) Stroke(c Color, width float64, trace func(Pen)) {
	p.begin()
	p.setStroke(c, width)
	trace(Pen{p})
	p.b = append(p.b, "S\n"...)
}

// Move begins at a point.
func (n Pen) Move(x, y float64) { n.p.at(x, y); n.p.b = append(n.p.b, "m "...) }

// Line goes on to a point.
func (n Pen) Line(x, y float64) { n.p.at(x, y); n.p.b = append(n.p.b, "l "...) }

// Curve goes on to (x, y) by a cubic Bézier curve.
func (n Pen) Curve(x1, y1, x2, y2, x, y float64) {
	n.p.at(x1, y1)
	n.p.at(x2, y2)
	n.p.at(x, y)
	n.p.b = append(n.p.b, "c "...)
}

// Close goes back to where the path began.
func (n Pen) Close() { n.p.b = append(n.p.b, "h "...) }

// Text draws s in one font with its baseline's left end at (x, y). A rune that the font lacks is drawn
// as the font's sign for that.
func (p *Page) Text(s string, x, y float64, font int, size float64, c Color) {
	p.begin()
	p.setFill(c)
	p.b = append(p.b, "BT "...)
	if p.font != font || p.size != size {
		p.b = strconv.AppendInt(append(p.b, "/F"...), int64(font), 10)
		p.b = append(appendHundredths(append(p.b, ' '), size), " Tf "...)
		p.font, p.size = font, size
	}
	p.at(x, y)
	p.b = p.doc.subset(font).appendText(append(p.b, "Td("...), s)
	p.b = append(p.b, ")Tj ET\n"...)
}

func (p *Page) at(x, y float64) { p.two(x, A4.H-y) }

func (p *Page) two(a, b float64) {
	p.b = append(appendHundredths(p.b, a), ' ')
	p.b = append(appendHundredths(p.b, b), ' ')
}

func (p *Page) setFill(c Color) {
	if p.fill != c {
		p.b = append(appendColor(p.b, c), "rg "...)
		p.fill = c
	}
}

func (p *Page) setStroke(c Color, width float64) {
	if p.stroke != c {
		p.b = append(appendColor(p.b, c), "RG "...)
		p.stroke = c
	}
	if p.width != width {
		p.b = append(appendHundredths(p.b, width), " w "...)
		p.width = width
	}
}

func appendColor(b []byte, c Color) []byte {
	for _, part := range []uint8{c.R, c.G, c.B} {
		b = append(b, shares[part]...)
	}
	return b
}

// shares are the 256 parts of a colour as a page says them.
var shares = func() (list [256]string) {
	for i := range list {
		list[i] = strconv.FormatFloat(math.Round(float64(i)/0.255)/1000, 'f', -1, 64) + " "
	}
	return list
}()

// link is a rectangle of a page that leads somewhere.
type link struct {
	element    *Element
	x, y, w, h float64
	contents   string
	uri        string // "": to
	to         Place
}

// LinkTo makes a rectangle lead to a place of the document. Its element, a Link, holds the text that is
// drawn there; contents says where it leads.
func (p *Page) LinkTo(e *Element, x, y, w, h float64, contents string, to Place) {
	p.link(link{element: e, x: x, y: y, w: w, h: h, contents: contents, to: to})
}

// LinkOut makes a rectangle lead to a web address.
func (p *Page) LinkOut(e *Element, x, y, w, h float64, contents, uri string) {
	p.link(link{element: e, x: x, y: y, w: w, h: h, contents: contents, uri: uri})
}

func (p *Page) link(l link) {
	l.element.kids = append(l.element.kids, kid{page: p, mark: len(p.links), link: true})
	p.links = append(p.links, l)
}

// link writes an annotation whose key in the parent tree is given.
func (w *writer) link(l link, key int) {
	w.add("<</Type/Annot/Subtype/Link/F 4/Border[0 0 0]/Rect[")
	w.hundredths(l.x).add(" ").hundredths(A4.H - l.y - l.h).add(" ").hundredths(l.x + l.w).add(" ").hundredths(A4.H - l.y)
	w.add("]/Contents").text(l.contents).add("/StructParent ").int(key)
	if l.uri != "" {
		w.add("/A<</S/URI/URI").text(l.uri).add(">>>>")
		return
	}
	w.add("/Dest").destination(l.to).add(">>")
}

// Number is the page's, counted from 1.
func (p *Page) Number() int { return p.number }
