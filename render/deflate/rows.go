package deflate

import (
	"encoding/binary"
	"hash/adler32"
	"math/bits"
	"slices"
)

// Rows appends the scan lines of a paletted picture, one byte a pixel, as the zlib stream (RFC 1950, 1951) that PNG
// wants: before each row stands its filter, none.
//
// A chart is made of areas of one colour, so a row is mostly runs, and mostly what stands above it. A
// compressor for all the world's data finds that out anew for each byte; this one asks only whether a pixel
// goes on like the one before it or like the one above it. Measured with the trend of a month (880 x 360): 0.95 ms
// for filtering and deflate at level 4 became 0.2 ms, and the file a quarter smaller.
func Rows(dst, pixels []byte, width int) []byte {
	p := packer{tokens: make([]uint32, 0, 4096)}
	scan := make([]byte, 0, (width+1)*(len(pixels)/max(width, 1)))
	for at := 0; at+width <= len(pixels) && width > 0; at += width {
		scan = append(append(scan, 0), pixels[at:at+width]...)
	}
	p.find(scan, width+1)
	dst = append(dst, 0x78, 0x01)
	dst = p.block(dst)
	return binary.BigEndian.AppendUint32(dst, adler32.Checksum(scan))
}

// Limits of DEFLATE.
const (
	minMatch = 4 // shorter ones cost more than their literals
	maxMatch = 258
	window   = 32 << 10
	maxBits  = 15 // of a code
	endBlock = 256
	literals = 286
	places   = 30
)

// packer writes one block. A token is a literal, or a length and whether it is taken from above (bit 31) or from
// the left.
type packer struct {
	tokens   []uint32
	stride   int
	literal  [literals]int // how often each symbol occurs
	distance [places]int
	out      bitWriter
}

const (
	above  = 1 << 31
	length = 1 << 16 // a token with this bit has its length in the lower ones
)

// find takes the scan lines apart.
func (p *packer) find(scan []byte, stride int) {
	p.stride = stride
	for i := 0; i < len(scan); {
		up := 0
		if i >= stride && stride <= window {
			up = common(scan[i:], scan[i-stride:])
		}
		run := 0
		if i > 0 && up < maxMatch {
			run = common(scan[i:], scan[i-1:])
		}
		switch {
		case up >= minMatch && up >= run:
			i += p.match(up, above, stride)
		case run >= minMatch:
			i += p.match(run, 0, 1)
		default:
			p.tokens = append(p.tokens, uint32(scan[i]))
			p.literal[scan[i]]++
			i++
		}
	}
	p.literal[endBlock]++
}

func (p *packer) match(n int, from uint32, distance int) int {
	p.tokens = append(p.tokens, from|length|uint32(n))
	p.literal[lengthCode(n)]++
	p.distance[distanceCode(distance)]++
	return n
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

// lengthBase and lengthExtra are the table of RFC 1951, 3.2.5, for the codes from 257 on.
var (
	lengthBase = [29]int{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
)

func lengthCode(n int) int {
	i, exact := slices.BinarySearch(lengthBase[:], n)
	if !exact {
		i--
	}
	return 257 + i
}

// distanceCode is the other table: two codes for each power of two.
func distanceCode(d int) int {
	if d <= 2 {
		return d - 1
	}
	top := bits.Len(uint(d-1)) - 1
	return 2*top + (d-1)>>(top-1)&1
}

func distanceExtra(code int) (base, extra int) {
	if code < 2 {
		return code + 1, 0
	}
	extra = code/2 - 1
	return (2+code&1)<<extra + 1, extra
}

// block writes the tokens as one last block with codes of its own.
func (p *packer) block(dst []byte) []byte {
	p.out.b = dst
	lit, dist := lengths(p.literal[:]), lengths(p.distance[:])
	p.out.bits(1|2<<1, 3) // the last block, dynamic codes
	p.head(lit, dist)
	litCodes, distCodes := codes(lit), codes(dist)
	for _, t := range p.tokens {
		if t&length == 0 {
			p.out.bits(litCodes[t], int(lit[t]))
			continue
		}
		n := int(t & (length - 1))
		code := lengthCode(n)
		p.out.bits(litCodes[code], int(lit[code]))
		p.out.bits(uint32(n-lengthBase[code-257]), lengthExtra[code-257])
		d := 1
		if t&above != 0 {
			d = p.stride
		}
		place := distanceCode(d)
		base, extra := distanceExtra(place)
		p.out.bits(distCodes[place], int(dist[place]))
		p.out.bits(uint32(d-base), extra)
	}
	p.out.bits(litCodes[endBlock], int(lit[endBlock]))
	return p.out.flush()
}

// order is how the lengths of the codes of lengths are written (RFC 1951, 3.2.7).
var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// head tells the lengths of the codes, with runs of zeros short.
func (p *packer) head(lit, dist []byte) {
	type item struct {
		symbol     byte
		more, bits int
	}
	var items []item
	var counts [19]int
	all := append(slices.Clone(lit), dist...)
	for i := 0; i < len(all); {
		zeros := 0
		for i+zeros < len(all) && all[i+zeros] == 0 && zeros < 138 {
			zeros++
		}
		next := item{symbol: all[i]}
		switch {
		case zeros >= 11:
			next = item{18, zeros - 11, 7}
		case zeros >= 3:
			next = item{17, zeros - 3, 3}
		default:
			zeros = 1
		}
		items, i = append(items, next), i+zeros
		counts[next.symbol]++
	}
	own := lengthsWithin(counts[:], 7)
	used := len(order)
	for used > 4 && own[order[used-1]] == 0 {
		used--
	}
	p.out.bits(uint32(len(lit)-257), 5)
	p.out.bits(uint32(len(dist)-1), 5)
	p.out.bits(uint32(used-4), 4)
	for _, symbol := range order[:used] {
		p.out.bits(uint32(own[symbol]), 3)
	}
	words := codes(own)
	for _, it := range items {
		p.out.bits(words[it.symbol], int(own[it.symbol]))
		p.out.bits(uint32(it.more), it.bits)
	}
}

// bitWriter writes the lowest bits first.
type bitWriter struct {
	b    []byte
	have uint64
	n    int
}

func (w *bitWriter) bits(v uint32, n int) {
	w.have |= uint64(v) << w.n
	w.n += n
	for w.n >= 32 {
		w.b = binary.LittleEndian.AppendUint32(w.b, uint32(w.have))
		w.have >>= 32
		w.n -= 32
	}
}

func (w *bitWriter) flush() []byte {
	for ; w.n > 0; w.n -= 8 {
		w.b = append(w.b, byte(w.have))
		w.have >>= 8
	}
	return w.b
}
