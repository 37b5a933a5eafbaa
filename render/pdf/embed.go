package pdf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"geppo/render/deflate"
)

// fpdf reads a font anew for each document, embeds it with its hinting, and compresses fast rather than
// well: two thirds of a document's time and a third of its size. So it is given no font at all and
// told not to compress; text is written to its pages as glyph numbers (subset), and what it writes in the end is
// taken apart here, its streams compressed, and our fonts put in.
//
// Measured with the antivirus report of an average month: 24.0 ms and 146 KB became 6.0 ms and 97 KB.
//
// What this needs to know of fpdf's insides is how a file ends (ISO 32000-1, 7.5.4 and 7.5.5, a classic
// cross-reference table) and noFonts; where they change, no document is made, and the tests say so.

// noFonts is how fpdf writes the pages' fonts if it has none; fonts takes its place.
const noFonts = "/Font <<\n>>"

var errInsides = errors.New("fpdf writes its files in another way than v0.12.0 did; pin it or mend render/pdf/embed.go")

// embed makes the file of what fpdf has written.
func (s *sheet) embed(pdf []byte) ([]byte, error) {
	d := s.m.deflate
	f, err := takeApart(pdf)
	if err != nil {
		return nil, err
	}
	if err := f.compress(d); err != nil {
		return nil, err
	}
	if err := f.embed(d, s.regular, s.bold); err != nil {
		return nil, err
	}
	return f.write(d)
}

// file is a PDF taken apart: its objects by number, the first being 0, and its trailer.
type file struct {
	objects [][]byte
	trailer []byte
}

// takeApart reads a file that fpdf has written.
func takeApart(pdf []byte) (file, error) {
	at := bytes.LastIndex(pdf, []byte("\nstartxref\n"))
	if at < 0 {
		return file{}, errInsides
	}
	start, err := strconv.Atoi(string(bytes.TrimSuffix(pdf[at+len("\nstartxref\n"):], []byte("\n%%EOF\n"))))
	if err != nil || start > at {
		return file{}, errInsides
	}
	var first, count int
	rest, ok := bytes.CutPrefix(pdf[start:at], []byte("xref\n"))
	line, rest, found := bytes.Cut(rest, []byte("\n"))
	if n, err := fmt.Sscanf(string(line), "%d %d", &first, &count); !ok || !found || n != 2 || err != nil || first != 0 {
		return file{}, errInsides
	}
	const entry = 20
	f := file{objects: make([][]byte, count)}
	if len(rest) < count*entry || !bytes.HasPrefix(rest[count*entry:], []byte("trailer\n")) {
		return file{}, errInsides
	}
	f.trailer = rest[count*entry:]
	offsets, ends := make([]int, count), make([]int, 0, count)
	for n := 1; n < count; n++ {
		if offsets[n], err = strconv.Atoi(string(rest[n*entry : n*entry+10])); err != nil || offsets[n] > start {
			return file{}, errInsides
		}
		ends = append(ends, offsets[n])
	}
	ends = append(ends, start)
	slices.Sort(ends)
	for n := 1; n < count; n++ {
		next, _ := slices.BinarySearch(ends, offsets[n]+1)
		body, ok := bytes.CutPrefix(pdf[offsets[n]:ends[next]], fmt.Appendf(nil, "%d 0 obj\n", n))
		body, found := bytes.CutSuffix(body, []byte("\nendobj\n"))
		if !ok || !found {
			return file{}, errInsides
		}
		f.objects[n] = body
	}
	return f, nil
}

// add appends an object and tells its number.
func (f *file) add(object []byte) int {
	f.objects = append(f.objects, object)
	return len(f.objects) - 1
}

// embed puts the fonts of a document in, under the names /R and /B.
func (f *file) embed(d *deflate.Pool, regular, bold *subset) error {
	resources := -1
	for n, o := range f.objects {
		if !isStream(o) && bytes.Contains(o, []byte(noFonts)) {
			if resources >= 0 {
				return errInsides
			}
			resources = n
		}
	}
	if resources < 0 {
		return errInsides
	}
	r, err := f.embedFont(d, "GEPPOR", regular)
	if err != nil {
		return err
	}
	b, err := f.embedFont(d, "GEPPOB", bold)
	if err != nil {
		return err
	}
	fonts := fmt.Appendf(nil, "/Font <</R %d 0 R /B %d 0 R>>", r, b)
	f.objects[resources] = bytes.Replace(f.objects[resources], []byte(noFonts), fonts, 1)
	return nil
}

