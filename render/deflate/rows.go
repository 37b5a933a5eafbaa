package deflate

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sync"
)

// Rows appends the scan lines of a paletted picture, one byte a pixel behind one that says that the line is not
// filtered, as the zlib stream (RFC 1950, 1951) that PNG wants.
//
// A chart is made of areas of one colour, so a row is mostly runs, and mostly what stands above it. A
// compressor for all the world's data finds that out anew for each byte; this one asks only whether a pixel
// goes on like the one before it or like the one above it. Measured with the trend of a month (880 x 360): 0.95 ms
// for filtering and deflate at level 4 became 0.2 ms, and the file a quarter smaller.
func Rows(dst, lines []byte, stride int) []byte {
	p, ok := packers.Get().(*packer)
	if !ok {
		p = &packer{}
	}
	defer packers.Put(p)
	p.tokens, p.counts = p.tokens[:0], counts{}
	p.find(lines, stride)
	k := newCode(&p.counts)
	w := bitWriter{b: append(dst, zlibHead...)}
	w.begin(k)
	for _, t := range p.tokens {
		w.token(k, t)
	}
	w.symbol(k.literal[endBlock])
	w.flush()
	return binary.BigEndian.AppendUint32(w.b, sumOfLines(lines, stride).adler())
}

// sumOfLines is sumOf, which it asks only of lines that are not like the one above.
func sumOfLines(lines []byte, stride int) (all sum) {
	var line sum
	for at := 0; at+stride <= len(lines); at += stride {
		next := lines[at:][:stride]
		if at == 0 || !bytes.Equal(next, lines[at-stride:at]) {
			line = sumOf(next)
		}
		all = all.then(line)
	}
	return all
}

// packer takes one block apart.
type packer struct {
	tokens []token
	counts counts
}

var packers sync.Pool

// minMatch is of scan lines: shorter ones cost more than their literals.
const minMatch = 4

// find takes the scan lines apart.
func (p *packer) find(lines []byte, stride int) {
	for i := 0; i < len(lines); {
		up := 0
		if i >= stride && stride <= window {
			up = common(lines[i:], lines[i-stride:])
		}
		run := 0
		if i > 0 && up < maxMatch {
			run = common(lines[i:], lines[i-1:])
		}
		t, n := token(lines[i]), 1
		switch {
		case up >= minMatch && up >= run:
			t, n = match(up, stride), up
		case run >= minMatch:
			t, n = match(run, 1), run
		}
		p.tokens, i = append(p.tokens, t), i+n
		p.counts.add(t)
	}
	p.counts.literal[endBlock]++
}

// common is how many bytes a and b begin with alike, at most maxMatch.
func common(a, b []byte) int {
	most := min(len(a), len(b), maxMatch)
	n := 0
	for ; n+8 <= most; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}
