package deflate

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/adler32"

	"github.com/klauspost/compress/flate"
)

// zlibHead says that a stream is deflate with a window of 32 KB (RFC 1950, 2.2).
const zlibHead = "\x78\x01"

// sum is Adler-32 of data (RFC 1950, 8.2) in a form that adds up: what its sums are beyond those of as many zeros.
// Its zero value is that of no data.
type sum struct{ a, b, length uint64 }

const adlerModulus = 65521

func sumOf(data []byte) sum {
	adler, length := uint64(adler32.Checksum(data)), uint64(len(data))
	return sum{(adler&0xFFFF + adlerModulus - 1) % adlerModulus, (adler>>16 + adlerModulus - length%adlerModulus) % adlerModulus, length}
}

// then is the sum of what s and next are the sums of, one behind the other.
func (s sum) then(next sum) sum {
	return sum{(s.a + next.a) % adlerModulus, (s.b + next.b + next.length%adlerModulus*s.a) % adlerModulus, s.length + next.length}
}

func (s sum) adler() uint32 {
	return uint32((s.b+s.length)%adlerModulus<<16 | (s.a+1)%adlerModulus)
}

// Blocks are data that was packed once, as well as can be, for many streams. They refer to nothing before them.
// None are in the zero value.
type Blocks struct {
	packed []byte
	sum    sum
}

// NewBlocks packs data.
func NewBlocks(data []byte) (Blocks, error) {
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err == nil {
		_, err = w.Write(data)
	}
	if err == nil {
		err = w.Flush() // ends with a whole byte, as Joiner wants it
	}
	if err != nil {
		return Blocks{}, fmt.Errorf("deflate: %w", err)
	}
	return Blocks{out.Bytes(), sumOf(data)}, nil
}

// Joiner writes a stream of parts that are packed already: first any number of Stored and Blocks, then, if
// Code was called, what is in that.
type Joiner struct {
	w    bitWriter
	sum  sum
	code *Code
}

// Join begins a stream behind dst.
func Join(dst []byte) *Joiner {
	return &Joiner{w: bitWriter{b: append(dst, zlibHead...)}}
}

// Stored appends data as it is, at most 64 KB of it: what is short and different each time.
func (j *Joiner) Stored(data []byte) {
	j.w.b = append(j.w.b, 0) // not the last block; stored
	j.w.b = binary.LittleEndian.AppendUint16(j.w.b, uint16(len(data)))
	j.w.b = binary.LittleEndian.AppendUint16(j.w.b, ^uint16(len(data)))
	j.w.b = append(j.w.b, data...)
	j.sum = j.sum.then(sumOf(data))
}

// Blocks appends some.
func (j *Joiner) Blocks(b Blocks) {
	j.w.b = append(j.w.b, b.packed...)
	j.sum = j.sum.then(b.sum)
}

// Code says in what all that follows is.
func (j *Joiner) Code(c *Code) {
	j.code = c
	j.w.join(c.head)
}

// Piece appends data that is packed in the stream's code.
func (j *Joiner) Piece(p Piece) {
	j.w.join(p.bits)
	j.sum = j.sum.then(p.sum)
}

// Literals appends data that is not: byte by byte.
func (j *Joiner) Literals(data []byte) {
	for _, c := range data {
		j.w.symbol(j.code.code.literal[c])
	}
	j.sum = j.sum.then(sumOf(data))
}

// Close ends the stream and gives it.
func (j *Joiner) Close() []byte {
	if j.code == nil {
		j.w.b = append(j.w.b, 1, 0, 0, 0xFF, 0xFF) // the last block: stored, of no length
	} else {
		j.w.symbol(j.code.code.literal[endBlock])
		j.w.flush()
	}
	return binary.BigEndian.AppendUint32(j.w.b, j.sum.adler())
}
