package chart

import (
	"bytes"
	"image"
	"image/color"
	"math"

	"golang.org/x/image/vector"
)

// Scale is how much larger the PNG is than its shown size.
const Scale = 2

// levels is the number of steps between ground and ink at an edge. Sixteen cannot be told from 256
// at twice the size, and keep the palette under 256 colours, so that a pixel is one byte.
const levels = 16

// bitmap is a paletted image that is drawn on directly: blending two palette entries is a lookup.
type bitmap struct {
	img    *image.Paletted
	index  map[Color]uint8
	blends map[[2]uint8]*[levels]uint8 // see mixes
	drawer *Drawer
}

// image draws the chart at Scale times its size, on the lines of a PNG: before each row stands its filter, none.
func (c Chart) image() (lines []byte, img *image.Paletted) {
	lines, img = c.paper()
	b := &bitmap{img: img, index: map[Color]uint8{White: 0}, blends: map[[2]uint8]*[levels]uint8{}, drawer: c.drawer}
	for _, o := range c.ops { // pure colours first: if the palette fills up, edges give way
		b.entry(o.color)
	}
	c.Draw(b)
	return lines, img
}

// paper is a white image, in the memory of one that was encoded if there is any.
func (c Chart) paper() (lines []byte, img *image.Paletted) {
	w, h := c.W*Scale, c.H*Scale
	stride := 1 + w
	if used, ok := c.drawer.lines.Get().(*[]byte); ok && cap(*used) >= stride*h {
		lines = (*used)[:stride*h]
		clear(lines)
	} else {
		lines = make([]byte, stride*h)
	}
	return lines, &image.Paletted{Pix: lines[1:], Stride: stride, Rect: image.Rect(0, 0, w, h), Palette: color.Palette{White}}
}

// blank tells whether an image shows one colour only, as a chart that failed would.
func blank(img *image.Paletted) bool {
	for y := range img.Rect.Dy() {
		if row := img.Pix[y*img.Stride:][:img.Rect.Dx()]; bytes.Count(row, img.Pix[:1]) != len(row) {
			return false
		}
	}
	return true
}

// entry is the palette's index of c, of the nearest colour once the palette is full.
func (b *bitmap) entry(c Color) uint8 {
	if i, ok := b.index[c]; ok {
		return i
	}
	i := uint8(b.img.Palette.Index(c))
	if len(b.img.Palette) < 256 {
		i = uint8(len(b.img.Palette))
		b.img.Palette = append(b.img.Palette, c)
	}
	b.index[c] = i
	return i
}

// mixes are the entries of ink over ground, by level; those that are 0, which is White, are not yet known.
func (b *bitmap) mixes(ink, ground uint8) *[levels]uint8 {
	m := b.blends[[2]uint8{ink, ground}]
	if m == nil {
		m = new([levels]uint8)
		b.blends[[2]uint8{ink, ground}] = m
	}
	return m
}

// mix is the entry of ink over ground, level 1 to levels-1.
func (b *bitmap) mix(ink, ground, level uint8) uint8 {
	over, under := b.img.Palette[ink].(Color), b.img.Palette[ground].(Color)
	part := func(o, u uint8) uint8 { // in steps of five, so that like edges share an entry
		sum := int(o)*int(level) + int(u)*(levels-1-int(level))
		return uint8((sum + 5*(levels-1)/2) / (5 * (levels - 1)) * 5)
	}
	return b.entry(Color{R: part(over.R, under.R), G: part(over.G, under.G), B: part(over.B, under.B), A: 0xFF})
}

// Fill fills a path; rectangles on whole pixels, which is most of a chart, without a rasteriser.
func (b *bitmap) Fill(p Path, c Color) {
	ink := b.entry(c)
	if x0, y0, x1, y1, ok := p.Rect(); ok {
		b.rect(x0, y0, x1, y1, ink)
		return
	}
	box := bounds(p)
	if box.Empty() {
		return
	}
	z := vector.NewRasterizer(box.Dx(), box.Dy())
	pt := func(q Point) (float32, float32) {
		return float32(q.X*Scale) - float32(box.Min.X), float32(q.Y*Scale) - float32(box.Min.Y)
	}
	for _, s := range p {
		x, y := pt(s.P[0])
		switch s.Verb {
		case 'M':
			z.MoveTo(x, y)
		case 'L':
			z.LineTo(x, y)
		case 'C':
			cx, cy := pt(s.P[1])
			ex, ey := pt(s.P[2])
			z.CubeTo(x, y, cx, cy, ex, ey)
		}
	}
	z.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	z.Draw(mask, mask.Bounds(), image.Opaque, image.Point{})
	b.stamp(mask.Pix, box.Dx(), box.Min, ink)
}

