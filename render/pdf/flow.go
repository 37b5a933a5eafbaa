package pdf

// box is a piece of a page that is never split. Its height is known before it is drawn.
type box struct {
	h    float64
	gap  float64            // above it, but at a page's top
	draw func(x, y float64) // its top left
	keep bool               // it stays on the page of the box that follows
	// again is drawn above the box where it begins a page: the heads of a table that goes on.
	again  func(x, y float64)
	againH float64
	notes  []note
}

// pair are two runs of boxes that may stand side by side, and one that is read after both and stands below the left one.
type pair struct{ left, right, below []box }

// overhang is by how much that one may make a pair higher than it would be.
const overhang = 40.0

// Columns of a page.
const (
	gutter = 20.0
	half   = (measure - gutter) / 2
)

// fullEnough is the part of a page from which it may be left for the next.
const fullEnough = 0.62

// set places boxes one below the other, and breaks pages between them where it must.
func (s *sheet) set(boxes []box) {
	for len(boxes) > 0 {
		n := 1 // how many must stay together
		for n < len(boxes) && boxes[n-1].keep {
			n++
		}
		if s.y > top && !s.fits(boxes[:n]) {
			s.newPage()
		}
		for i, b := range boxes[:n] {
			if i == 0 && b.again != nil && s.y == top {
				b.again(left, s.y)
				s.y += b.againH
			}
			s.place(b)
		}
		boxes = boxes[n:]
	}
}

// fits tells whether boxes have room on the page, with the footnotes that they call for.
func (s *sheet) fits(boxes []box) bool {
	var notes []note
	for _, b := range boxes {
		notes = append(notes, b.notes...)
	}
	extra := notesHeight(notes)
	if extra > 0 && len(s.notes) == 0 {
		extra += noteRule
	}
	return s.y+height(boxes)+extra <= s.limit
}

func height(boxes []box) (h float64) {
	for _, b := range boxes {
		h += b.gap + b.h
	}
	return h
}

// place draws a box and takes its room and its footnotes'.
func (s *sheet) place(b box) {
	s.reserve(b.notes)
	if s.y > top {
		s.y += b.gap
	}
	b.draw(left, s.y)
	s.y += b.h
}

// reserve takes room at the page's foot.
func (s *sheet) reserve(notes []note) {
	if len(notes) == 0 {
		return
	}
	if len(s.notes) == 0 {
		s.limit -= noteRule
	}
	s.limit -= notesHeight(notes)
	s.notes = append(s.notes, notes...)
}

// setPair places the runs of a pair.
func (s *sheet) setPair(p pair) {
	if s.y > top {
		s.y += p.left[0].gap
	}
	under := s.setRun(p.left, left, s.y)
	s.y = max(under, s.setRun(p.right, left+half+gutter, s.y))
	if len(p.below) > 0 {
		s.y = max(s.y, s.setRun(p.below, left, under+p.below[0].gap))
	}
}

// setRun places boxes in a column, and tells where they end.
func (s *sheet) setRun(run []box, x, y float64) float64 {
	for i, b := range run {
		if i > 0 {
			y += b.gap
		}
		s.reserve(b.notes)
		b.draw(x, y)
		y += b.h
	}
	return y
}

func (p pair) height() float64 { return max(height(p.left)+height(p.below), height(p.right)) }

// notes are what the runs call for.
func (p pair) notes() (notes []note) {
	for _, run := range [][]box{p.left, p.right, p.below} {
		for _, b := range run {
			notes = append(notes, b.notes...)
		}
	}
	return notes
}
