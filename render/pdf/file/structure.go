package file

import "slices"

// Element is a node of the tree that says what the pages' content means (ISO 32000-1, 14.7 and 14.8):
// its Type is one of the standard ones, H1, P, Table, TR, TH, TD, L, LI, Figure, Link, Note and so on.
// The tree's order is the reading order, whatever the order in which pages were written.
type Element struct {
	Type string
	// Alt stands for a figure to those who cannot see it; Actual for text that is printed in another way.
	Alt, Actual string
	Scope       string     // of a TH: Row or Column
	ColSpan     int        // of a cell; 0 is 1
	Box         [4]float64 // of a Figure: left, top, right, bottom, in points from the page's top left
	ID          string     // of a Note, which needs one

	doc    *Doc
	number int // of its object; once it is written
	parent *Element
	kids   []kid
}

// kid is an element, a piece of a page's content (mark), or a link's annotation.
type kid struct {
	element *Element
	page    *Page
	mark    int // on the page; of a link: its place in the page's list
	link    bool
}

// Child adds an element below e, behind those that are there.
func (e *Element) Child(kind string) *Element {
	c := &Element{Type: kind, doc: e.doc, parent: e}
	e.kids = append(e.kids, kid{element: c})
	e.doc.elements++
	return c
}

// Identify gives e an identifier that no other has.
func (e *Element) Identify(id string) {
	e.ID = id
	e.doc.ids = append(e.doc.ids, e)
}

// structure writes the tree, its elements' objects numbered from first on.
func (w *writer) structure(d *Doc, tree, first int) {
	next := first
	d.root.count(&next)
	w.open(tree)
	w.add("<</Type/StructTreeRoot/K ").ref(d.root.number).add("/ParentTree<</Nums[")
	for _, p := range d.pages {
		w.int(p.number - 1).add("[")
		for _, e := range p.marks {
			w.ref(e.number)
		}
		w.add("]")
	}
	keys := len(d.pages)
	for _, p := range d.pages {
		for i, l := range p.links {
			w.int(p.firstKey + i).add(" ").ref(l.element.number)
			keys++
		}
	}
	w.add("]>>/ParentTreeNextKey ").int(keys)
	if len(d.ids) > 0 {
		slices.SortFunc(d.ids, func(a, b *Element) int { return compareBytes(a.ID, b.ID) })
		w.add("/IDTree<</Names[")
		for _, e := range d.ids {
			w.text(e.ID).ref(e.number)
		}
		w.add("]>>")
	}
	w.add(">>")
	w.element(d.root, tree)
}

// compareBytes orders IDs as a name tree wants them.
func compareBytes(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// count numbers the elements in reading order.
func (e *Element) count(next *int) {
	e.number = *next
	*next++
	for _, k := range e.kids {
		if k.element != nil {
			k.element.count(next)
		}
	}
}

// element writes e and all below it.
func (w *writer) element(e *Element, parent int) {
	w.open(e.number)
	w.add("<</S/").add(e.Type).add("/P ").ref(parent)
	page := e.page()
	if page != nil {
		w.add("/Pg ").ref(page.object)
	}
	w.kids(e, page)
	if e.Alt != "" {
		w.add("/Alt").text(e.Alt)
	}
	if e.Actual != "" {
		w.add("/ActualText").text(e.Actual)
	}
	if e.ID != "" {
		w.add("/ID").text(e.ID)
	}
	w.attributes(e)
	w.add(">>")
	for _, k := range e.kids {
		if k.element != nil {
			w.element(k.element, e.number)
		}
	}
}

// page is the one that most of e's own content stands on, nil if it has none.
func (e *Element) page() *Page {
	for _, k := range e.kids {
		if k.page != nil {
			return k.page
		}
	}
	return nil
}

func (w *writer) kids(e *Element, page *Page) {
	if len(e.kids) == 0 {
		return
	}
	w.add("/K[")
	for _, k := range e.kids {
		switch {
		case k.element != nil:
			w.ref(k.element.number)
		case k.link:
			w.add("<</Type/OBJR/Pg ").ref(k.page.object).add("/Obj ").ref(k.page.firstLink + k.mark).add(">>")
		case k.page == page:
			w.int(k.mark).add(" ")
		default:
			w.add("<</Type/MCR/Pg ").ref(k.page.object).add("/MCID ").int(k.mark).add(">>")
		}
	}
	w.add("]")
}

func (w *writer) attributes(e *Element) {
	switch {
	case e.Scope != "" || e.ColSpan > 1:
		w.add("/A<</O/Table")
		if e.Scope != "" {
			w.add("/Scope/").add(e.Scope)
		}
		if e.ColSpan > 1 {
			w.add("/ColSpan ").int(e.ColSpan)
		}
		w.add(">>")
	case e.Type == "Figure":
		w.add("/A<</O/Layout/Placement/Block/BBox[").hundredths(e.Box[0]).add(" ").hundredths(A4.H - e.Box[3]).add(" ")
		w.hundredths(e.Box[2]).add(" ").hundredths(A4.H - e.Box[1]).add("]>>")
	case e.Type == "L":
		w.add("/A<</O/List/ListNumbering/None>>")
	}
}
