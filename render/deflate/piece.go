package deflate

import "encoding/binary"

// Code is made for data of one kind. What is packed in it is a Piece, and pieces can be put together in any
// order, as they are, at the price of a code that is not quite each stream's own.
type Code struct {
	code *code
	head bitString // of a block
}

// Piece is data packed in some Code.
type Piece struct {
	bits bitString
	sum  sum
}

// bitString is any number of bits, the first one lowest, filled up with zeros.
type bitString struct {
	words []uint32
	n     int
}

// NewCode makes the code of all that samples gives.
func NewCode(samples func(yield func([]byte) bool)) *Code {
	var c counts
	for i := range c.literal {
		c.literal[i] = 1 // whatever comes can be written
	}
	for i := range c.distance {
		c.distance[i] = 1
	}
	for data := range samples {
		eachToken(data, sampleMatch, c.add)
	}
	k := newCode(&c)
	var w bitWriter
	w.begin(k)
	return &Code{k, w.string()}
}

// sampleMatch is what a match is taken for as long as there is no code to tell by.
func sampleMatch(literals []byte, _ token) bool { return len(literals) >= minMatch }

// Pack packs data. It finds what repeats itself within the data only, so that the piece stands for itself.
func (c *Code) Pack(data []byte) Piece {
	var w bitWriter
	eachToken(data, func(literals []byte, t token) bool {
		cost := 0
		for _, b := range literals {
			cost += c.code.cost(token(b))
		}
		return c.code.cost(t) < cost
	}, func(t token) { w.token(c.code, t) })
	return Piece{w.string(), sumOf(data)}
}

// eachToken takes data apart. worth tells whether bytes are better written as t than as themselves.
func eachToken(data []byte, worth func(bytes []byte, t token) bool, do func(token)) {
	var last [1 << 10]int32 // where three bytes were seen last, from 1, by their hash
	for i := 0; i < len(data); {
		n := 1
		t := token(data[i])
		if i+3 <= len(data) {
			h := (uint32(data[i]) | uint32(data[i+1])<<8 | uint32(data[i+2])<<16) * 0x9E3779B1 >> 22
			if from := int(last[h]) - 1; from >= 0 && i-from <= window {
				if length := common(data[i:], data[from:]); length >= 3 {
					if m := match(length, i-from); worth(data[i:i+length], m) {
						t, n = m, length
					}
				}
			}
			last[h] = int32(i + 1)
		}
		do(t)
		i += n
	}
}

// string is what w has written.
func (w *bitWriter) string() bitString {
	n := len(w.b)*8 + w.n
	w.flush()
	for len(w.b)%4 != 0 {
		w.b = append(w.b, 0)
	}
	words := make([]uint32, len(w.b)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(w.b[i*4:])
	}
	return bitString{words, n}
}

// join writes a string of bits.
func (w *bitWriter) join(s bitString) {
	for i, word := range s.words {
		w.bits(word, min(32, s.n-i*32))
	}
}
