package pdf

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"geppo/render/chart"
	"geppo/render/pdf/file"
)

// The fonts' places in a document.
const (
	regular = iota
	bold
)

// loadFonts takes the two fonts apart. The drawer's faces must have been made from the same.
func loadFonts(fsys fs.FS, d *chart.Drawer) ([]*file.Font, error) {
	list := make([]*file.Font, 0, 2)
	for _, w := range []struct {
		file string
		face *chart.Face
	}{{fontRegular, d.Regular()}, {fontBold, d.Bold()}} {
		ttf, err := fs.ReadFile(fsys, w.file)
		if err != nil {
			return nil, fmt.Errorf("read font: %w", err)
		}
		f, err := file.ReadFont(strings.TrimSuffix(path.Base(w.file), ".ttf"), ttf, w.face.Glyph)
		if err != nil {
			return nil, err
		}
		list = append(list, f)
	}
	return list, nil
}
