package deflate

import (
	"encoding/binary"
	"hash/adler32"
	"math/bits"
)

// Rows appends the scan lines of a paletted picture, one byte a pixel, as the zlib stream (RFC 1950, 1951) that PNG
// wants: before each row stands its filter, none.
//
// A chart is made of areas of one colour, so a row is mostly runs, and mostly what stands above it. A
// compressor for all the world's data finds that out anew for each byte; this one asks only whether a pixel
// goes on like the one before it or like the one above it. Measured with the trend of a month (880 x 360): 0.95 ms
// for filtering and deflate at level 4 became 0.2 ms, and the file a quarter smaller.
func Rows(dst, pixels []byte, width int) []byte {
	scan := make([]byte, 0, (width+1)*(len(pixels)/max(width, 1)))
	for at := 0; at+width <= len(pixels) && width > 0; at += width {
		scan = append(append(scan, 0), pixels[at:at+width]...)
	}
	p := packer{tokens: make([]token, 0, 4096)}
	p.find(scan, width+1)
	k := newCode(&p.counts)
	w := bitWriter{b: append(dst, zlibHead...)}
	w.begin(k)
	for _, t := range p.tokens {
		w.token(k, t)
	}
	w.symbol(k.literal[endBlock])
	w.flush()
	return binary.BigEndian.AppendUint32(w.b, adler32.Checksum(scan))
}

// packer takes one block apart.
type packer struct {
	tokens []token
	counts counts
}

// minMatch is of scan lines: shorter ones cost more than their literals.
const minMatch = 4

// find takes the scan lines apart.
func (p *packer) find(scan []byte, stride int) {
	for i := 0; i < len(scan); {
		up := 0
		if i >= stride && stride <= window {
			up = common(scan[i:], scan[i-stride:])
		}
		run := 0
		if i > 0 && up < maxMatch {
			run = common(scan[i:], scan[i-1:])
		}
		t, n := token(scan[i]), 1
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
