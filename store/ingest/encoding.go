package ingest

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// window is how much text decides on its encoding.
const window = 64 << 10

// toUTF8 gives r as UTF-8 without a byte order mark.
//
// UTF-16 is told by its byte order mark. Text without one is UTF-8 or CP932, and up to 64 KB from
// the first line that is not ASCII decide, by cp932. In doubt it is UTF-8, so that damaged
// UTF-8 is refused instead of being read as other characters.
//
// What has no meaning in UTF-16 or CP932 comes out as bytes that are no UTF-8, so that whoever
// checks lines finds it there too.
func toUTF8(r io.Reader, cp932 func(head []byte) bool) io.Reader {
	br := bufio.NewReaderSize(r, window)
	head, _ := br.Peek(3) // an error comes back at the first Read
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		br.Discard(3) //nolint:errcheck // they have been peeked at
		return br
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return decoded(br, unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM))
	}
	return &guess{ascii: br, cp932: cp932}
}

// guess passes ASCII on until the first line that is something else, and then decides.
type guess struct {
	ascii *bufio.Reader
	cp932 func(head []byte) bool
	rest  io.Reader // set when it is decided
}

func (g *guess) Read(p []byte) (int, error) {
	if g.rest != nil {
		return g.rest.Read(p)
	}
	head, err := g.ascii.Peek(window)
	if len(head) == 0 {
		return 0, err
	}
	first := bytes.IndexFunc(head, func(r rune) bool { return r >= utf8.RuneSelf })
	if first < 0 {
		return g.ascii.Read(p[:min(len(p), len(head))])
	}
	if start := bytes.LastIndexByte(head[:first], '\n') + 1; start > 0 {
		return g.ascii.Read(p[:min(len(p), start)])
	}
	g.rest = g.ascii
	if err == nil {
		head = wholeLines(head)
	}
	if g.cp932(head) {
		g.rest = decoded(g.ascii, japanese.ShiftJIS)
	}
	return g.rest.Read(p)
}

// wholeLines is head without its last line, which may be cut, or without the end of its only one.
func wholeLines(head []byte) []byte {
	if end := bytes.LastIndexByte(head, '\n'); end >= 0 {
		return head[:end]
	}
	return bytes.TrimRightFunc(head, func(r rune) bool { return r >= utf8.RuneSelf })
}

// notUTF8 takes everything that is not UTF-8 for CP932, without guessing: what agents and consoles of
// this country write is in one of the two, and may hold just one kanji.
func notUTF8(head []byte) bool { return !utf8.Valid(head) }

// hardlyUTF8 takes what is not UTF-8 for CP932 if it can be that and has next to no characters of
// UTF-8: lines that went through syslog may be cut within a character, and one such line must not
// make the other lines Chinese.
func hardlyUTF8(head []byte) bool {
	valid, invalid := charactersOf(head)
	return invalid > 4*valid && readableCP932(head)
}

// charactersOf counts the characters of UTF-8 in text that are not ASCII, and the bytes that belong to none.
func charactersOf(text []byte) (valid, invalid int) {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case size > 1:
			valid++
		case r == utf8.RuneError:
			invalid++
		}
		i += size
	}
	return valid, invalid
}

func readableCP932(text []byte) bool {
	decoded, err := japanese.ShiftJIS.NewDecoder().Bytes(text)
	return err == nil && !bytes.ContainsRune(decoded, utf8.RuneError)
}

// isCP932 decides on text that begins with a line that is not ASCII. Nearly every text in UTF-8 is
// valid in CP932 too, as other characters; so CP932 must show itself. There is hardly a character
// that is valid as UTF-8, all of it is valid as CP932, and most double-byte characters, at
// least three, are the common ones: signs, kana and kanji of JIS level 1 (first byte 0x81 to 0x97).
// A file whose only Japanese is half-width kana is therefore not recognised.
func isCP932(head []byte) bool {
	valid, invalid := charactersOf(head)
	if 4*valid > invalid {
		return false
	}
	common, rare := 0, 0
	for i := 0; i < len(head); i++ {
		switch c := head[i]; {
		case c >= 0x81 && c <= 0x97:
			common++
			i++
		case c >= 0x98 && c <= 0x9f, c >= 0xe0 && c <= 0xfc:
			rare++
			i++
		}
	}
	return common >= 3 && common > rare && readableCP932(head)
}

// decoded reads r in an encoding.
func decoded(r io.Reader, e encoding.Encoding) io.Reader {
	return transform.NewReader(r, transform.Chain(e.NewDecoder(), damage{}))
}

// damage turns U+FFFD, which decoders give for what they cannot read, into a byte that is no UTF-8.
type damage struct{ transform.NopResetter }

func (damage) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	const replacement = "\uFFFD"
	for nSrc < len(src) {
		rest := src[nSrc:]
		if !atEOF && len(rest) < len(replacement) && bytes.HasPrefix([]byte(replacement), rest) {
			return nDst, nSrc, transform.ErrShortSrc
		}
		if nDst == len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		if bytes.HasPrefix(rest, []byte(replacement)) {
			dst[nDst] = 0xff
			nSrc += len(replacement)
		} else {
			dst[nDst] = rest[0]
			nSrc++
		}
		nDst++
	}
	return nDst, nSrc, nil
}
