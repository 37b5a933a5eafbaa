package sample

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"

	"geppo/store"
)

// Options say what to invent.
type Options struct {
	Contracts int          // C000001, C000002, …
	From      int          // so many of them are left out: the others are as they would be
	Seed      uint64       // other seeds, other companies
	Period    store.Period // the month to report on; the month before is written as well
	Mix       Mix
	Mess      Mess // what it is spoilt with; zero: nothing
}

// Mix says how many contracts in every None+Few+Many+Heavy of them have how many detections in the
// period, counted in rows as well as in the sum of their counts. The zero value is 60/30/9/1.
type Mix struct {
	None  int // no detection
	Few   int // 1 to 50
	Many  int // 51 to 1,000
	Heavy int // 5,000 to 20,000
}

var defaultMix = Mix{None: 60, Few: 30, Many: 9, Heavy: 1}

// kind indexes a contract's share of the mix.
type kind int

const (
	none kind = iota
	few
	many
	heavy
)

// flushAt is how many bytes are gathered before they are written: memory stays flat however many
// contracts are asked for.
const flushAt = 64 << 10

// Write writes the sample to w, one contract after the other. Contract k is the same whatever
// Contracts is. It fails on unusable options and when w does.
func Write(w io.Writer, opts Options) error {
	if opts.Mix == (Mix{}) {
		opts.Mix = defaultMix
	}
	if err := opts.check(); err != nil {
		return err
	}
	spoilt := &messy{w: w, opts: opts}
	if opts.Mess != 0 {
		w = spoilt
	}
	g := &generator{seed: opts.Seed, cal: newCalendar(opts.Period), out: output{w: w}}
	block := opts.Mix.size()
	for k := range opts.Contracts {
		if k%block == 0 {
			g.kinds = opts.Mix.order(opts.Seed, k/block)
		}
		if k < opts.From {
			continue
		}
		g.contract(k, g.kinds[k%block])
		if g.out.err != nil {
			break
		}
	}
	if err := g.out.flush(); err != nil {
		return err
	}
	return spoilt.end()
}

func (o Options) check() error {
	m := o.Mix
	switch {
	case o.Contracts < 0:
		return fmt.Errorf("%d contracts cannot be made; ask for 0 or more", o.Contracts)
	case o.Period.Month < 1 || o.Period.Month > 12 || o.Period.Year < 2000 || o.Period.Year > 9998:
		return fmt.Errorf("period %s cannot be made; ask for a month from 2000-01 to 9998-12", o.Period)
	case m.None < 0 || m.Few < 0 || m.Many < 0 || m.Heavy < 0:
		return errors.New("a share of the mix is negative; use 0 or more")
	case m.size() > 1_000_000:
		return errors.New("the shares of the mix add up to more than 1,000,000; use smaller ones")
	}
	return nil
}

func (m Mix) size() int { return m.None + m.Few + m.Many + m.Heavy }

// order deals the kinds of one block. Each step gives the kind that is furthest behind its share,
// so that any beginning of a block is near the mix and the whole block meets it exactly; a shuffle
// of the whole block would keep only the second promise. Shuffling tens of neighbours by the seed
// hides the regularity.
func (m Mix) order(seed uint64, block int) []kind {
	shares := [...]int{none: m.None, few: m.Few, many: m.Many, heavy: m.Heavy}
	var behind [len(shares)]int
	kinds := make([]kind, m.size())
	for i := range kinds {
		next := none
		for k, share := range shares {
			behind[k] += share
			if behind[k] > behind[next] {
				next = kind(k)
			}
		}
		behind[next] -= m.size()
		kinds[i] = next
	}
	rng := rand.New(rand.NewPCG(seed, 1<<63|uint64(block)))
	for at := 0; at < len(kinds); at += 10 {
		ten := kinds[at:min(at+10, len(kinds))]
		rng.Shuffle(len(ten), func(i, j int) { ten[i], ten[j] = ten[j], ten[i] })
	}
	return kinds
}

// generator holds what the contracts share: the calendar, the output and scratch memory.
type generator struct {
	seed  uint64
	cal   calendar
	kinds []kind // of the current block
	out   output

	rng     *rand.Rand // of the current contract
	seconds []int      // scratch: the times of one day
}

// between draws from [low, high].
func (g *generator) between(low, high int) int { return low + g.rng.IntN(high-low+1) }

// chance is true in p of 1.
func (g *generator) chance(p float64) bool { return g.rng.Float64() < p }

// oneOf draws from words.
func (g *generator) oneOf(words []string) string { return words[g.rng.IntN(len(words))] }

// skewed draws an index of n, the low ones far more often.
func (g *generator) skewed(n int) int {
	u := g.rng.Float64()
	return int(u * u * u * float64(n))
}

// output gathers lines and remembers the first error.
type output struct {
	w   io.Writer
	buf []byte
	err error
}

// line ends a line that was appended to buf.
func (o *output) line(b []byte) {
	o.buf = append(b, '\n')
	if len(o.buf) >= flushAt {
		_ = o.flush() // kept in err, which Write looks at
	}
}

func (o *output) flush() error {
	if o.err == nil {
		_, o.err = o.w.Write(o.buf)
	}
	o.buf = o.buf[:0]
	return o.err
}
