// Package deflate compresses the streams of PNGs and PDFs. It knows neither format.
package deflate

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// Pool compresses with writers that it keeps: a new one clears 700 KB of tables, which takes longer
// than to compress a page of text. It is safe for use by several goroutines; equal input gives equal
// bytes whatever was compressed before.
type Pool struct {
	level int
	free  sync.Pool
}

// New makes a Pool of one of zlib's levels, 1 to 9.
func New(level int) *Pool { return &Pool{level: level} }

// Append appends data as a zlib stream (RFC 1950) to dst.
func (p *Pool) Append(dst, data []byte) ([]byte, error) {
	out := bytes.NewBuffer(dst)
	w, ok := p.free.Get().(*zlib.Writer)
	if ok {
		w.Reset(out)
	} else {
		var err error
		if w, err = zlib.NewWriterLevel(out, p.level); err != nil {
			return nil, fmt.Errorf("deflate: %w", err)
		}
	}
	if _, err := w.Write(data); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("deflate: %w", err)
	}
	p.free.Put(w)
	return out.Bytes(), nil
}
