package deflate

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPartsComeBack: whatever the parts, the standard library reads from the stream what they were, one behind the
// other.
func TestPartsComeBack(t *testing.T) {
	data := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) []byte {
		word := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "word")
		return bytes.Repeat(word, rapid.IntRange(0, 30).Draw(t, "times"))
	}), 0, 8)
	rapid.Check(t, func(t *rapid.T) {
		stored, blocks, pieces := data.Draw(t, "stored"), data.Draw(t, "blocks"), data.Draw(t, "pieces")
		code := NewCode(slices.Values(data.Draw(t, "samples")))
		j, want := Join([]byte("head")), []byte{}
		for _, d := range stored {
			j.Stored(d)
			want = append(want, d...)
		}
		j.Blocks(Blocks{})
		for _, d := range blocks {
			b, err := NewBlocks(d)
			if err != nil {
				t.Fatal(err)
			}
			j.Blocks(b)
			want = append(want, d...)
		}
		if rapid.Bool().Draw(t, "coded") {
			j.Code(code)
		} else {
			pieces = nil
		}
		for _, d := range pieces {
			p := code.Pack(d)
			j.Piece(p)
			j.Literals(d)
			j.Piece(p)
			want = append(want, slices.Concat(d, d, d)...)
		}
		got := j.Close()
		if !bytes.HasPrefix(got, []byte("head")) {
			t.Fatal("what stood before the stream is gone")
		}
		if got := unpacked(t, got[len("head"):]); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes come back, want %d", len(got), len(want))
		}
	})
}

// TestACodeKnowsItsKind: data like the samples is packed the better.
func TestACodeKnowsItsKind(t *testing.T) {
	text := []byte("<4E00><4E8C><4E09><56DB><4E94><516D><4E03><516B><4E5D><5341>")
	size := func(c *Code) int {
		j := Join(nil)
		j.Code(c)
		start := len(j.w.b)
		j.Literals(text)
		return len(j.w.b) - start
	}
	digits := slices.Repeat([][]byte{[]byte("<0123456789ABCDEF>")}, 100)
	if like, unlike := size(NewCode(slices.Values(digits))), size(NewCode(slices.Values(digits[:0]))); like > unlike*3/4 {
		t.Errorf("%d bytes, %d in a code of all the world's data", like, unlike)
	}
}