// embedFont adds the objects of one font (ISO 32000-1, 9.7, 9.8 and 9.10.3) and tells the number of the first.
func (f *file) embedFont(d *deflate.Pool, tag string, s *subset) (int, error) {
	font := s.font(s.glyphs)
	program, err := stream(d, fmt.Sprintf("/Length1 %d", len(font)), font)
	if err != nil {
		return 0, err
	}
	unicode, err := stream(d, "", s.toUnicode())
	if err != nil {
		return 0, err
	}
	name := tag + "+" + s.name
	em := func(table []byte, at int) int { // a measure of the font in thousandths of its em
		return int(int16(binary.BigEndian.Uint16(table[at:]))) * 1000 / s.unitsEm
	}
	descriptor := f.add(fmt.Appendf(nil, "<</Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] "+
		"/ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %d 0 R>>",
		name, em(s.head, 36), em(s.head, 38), em(s.head, 40), em(s.head, 42),
		em(s.hhea, 4), em(s.hhea, 6), em(s.hhea, 4), f.add(program)))
	widths := []byte("[1 [")
	for _, g := range s.glyphs[1:] {
		advance := int(binary.BigEndian.Uint16(s.metrics[g][:]))
		widths = append(strconv.AppendInt(widths, int64((advance*1000+s.unitsEm/2)/s.unitsEm), 10), ' ')
	}
	widths = append(widths, "]]"...)
	descendant := f.add(fmt.Appendf(nil, "<</Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDToGIDMap /Identity "+
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (Identity) /Supplement 0>> /FontDescriptor %d 0 R /W %s>>",
		name, descriptor, widths))
	return f.add(fmt.Appendf(nil, "<</Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H "+
		"/DescendantFonts [%d 0 R] /ToUnicode %d 0 R>>", name, descendant, f.add(unicode))), nil
}

// toUnicode maps glyphs back to characters, for search and copying.
func (s *subset) toUnicode() []byte {
	b := []byte("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n" +
		"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n" +
		"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	const most = 100 // of one block
	for from := 1; from < len(s.runes); from += most {
		to := min(from+most, len(s.runes))
		b = fmt.Appendf(b, "%d beginbfchar\n", to-from)
		for code := from; code < to; code++ {
			b = fmt.Appendf(b, "<%04X> <%04X>\n", code, s.runes[code])
		}
		b = append(b, "endbfchar\n"...)
	}
	return append(b, "endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"...)
}

// stream is a compressed stream object with the given entries in its dictionary.
func stream(d *deflate.Pool, entries string, data []byte) ([]byte, error) {
	packed, err := d.Append(nil, data)
	if err != nil {
		return nil, err
	}
	out := fmt.Appendf(make([]byte, 0, len(packed)+len(entries)+80), "<<%s /Filter /FlateDecode /Length %d>>\nstream\n", entries, len(packed))
	return append(append(out, packed...), "\nendstream"...), nil
}

// compress compresses the pages' streams, which fpdf has left as they are.
func (f *file) compress(d *deflate.Pool) error {
	for n, o := range f.objects {
		head, data, found := bytes.Cut(o, []byte(">>\nstream\n"))
		if !found || !bytes.HasPrefix(head, []byte("<</Length ")) {
			continue
		}
		packed, err := stream(d, "", bytes.TrimSuffix(data, []byte("\nendstream")))
		if err != nil {
			return err
		}
		f.objects[n] = packed
	}
	return nil
}

// write puts the file together again, what is no stream compressed in one (ISO 32000-1, 7.5.7) with a
// cross-reference stream (7.5.8): links and bookmarks are a sixth of a file that leaves them as they are.
func (f *file) write(d *deflate.Pool) ([]byte, error) {
	packed, err := f.pack(d)
	if err != nil {
		return nil, err
	}
	container := len(f.objects)
	out := []byte("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	xref := []byte{0, 0, 0, 0, 0xFF, 0xFF}
	entry := func(kind byte, at, more int) {
		xref = append(xref, kind, byte(at>>16), byte(at>>8), byte(at), byte(more>>8), byte(more))
	}
	put := func(n int, object []byte) {
		out = append(append(fmt.Appendf(out, "%d 0 obj\n", n), object...), "\nendobj\n"...)
	}
	place := 0 // within the container
	for n, o := range f.objects[1:] {
		if isStream(o) {
			entry(1, len(out), 0)
			put(n+1, o)
			continue
		}
		entry(2, container, place)
		place++
	}
	entry(1, len(out), 0)
	put(container, packed)
	start := len(out)
	entry(1, start, 0)
	_, trailer, _ := bytes.Cut(f.trailer, []byte("/Size "))
	_, trailer, _ = bytes.Cut(bytes.TrimSuffix(trailer, []byte(">>")), []byte("\n")) // behind fpdf's number
	object, err := stream(d, fmt.Sprintf("/Type /XRef /Size %d /W [1 3 2] %s", container+2, bytes.TrimSpace(trailer)), xref)
	put(container+1, object)
	return fmt.Appendf(out, "startxref\n%d\n%%%%EOF\n", start), err
}

// pack puts all objects that are no streams into one that is.
func (f *file) pack(d *deflate.Pool) ([]byte, error) {
	var index, bodies []byte
	count := 0
	for n, o := range f.objects[1:] {
		if !isStream(o) {
			index = fmt.Appendf(index, "%d %d ", n+1, len(bodies))
			bodies = append(append(bodies, o...), '\n')
			count++
		}
	}
	return stream(d, fmt.Sprintf("/Type /ObjStm /N %d /First %d", count, len(index)), append(index, bodies...))
}

func isStream(object []byte) bool { return bytes.HasSuffix(object, []byte("\nendstream")) }
