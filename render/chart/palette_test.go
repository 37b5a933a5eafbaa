package chart

import (
	"math"
	"testing"
)

// TestPalette measures that any two results can be told apart with and without a colour deficiency,
// and neighbours in black-and-white print.
func TestPalette(t *testing.T) {
	// Viénot, Brettel and Mollon (1999) for protanopia and deuteranopia, in linear RGB.
	visions := map[string][9]float64{
		"full":         {1, 0, 0, 0, 1, 0, 0, 0, 1},
		"protanopia":   {0.11238, 0.88762, 0, 0.11238, 0.88762, 0, 0.00401, -0.00401, 1},
		"deuteranopia": {0.29275, 0.70725, 0, 0.29275, 0.70725, 0, -0.02234, 0.02234, 1},
		"tritanopia":   {1, 0.14461, -0.14461, 0, 0.85924, 0.14076, 0, 0.85924, 0.14076},
	}
	for vision, matrix := range visions {
		for i := range Slices {
			for j := range i {
				if d := distance(lab(Slices[i], matrix), lab(Slices[j], matrix)); d < 18 {
					t.Errorf("%s: slices %d and %d differ by %.1f, want at least 18", vision, j, i, d)
				}
			}
		}
	}
	for i := range Slices {
		next := (i + 1) % len(Slices)
		a, b := lab(Slices[i], visions["full"])[0], lab(Slices[next], visions["full"])[0]
		if math.Abs(a-b) < 18 {
			t.Errorf("black and white: neighbours %d and %d differ in lightness by %.1f, want at least 18", i, next, math.Abs(a-b))
		}
		for j := range i {
			if d := math.Abs(lab(Slices[i], visions["full"])[0] - lab(Slices[j], visions["full"])[0]); d < 6 {
				t.Errorf("black and white: %d and %d differ in lightness by %.1f, want at least 6", j, i, d)
			}
		}
	}
	for name, c := range map[string]Color{"ink": Ink, "muted": Muted, "bar": Bar, "alarm": Alarm, "warn": Warn, "calm": Calm, "weekend": Weekend, "mark": MarkInk} {
		if r := Contrast(c, White); r < 4.5 {
			t.Errorf("%s on white has a contrast of %.1f, want 4.5 (WCAG 2.2, 1.4.3)", name, r)
		}
	}
}

// lab is a colour, seen through a matrix, in CIELAB (D65).
func lab(c Color, m [9]float64) [3]float64 {
	in := [3]float64{linear(c.R), linear(c.G), linear(c.B)}
	var rgb [3]float64
	for i := range rgb {
		rgb[i] = min(max(m[3*i]*in[0]+m[3*i+1]*in[1]+m[3*i+2]*in[2], 0), 1)
	}
	f := func(t float64) float64 {
		if t > 216.0/24389 {
			return math.Cbrt(t)
		}
		return (24389.0/27*t + 16) / 116
	}
	x := f((0.4124*rgb[0] + 0.3576*rgb[1] + 0.1805*rgb[2]) / 0.9505)
	y := f(0.2126*rgb[0] + 0.7152*rgb[1] + 0.0722*rgb[2])
	z := f((0.0193*rgb[0] + 0.1192*rgb[1] + 0.9505*rgb[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func distance(a, b [3]float64) float64 {
	return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
}

// TestResultsDifferBesideEachOther: in the order in which the bars have them, and in black and white too.
func TestResultsDifferBesideEachOther(t *testing.T) {
	full := [9]float64{1, 0, 0, 0, 1, 0, 0, 0, 1}
	for _, order := range [][]string{
		{"cleaned", "deleted", "quarantined", "renamed", "passed", "uncleanable", "unknown"}, {"cleaned", "noncleaned", "reboot", "unsafe", "unknown"},
	} {
		for i := 1; i < len(order); i++ {
			a, b := lab(Result(order[i-1]), full), lab(Result(order[i]), full)
			if math.Abs(a[0]-b[0]) < 8 || distance(a, b) < 18 {
				t.Errorf("%s and %s differ by %.1f, in lightness by %.1f", order[i-1], order[i], distance(a, b), math.Abs(a[0]-b[0]))
			}
		}
	}
}
