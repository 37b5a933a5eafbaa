package console

import (
	"bytes"
	"image/png"
	"os"
	"testing"
	"time"
)

// go-charts hangs or shows nonsense for what it does not like: whatever can be counted must come out as a picture.
func TestDaysAreDrawnWhateverTheyCount(t *testing.T) {
	start := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	for name, count := range map[string]func(i int) int64{
		"nothing":  func(int) int64 { return 0 },
		"one":      func(i int) int64 { return int64(i / 30) },
		"uneven":   func(i int) int64 { return int64(i * i * 37) },
		"enormous": func(i int) int64 { return int64(i) * 3_000_000_000_000 },
	} {
		var days []dayCount
		for i := range chartDays {
			days = append(days, dayCount{start.AddDate(0, 0, i), count(i)})
		}
		data, err := drawDays(days)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if dir := os.Getenv("PICTURES"); dir != "" {
			if err := os.WriteFile(dir+"/chart-"+name+".png", data, 0o600); err != nil {
				t.Error(err)
			}
		}
		picture, err := png.Decode(bytes.NewReader(data))
		if err != nil || picture.Bounds().Dx() != 560*chartScale {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The end of the axis holds every bar, and its steps are whole numbers.
func TestAnAxisEndsRound(t *testing.T) {
	for _, most := range []int64{0, 1, 4, 5, 8, 9, 41, 83, 1000, 99_999, 100_001, 1 << 50} {
		top, steps := roundTop(most)
		if top < float64(most) || int64(top)%int64(steps) != 0 || most > 4 && top > 2.6*float64(most) {
			t.Errorf("%d: up to %v in %d steps", most, top, steps)
		}
	}
}
