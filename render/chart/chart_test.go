package chart

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func drawer(tb testing.TB) *Drawer {
	tb.Helper()
	read := func(weight string) []byte {
		b, err := os.ReadFile(filepath.Join("..", "..", "templates", "fonts", "BIZUDPGothic-"+weight+".ttf"))
		if err != nil {
			tb.Fatal(err)
		}
		return b
	}
	d, err := New(read("Regular"), read("Bold"))
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

func october(values ...int64) []DayValue {
	days := make([]DayValue, 31)
	for i := range days {
		days[i] = DayValue{Label: i + 1, Shaded: i%7 == 2 || i%7 == 3 || i == 11}
		if i < len(values) {
			days[i].Value = values[i]
		}
	}
	return days
}

func TestEqualInputGivesEqualBytes(t *testing.T) {
	d, other := drawer(t), drawer(t)
	days := october(3, 5, 2, 0, 0, 8, 12, 7, 4, 3, 1, 0, 15, 22)
	first := png(t, d, days)
	if again := png(t, other, days); !bytes.Equal(first, again) {
		t.Fatal("two drawers draw the same days differently")
	}
	days[3].Value = 9
	if changed := png(t, d, days); bytes.Equal(first, changed) {
		t.Fatal("another value gives the same bytes")
	}
}

func png(t *testing.T, d *Drawer, days []DayValue) []byte {
	t.Helper()
	c, err := d.Trend(days, Size{560, 190})
	if err != nil {
		t.Fatal(err)
	}
	b, err := c.PNG()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
