package harmless_test

import (
	"bytes"
	"testing"

	"geppo/cmd/internal/harmless"
)

func BenchmarkPage(b *testing.B) {
	clean := bytes.Repeat([]byte(`<li class="card"><b class="words">株式会社サンプル PC-001</b></li>`), 2000)
	hostile := append(bytes.Clone(clean), "\u202e"...)
	for name, page := range map[string][]byte{"clean": clean, "hostile": hostile} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				harmless.Page(page)
			}
		})
	}
}
