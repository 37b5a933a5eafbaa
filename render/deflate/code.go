package deflate

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// Limits of DEFLATE (RFC 1951, 3.2.5).
const (
	maxMatch = 258
	window   = 32 << 10
	maxBits  = 15 // of a code
	endBlock = 256
	literals = 286
	places   = 30
)

// token is a literal, or what was there before: so many bytes (the lower bits) from a distance (the bits from
// distanceAt on).
type token uint32

const distanceAt = 9

func match(length, distance int) token { return token(distance<<distanceAt | length) }

func (t token) literal() bool { return t < 1<<distanceAt }
func (t token) length() int   { return int(t & (1<<distanceAt - 1)) }
func (t token) distance() int { return int(t >> distanceAt) }

// counts are how often the symbols of a block occur.
type counts struct {
	literal  [literals]int
	distance [places]int
}

func (c *counts) add(t token) {
	if t.literal() {
		c.literal[t]++
		return
	}
	c.literal[lengthCode(t.length())]++
	c.distance[distanceCode(t.distance())]++
}

// code is what a block's symbols are written in.
type code struct {
	literal  [literals]symbol
	distance [places]symbol
}

// symbol is its bits, the first one lowest, and how many there are.
type symbol struct {
	bits uint32
	n    uint8
}

func newCode(c *counts) *code {
	k := &code{}
	codes(k.literal[:], lengths(c.literal[:], maxBits))
	codes(k.distance[:], lengths(c.distance[:], maxBits))
	return k
}

// cost is how many bits a token takes.
func (k *code) cost(t token) int {
	if t.literal() {
		return int(k.literal[t].n)
	}
	length, distance := lengthCode(t.length()), distanceCode(t.distance())
	_, extra := distanceExtra(distance)
	return int(k.literal[length].n) + lengthExtra[length-endBlock-1] + int(k.distance[distance].n) + extra
}

// token writes one.
func (w *bitWriter) token(k *code, t token) {
	if t.literal() {
		w.symbol(k.literal[t])
		return
	}
	length := lengthCode(t.length())
	w.symbol(k.literal[length])
	w.bits(uint32(t.length()-lengthBase[length-endBlock-1]), lengthExtra[length-endBlock-1])
	distance := distanceCode(t.distance())
	base, extra := distanceExtra(distance)
	w.symbol(k.distance[distance])
	w.bits(uint32(t.distance()-base), extra)
}

// lengthBase and lengthExtra are the table of RFC 1951, 3.2.5, for the codes from 257 on.
var (
	lengthBase = [29]int{
		3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
	}
	lengthExtra = [29]int{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0}
	lengthCodes = func() (table [maxMatch + 1]uint16) {
		for i, base := range lengthBase {
			for n := base; n < len(table); n++ { // the next code's base on is overwritten
				table[n] = uint16(endBlock + 1 + i)
			}
		}
		return table
	}()
)

func lengthCode(n int) int { return int(lengthCodes[n]) }

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

// order is how the lengths of the codes of lengths are written (RFC 1951, 3.2.7).
var order = [19]int{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// begin begins the last block of a stream: the lengths of its codes, with runs of zeros short.
func (w *bitWriter) begin(k *code) {
	type item struct {
		symbol     byte
		more, bits int
	}
	all := make([]byte, 0, literals+places)
	for _, s := range slices.Concat(k.literal[:], k.distance[:]) {
		all = append(all, s.n)
	}
	items := make([]item, 0, len(all))
	var often [19]int
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
		often[next.symbol]++
	}
	var own [19]symbol
	codes(own[:], lengths(often[:], 7))
	used := len(order)
	for used > 4 && own[order[used-1]].n == 0 {
		used--
	}
	w.bits(1|2<<1, 3) // the last block, dynamic codes
	w.bits(literals-257, 5)
	w.bits(places-1, 5)
	w.bits(uint32(used-4), 4)
	for _, symbol := range order[:used] {
		w.bits(uint32(own[symbol].n), 3)
	}
	for _, it := range items {
		w.symbol(own[it.symbol])
		w.bits(uint32(it.more), it.bits)
	}
}

// bitWriter writes the lowest bits first.
type bitWriter struct {
	b    []byte
	have uint64
	n    int
}

func (w *bitWriter) symbol(s symbol) { w.bits(s.bits, int(s.n)) }

func (w *bitWriter) bits(v uint32, n int) {
	w.have |= uint64(v) << w.n
	w.n += n
	if w.n >= 32 {
		w.b = binary.LittleEndian.AppendUint32(w.b, uint32(w.have))
		w.have >>= 32
		w.n -= 32
	}
}

// flush fills the last byte with zeros.
func (w *bitWriter) flush() {
	for ; w.n > 0; w.n -= 8 {
		w.b = append(w.b, byte(w.have))
		w.have >>= 8
	}
	w.n, w.have = 0, 0
}
