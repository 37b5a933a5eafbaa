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
	all := p.lines(lines, stride)
	k := newCode(&p.counts)
	w := bitWriter{b: append(dst, zlibHead...)}
	w.begin(k)
	for _, t := range p.tokens {
		w.token(k, t)
	}
	w.symbol(k.literal[endBlock])
	w.flush()
	return binary.BigEndian.AppendUint32(w.b, all.adler())
}

// packer takes one block apart.
type packer struct {
	tokens []token
	counts counts
	stride int
	same   int // how many bytes up to here are those above, and no token yet
}

var packers sync.Pool

// minMatch is of scan lines: shorter ones cost more than their literals.
const minMatch = 4

// lines takes the scan lines apart, and sums them up. Neither looks into a line that is like the one above.
func (p *packer) lines(lines []byte, stride int) (all sum) {
	p.tokens, p.counts, p.stride, p.same = p.tokens[:0], counts{}, stride, 0
	reach := minMatch <= stride && stride <= window
	var line sum
	for at := 0; at+stride <= len(lines); at += stride {
		next := lines[at:][:stride]
		if reach && at > 0 && bytes.Equal(next, lines[at-stride:at]) {
			p.same += stride
		} else {
			line = sumOf(next)
			p.line(lines[:at+stride], at, reach)
		}
		all = all.then(line)
	}
	p.above()
	p.counts.literal[endBlock]++
	return all
}

// line takes apart the line that begins at i, the last one.
func (p *packer) line(lines []byte, i int, reach bool) {
	for i < len(lines) {
		up, run := 0, 0
		if reach && i >= p.stride {
			up = common(lines[i:], lines[i-p.stride:])
		}
		if i > 0 && up < maxMatch {
			run = common(lines[i:], lines[i-1:])
		}
		switch {
		case up >= run && (up >= minMatch || up > 0 && p.same > 0):
			p.same += up
			i += up
		case run >= minMatch:
			p.add(match(run, 1))
			i += run
		default:
			p.add(token(lines[i]))
			i++
		}
	}
}

// above writes that bytes are those above.
func (p *packer) above() {
	for p.same > 0 {
		length := min(p.same, maxMatch)
		if rest := p.same - length; 0 < rest && rest < minMatch {
			length -= minMatch // for the next one
		}
		p.same -= length
		p.push(match(length, p.stride))
	}
}

func (p *packer) add(t token) {
	p.above()
	p.push(t)
}

func (p *packer) push(t token) {
	p.tokens = append(p.tokens, t)
	p.counts.add(t)
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
