package ingest

import (
	"fmt"
	"io"
)

// maxRecord is the longest record of a format whose records are not lines. It bounds what a quote
// or a bracket that is never closed makes its parser hold.
const maxRecord = 16 << 20

var errTooLong = fmt.Errorf("a record is longer than %d MB, or never closed", maxRecord>>20)

// budget is what a parser may read until it gives a record.
type budget struct {
	r    io.Reader
	left int
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errTooLong
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