// rect fills a rectangle, its edges brought to whole pixels.
func (b *bitmap) rect(x0, y0, x1, y1 float64, ink uint8) {
	px := func(v float64) int { return int(math.Round(v * Scale)) }
	r := image.Rect(px(x0), px(y0), px(x1), px(y1)).Intersect(b.img.Rect)
	if r.Empty() {
		return
	}
	first := b.img.Pix[r.Min.Y*b.img.Stride+r.Min.X:][:r.Dx()]
	for i := range first {
		first[i] = ink
	}
	for y := r.Min.Y + 1; y < r.Max.Y; y++ {
		copy(b.img.Pix[y*b.img.Stride+r.Min.X:], first)
	}
}

// bounds is the box of a path in pixels, with a pixel to spare.
func bounds(p Path) image.Rectangle {
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range p {
		n := map[byte]int{'M': 1, 'L': 1, 'C': 3}[s.Verb]
		for _, q := range s.P[:n] {
			x0, y0, x1, y1 = min(x0, q.X), min(y0, q.Y), max(x1, q.X), max(y1, q.Y)
		}
	}
	return image.Rect(int(x0*Scale)-1, int(y0*Scale)-1, int(x1*Scale)+2, int(y1*Scale)+2)
}

// Stroke draws each line of a path as a bar of the given width; the charts stroke no curves.
func (b *bitmap) Stroke(p Path, width float64, c Color) {
	var from Point
	for _, s := range p {
		to := s.P[0]
		if s.Verb == 'L' {
			b.Fill(bar(from, to, width), c)
		}
		from = to
	}
}

// bar is the outline of a line.
func bar(a, b Point, width float64) Path {
	length := math.Hypot(b.X-a.X, b.Y-a.Y)
	if length == 0 {
		return nil
	}
	dx, dy := -(b.Y-a.Y)/length*width/2, (b.X-a.X)/length*width/2
	seg := func(verb byte, x, y float64) Seg { return Seg{Verb: verb, P: [3]Point{{x, y}}} }
	return Path{
		seg('M', a.X+dx, a.Y+dy), seg('L', b.X+dx, b.Y+dy), seg('L', b.X-dx, b.Y-dy), seg('L', a.X-dx, a.Y-dy), {Verb: 'Z'},
	}
}

// Text draws a line of text from cached glyphs.
func (b *bitmap) Text(s string, at Point, size float64, bold bool, c Color) {
	face, ink := b.drawer.face(bold), b.entry(c)
	x, y := at.X*Scale, int(math.Round(at.Y*Scale))
	for _, r := range s {
		g, ok := face.Glyph(r)
		if !ok {
			continue
		}
		quarter := int(math.Floor(x*4 + 0.5))
		m := b.drawer.masks.get(g, size*Scale, quarter&3)
		b.stamp(m.pix, m.width, image.Pt(quarter>>2+m.at.X, y+m.at.Y), ink)
		x += g.Advance * size * Scale
	}
}

// stamp blends a coverage mask with its top left at p.
func (b *bitmap) stamp(mask []uint8, width int, p image.Point, ink uint8) {
	if width == 0 {
		return
	}
	from, to := max(0, -p.X), min(width, b.img.Rect.Max.X-p.X)
	if from >= to {
		return
	}
	ground := b.img.Pix[0]
	mixed := b.mixes(ink, ground) // of the last ground: neighbours mostly have the same
	for y := p.Y; len(mask) >= width; y, mask = y+1, mask[width:] {
		if y < 0 || y >= b.img.Rect.Max.Y {
			continue
		}
		row := b.img.Pix[y*b.img.Stride+p.X+from:][:to-from]
		for x, alpha := range mask[from:to] {
			switch level := alpha >> 4; level {
			case 0:
			case levels - 1:
				row[x] = ink
			default:
				if row[x] != ground {
					ground = row[x]
					mixed = b.mixes(ink, ground)
				}
				if mixed[level] == 0 {
					mixed[level] = b.mix(ink, ground, level)
				}
				row[x] = mixed[level]
			}
		}
	}
}
