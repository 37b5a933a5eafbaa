package pdf

// box is a piece of a page that is never split. Its height is known before it is drawn.
type box struct {
	h    float64
	draw func(x, y float64) // its top left
	keep bool               // it stays on the page of the box that follows
	// again is drawn above the box where it begins a page: the heads of a table that goes on.
	again  func(x, y float64)
	againH float64
	notes  []note
}

// pair are two runs of boxes that may stand side by side.
type pair struct{ left, right []box }

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
		h += b.h
	}
	return h
}

// place draws a box and takes its room and its footnotes'.
func (s *sheet) place(b box) {
	s.reserve(b.notes)
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

// setPair places two runs side by side.
func (s *sheet) setPair(p pair) {
	for i, run := range [][]box{p.left, p.right} {
		y := s.y
		for _, b := range run {
			s.reserve(b.notes)
			b.draw(left+float64(i)*(half+gutter), y)
			y += b.h
		}
	}
	s.y += p.height()
}

func (p pair) height() float64 { return max(height(p.left), height(p.right)) }

// notes are what the runs call for.
func (p pair) notes() (notes []note) {
	for _, run := range [][]box{p.left, p.right} {
		for _, b := range run {
			notes = append(notes, b.notes...)
		}
	}
	return notes
}
