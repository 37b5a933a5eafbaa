package file

import (
	"fmt"
	"image"
	"image/color"
	"slices"

	"geppo/render/deflate"
)

// Picture is an image that pages show. It is packed once, and may be shared by many documents.
type Picture struct {
	w, h         int
	color, alpha []byte // packed
}

// NewPicture packs an image. What is transparent stays so (ISO 32000-1, 11.6.5.3).
func NewPicture(img image.Image, pool *deflate.Pool) (*Picture, error) {
	bounds := img.Bounds()
	p := &Picture{w: bounds.Dx(), h: bounds.Dy()}
	var rgb, alpha []byte
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			rgb, alpha = append(rgb, c.R, c.G, c.B), append(alpha, c.A)
		}
	}
	var err error
	if p.color, err = pool.Append(nil, rgb); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(alpha, func(a byte) bool { return a != 0xFF }) {
		p.alpha, err = pool.Append(nil, alpha)
	}
	return p, err
}

// Picture draws a picture with its top left at (x, y).
func (p *Page) Picture(picture *Picture, x, y, w, h float64) {
	p.begin()
	i := slices.Index(p.doc.pictures, picture)
	if i < 0 {
		i = len(p.doc.pictures)
		p.doc.pictures = append(p.doc.pictures, picture)
	}
	p.b = append(p.b, "q "...)
	p.two(w, 0)
	p.two(0, h)
	p.at(x, y+h)
	p.b = fmt.Appendf(p.b, "cm /I%d Do Q\n", i)
}

// pictures writes the pictures of a document and tells their objects.
func (w *writer) pictures(list []*Picture) (objects []int) {
	const entries = "/Type/XObject/Subtype/Image/Width %d/Height %d/BitsPerComponent 8/ColorSpace/%s"
	for _, p := range list {
		mask := ""
		if p.alpha != nil {
			object := w.reserve(1)
			w.packed(object, fmt.Sprintf(entries, p.w, p.h, "DeviceGray"), p.alpha)
			mask = fmt.Sprintf("/SMask %d 0 R", object)
		}
		object := w.reserve(1)
		w.packed(object, fmt.Sprintf(entries, p.w, p.h, "DeviceRGB")+mask, p.color)
		objects = append(objects, object)
	}
	return objects
}
