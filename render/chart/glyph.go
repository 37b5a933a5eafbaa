package chart

import (
	"image"
	"sync"

	"github.com/golang/freetype/truetype"
	"golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// glyphCache holds the coverage masks of glyphs. It is emptied when it is full: a report needs a
// few hundred glyphs, and all of JIS X 0208 at one size is 10 MB.
type glyphCache struct {
	mu    sync.Mutex
	masks map[glyphKey]mask
}

type glyphKey struct {
	face    *Face
	glyph   uint16
	size    fixed.Int26_6
	quarter int // of a pixel, to the right
}

type mask struct {
	pix   []uint8
	width int
	at    image.Point // top left, from the pen
}

const maxMasks = 8192

func (g *glyphCache) get(f *Face, glyph uint16, size float64, quarter int) mask {
	key := glyphKey{f, glyph, fixed.Int26_6(size * 64), quarter}
	g.mu.Lock()
	defer g.mu.Unlock()
	if m, ok := g.masks[key]; ok {
		return m
	}
	if g.masks == nil || len(g.masks) >= maxMasks {
		g.masks = map[glyphKey]mask{}
	}
	m := f.mask(key)
	g.masks[key] = m
	return m
}

// mask rasterises one glyph.
func (f *Face) mask(key glyphKey) mask {
	var buf truetype.GlyphBuf
	if err := buf.Load(f.font, key.size, truetype.Index(key.glyph), font.HintingNone); err != nil || len(buf.Points) == 0 {
		return mask{} // a glyph without outline, a space
	}
	shift := float32(key.quarter) / 4
	x0, x1 := buf.Bounds.Min.X.Floor(), buf.Bounds.Max.X.Ceil()+2
	y0, y1 := -buf.Bounds.Max.Y.Ceil(), -buf.Bounds.Min.Y.Floor()+1
	z := vector.NewRasterizer(x1-x0, y1-y0)
	pt := func(p truetype.Point) (float32, float32) {
		return float32(p.X)/64 + shift - float32(x0), -float32(p.Y)/64 - float32(y0)
	}
	start := 0
	for _, end := range buf.Ends {
		contour(z, buf.Points[start:end], pt)
		start = end
	}
	out := image.NewAlpha(image.Rect(0, 0, x1-x0, y1-y0))
	z.Draw(out, out.Bounds(), image.Opaque, image.Point{})
	return mask{out.Pix, x1 - x0, image.Pt(x0, y0)}
}

// contour adds one TrueType contour: quadratic curves with the points between two control points left out.
func contour(z *vector.Rasterizer, ps []truetype.Point, pt func(truetype.Point) (float32, float32)) {
	if len(ps) == 0 {
		return
	}
	on := func(p truetype.Point) bool { return p.Flags&1 != 0 }
	middle := func(a, b truetype.Point) truetype.Point {
		return truetype.Point{X: (a.X + b.X) / 2, Y: (a.Y + b.Y) / 2, Flags: 1}
	}
	first := ps[0]
	if !on(first) {
		if first = ps[len(ps)-1]; !on(first) {
			first = middle(ps[0], first)
		}
	}
	x, y := pt(first)
	z.MoveTo(x, y)
	var control *truetype.Point
	for i := range len(ps) + 1 {
		p := first
		if i < len(ps) {
			p = ps[i]
		}
		ex, ey := pt(p)
		switch {
		case on(p) && control == nil:
			z.LineTo(ex, ey)
		case on(p):
			cx, cy := pt(*control)
			z.QuadTo(cx, cy, ex, ey)
			control = nil
		case control == nil:
			control = &ps[i]
		default:
			cx, cy := pt(*control)
			mx, my := pt(middle(*control, p))
			z.QuadTo(cx, cy, mx, my)
			control = &ps[i]
		}
	}
	z.ClosePath()
}
