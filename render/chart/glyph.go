package chart

import (
	"image"
	"sync"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"geppo/render/font"
)

// glyphCache holds the coverage masks of glyphs. It is emptied when it is full: a report needs a
// few hundred glyphs, and all of JIS X 0208 at one size is 10 MB.
type glyphCache struct {
	mu    sync.Mutex
	masks map[glyphKey]mask
}

type glyphKey struct {
	font    *font.Font
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

func (g *glyphCache) get(glyph font.Glyph, size float64, quarter int) mask {
	key := glyphKey{glyph.Font, glyph.Index, fixed.Int26_6(size * 64), quarter}
	g.mu.Lock()
	defer g.mu.Unlock()
	if m, ok := g.masks[key]; ok {
		return m
	}
	if g.masks == nil || len(g.masks) >= maxMasks {
		g.masks = map[glyphKey]mask{}
	}
	m := rasterise(key)
	g.masks[key] = m
	return m
}

// rasterise makes the mask of one glyph; one without outline, a space or a broken one, has none.
func rasterise(key glyphKey) mask {
	var segments []sfnt.Segment
	if err := key.font.Outline(key.glyph, key.size, func(s sfnt.Segment) { segments = append(segments, s) }); err != nil || len(segments) == 0 {
		return mask{}
	}
	box := sfnt.Segments(segments).Bounds()
	shift := float32(key.quarter) / 4
	x0, x1 := box.Min.X.Floor(), box.Max.X.Ceil()+2
	y0, y1 := box.Min.Y.Floor(), box.Max.Y.Ceil()+1
	z := vector.NewRasterizer(x1-x0, y1-y0)
	pt := func(p fixed.Point26_6) (float32, float32) {
		return float32(p.X)/64 + shift - float32(x0), float32(p.Y)/64 - float32(y0)
	}
	for _, s := range segments {
		x, y := pt(s.Args[0])
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			z.ClosePath()
			z.MoveTo(x, y)
		case sfnt.SegmentOpLineTo:
			z.LineTo(x, y)
		case sfnt.SegmentOpQuadTo:
			ex, ey := pt(s.Args[1])
			z.QuadTo(x, y, ex, ey)
		case sfnt.SegmentOpCubeTo:
			cx, cy := pt(s.Args[1])
			ex, ey := pt(s.Args[2])
			z.CubeTo(x, y, cx, cy, ex, ey)
		}
	}
	z.ClosePath()
	out := image.NewAlpha(image.Rect(0, 0, x1-x0, y1-y0))
	z.Draw(out, out.Bounds(), image.Opaque, image.Point{})
	return mask{out.Pix, x1 - x0, image.Pt(x0, y0)}
}
