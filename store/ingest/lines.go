package ingest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line in bytes of UTF-8, without its line break.
const maxLine = 1_000_000

// chunkBytes is about how much text one chunk holds.
const chunkBytes = 128 << 10

// line is one row of the input; err is the reason why it is bad.
type line struct {
	number int // from 1
	text   []byte
	record record
	err    error
}

// chunk is a run of lines that are handed on together, because handing on each would cost more
// than decoding it.
type chunk struct {
	lines []line
	bytes int   // of text that they stand for
	err   error // why reading ended, if not by the end of the input
}

// readChunks decodes r into chunks until its end, an error or the end of ctx; then it closes the
// channel. Blank lines and lines that begin with # are skipped.
func readChunks(ctx context.Context, r io.Reader, decode decoder, to chan<- chunk) {
	defer close(to)
	lines := lineReader{r: newLineBuffer(r)}
	for {
		c := lines.chunk(decode)
		end := c.err != nil
		if errors.Is(c.err, io.EOF) {
			c.err = nil
		}
		select {
		case to <- c:
		case <-ctx.Done():
			return
		}
		if end {
			return
		}
	}
}

type lineReader struct {
	r      *bufio.Reader
	number int
}

// newLineBuffer reads r as UTF-8, through a buffer that holds the longest line with its line break.
func newLineBuffer(r io.Reader) *bufio.Reader {
	return bufio.NewReaderSize(toUTF8(r), maxLine+len("\r\n"))
}

// chunk reads the next lines; its err is io.EOF with the last of them.
func (lr *lineReader) chunk(decode decoder) (c chunk) {
	text := make([]byte, 0, chunkBytes) // holds the lines' text, which outlives the reader's buffer
	for c.bytes < chunkBytes && c.err == nil {
		raw, length, err := lr.next()
		c.err = err
		if err != nil && !errors.Is(err, io.EOF) {
			return c // the last line may be cut
		}
		c.bytes += length
		l := line{number: lr.number}
		switch {
		case length > len(raw), len(bytes.TrimRight(raw, "\r\n")) > maxLine:
			l.err = fmt.Errorf("a line of %d bytes is longer than 1 MB; it is left out here, split it at its source", length)
		case len(raw) > 0 && raw[0] == '#', len(bytes.TrimSpace(raw)) == 0:
			continue
		default:
			start := len(text)
			text = append(text, bytes.TrimRight(raw, "\r\n")...)
			l.text = text[start:len(text):len(text)]
			l.record, l.err = decode(l.text)
		}
		c.lines = append(c.lines, l)
	}
	return c
}

// next reads a line with its line break; length is its length. One that does not fit the buffer is
// read to its end and given without its text.
func (lr *lineReader) next() (raw []byte, length int, err error) {
	raw, err = lr.r.ReadSlice('\n')
	length = len(raw)
	if length > 0 {
		lr.number++
	}
	for errors.Is(err, bufio.ErrBufferFull) {
		raw = nil
		var more []byte
		more, err = lr.r.ReadSlice('\n')
		length += len(more)
	}
	return raw, length, err
}
