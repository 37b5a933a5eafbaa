package deflate

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// unpacked reads a stream by the standard library.
func unpacked(t interface{ Fatal(...any) }, packed []byte) []byte {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRowsComeBack: whatever the picture, the standard library reads its scan lines from the stream.
func TestRowsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 400).Draw(t, "width")
		var pixels []byte
		for range rapid.IntRange(0, 30).Draw(t, "rows") {
			row := make([]byte, width)
			switch rapid.IntRange(0, 3).Draw(t, "kind") {
			case 0: // the row above
				if len(pixels) > 0 {
					copy(row, pixels[len(pixels)-width:])
				}
			case 1: // noise
				copy(row, rapid.SliceOfN(rapid.Byte(), width, width).Draw(t, "noise"))
			default: // areas
				for at := 0; at < width; {
					end := min(width, at+rapid.IntRange(1, width).Draw(t, "length"))
					color := byte(rapid.IntRange(0, 20).Draw(t, "color"))
					for ; at < end; at++ {
						row[at] = color
					}
				}
			}
			pixels = append(pixels, row...)
		}
		var want []byte
		for at := 0; at < len(pixels); at += width {
			want = append(append(want, 0), pixels[at:at+width]...)
		}
		if got := unpacked(t, Rows(nil, want, width+1)); !bytes.Equal(got, want) {
			t.Fatalf("%d rows of %d come back as %d bytes, want %d", len(pixels)/width, width, len(got), len(want))
		}
	})
}

// TestSkewedCodesAreShortEnough: frequencies like Fibonacci's numbers make the longest codes.
func TestSkewedCodesAreShortEnough(t *testing.T) {
	counts, a, b := make([]int, 40), 1, 1
	for i := range counts {
		counts[i] = a
		a, b = b, a+b
	}
	for _, most := range []int{7, maxBits} {
		room := 0.0
		for _, n := range lengths(counts, most) {
			if n == 0 || int(n) > most {
				t.Fatalf("a code of %d bits, at most %d", n, most)
			}
			room += 1 / float64(int(1)<<n)
		}
		if room != 1 {
			t.Errorf("the codes take %v of all", room)
		}
	}
}

func TestStreamsOfAPoolAreIndependent(t *testing.T) {
	p := New(3)
	first, err := p.Append([]byte("head"), []byte("aaaaaaaaaabbbbbbbbbb"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Append(nil, bytes.Repeat([]byte("other"), 1000)); err != nil {
		t.Fatal(err)
	}
	again, err := p.Append([]byte("head"), []byte("aaaaaaaaaabbbbbbbbbb"))
	if err != nil || !bytes.Equal(first, again) {
		t.Errorf("%q and %q (%v)", first, again, err)
	}
	if got := unpacked(t, first[len("head"):]); string(got) != "aaaaaaaaaabbbbbbbbbb" {
		t.Errorf("unpacked %q", got)
	}
}
