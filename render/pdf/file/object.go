package file

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"

	"geppo/render/deflate"
)

// writer writes the objects of a file: streams as they come, all others together into one compressed
// stream at the end (ISO 32000-1, 7.5.7) with a cross-reference stream (7.5.8). The structure alone is
// a thousand objects, which take ten times the room as they are.
type writer struct {
	pool    *deflate.Pool
	out     []byte  // the file's head and streams
	small   []byte  // the other objects
	order   []int   // their numbers
	starts  []int   // where each begins in small
	places  []place // of all, by number
	scratch []byte  // the stream that is being packed
}

// place is where an object stands: a stream at an offset of the file, another at its turn in small.
type place struct {
	stream bool
	at     int
}

// writers are kept for their memory, half a megabyte.
var writers = sync.Pool{New: func() any { return &writer{} }}

func newWriter(pool *deflate.Pool) *writer {
	w := writers.Get().(*writer)
	w.pool, w.out, w.small = pool, append(w.out[:0], "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n"...), w.small[:0]
	w.order, w.starts, w.places = w.order[:0], w.starts[:0], append(w.places[:0], place{})
	return w
}

func (w *writer) release() { writers.Put(w) }

// reserve takes n numbers for objects and tells the first.
func (w *writer) reserve(n int) int {
	first := len(w.places)
	for range n {
		w.places = append(w.places, place{})
	}
	return first
}

// open begins an object that is no stream; it ends where the next one begins.
func (w *writer) open(number int) {
	w.places[number] = place{at: len(w.order)}
	w.order = append(w.order, number)
	if len(w.starts) > 0 {
		w.small = append(w.small, '\n')
	}
	w.starts = append(w.starts, len(w.small))
}

// stream packs data and writes it as a stream with the given entries of its dictionary.
func (w *writer) stream(number int, entries string, data []byte) error {
	packed, err := w.pool.Append(w.scratch[:0], data)
	if err != nil {
		return err
	}
	w.scratch = packed
	w.packed(number, entries, packed)
	return nil
}

// packed writes a stream that is packed already.
func (w *writer) packed(number int, entries string, data []byte) {
	w.plain(number, entries+"/Filter/FlateDecode", data)
}

// plain writes a stream as it is.
func (w *writer) plain(number int, entries string, data []byte) {
	w.places[number] = place{stream: true, at: len(w.out)}
	w.out = fmt.Appendf(w.out, "%d 0 obj\n<<%s/Length %d>>\nstream\n", number, entries, len(data))
	w.out = append(append(w.out, data...), "\nendstream\nendobj\n"...)
}

// close writes what is left and gives the file.
func (w *writer) close(catalog, info int) ([]byte, error) {
	container := w.reserve(1)
	var index []byte
	for i, n := range w.order {
		index = strconv.AppendInt(index, int64(n), 10)
		index = strconv.AppendInt(append(index, ' '), int64(w.starts[i]), 10)
		index = append(index, ' ')
	}
	head := len(index)
	err := w.stream(container, fmt.Sprintf("/Type/ObjStm/N %d/First %d", len(w.order), head), append(index, w.small...))
	if err != nil {
		return nil, err
	}
	xref := w.reserve(1)
	w.places[xref] = place{stream: true, at: len(w.out)}
	table := []byte{0, 0, 0, 0, 0xFF, 0xFF}
	for _, p := range w.places[1:] {
		if p.stream {
			table = append(table, 1, byte(p.at>>16), byte(p.at>>8), byte(p.at), 0, 0)
		} else {
			table = append(table, 2, byte(container>>16), byte(container>>8), byte(container), byte(p.at>>8), byte(p.at))
		}
	}
	start := len(w.out)
	sum := id(w.out)
	entries := fmt.Sprintf("/Type/XRef/Size %d/W[1 3 2]/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]", len(w.places), catalog, info, sum, sum)
	if err := w.stream(xref, entries, table); err != nil {
		return nil, err
	}
	w.out = fmt.Appendf(w.out, "startxref\n%d\n%%%%EOF\n", start)
	return bytes.Clone(w.out), nil
}

func (w *writer) add(s string) *writer { w.small = append(w.small, s...); return w }

func (w *writer) int(n int) *writer {
	w.small = strconv.AppendInt(w.small, int64(n), 10)
	return w
}

// ref refers to an object. What stands before and behind it needs no space.
func (w *writer) ref(number int) *writer {
	w.small = append(strconv.AppendInt(w.small, int64(number), 10), " 0 R "...)
	return w
}

func (w *writer) hundredths(v float64) *writer { w.small = appendHundredths(w.small, v); return w }

func (w *writer) text(s string) *writer { w.small = appendText(w.small, s); return w }

func (w *writer) destination(to Place) *writer {
	w.add("[").ref(to.Page.object).add("/XYZ null ").hundredths(A4.H - to.Y).add(" null]")
	return w
}

// appendHundredths writes v with at most two decimals.
func appendHundredths(b []byte, v float64) []byte {
	n := int64(math.Round(v * 100))
	if n < 0 {
		b, n = append(b, '-'), -n
	}
	b = strconv.AppendInt(b, n/100, 10)
	if n %= 100; n == 0 {
		return b
	}
	b = append(b, '.', byte('0'+n/10))
	if n%10 != 0 {
		b = append(b, byte('0'+n%10))
	}
	return b
}

// appendText writes a text string (ISO 32000-1, 7.9.2.2): ASCII as it is, all else as UTF-16.
func appendText(b []byte, s string) []byte {
	b = append(b, '(')
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0 {
		for i := range len(s) {
			b = appendEscaped(b, s[i])
		}
		return append(b, ')')
	}
	b = append(b, 0xFE, 0xFF)
	var unit [2]byte
	for _, u := range utf16.Encode([]rune(s)) {
		binary.BigEndian.PutUint16(unit[:], u)
		b = appendEscaped(appendEscaped(b, unit[0]), unit[1])
	}
	return append(b, ')')
}

func appendEscaped(b []byte, c byte) []byte {
	switch c {
	case '(', ')', '\\':
		return append(b, '\\', c)
	case '\r':
		return append(b, '\\', 'r')
	case '\n':
		return append(b, '\\', 'n')
	}
	return append(b, c)
}
