package main

import (
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// meter is a progress bar on a terminal, and nothing elsewhere. It is decoration: that it cannot be
// drawn any more, say because the terminal went away, must not stop the work it tells of.
type meter struct {
	bar *progressbar.ProgressBar
	mu  *sync.Mutex // the library's own does not cover its clearing
}

// clear takes the bar off the screen, for a line of text; again draws it below that.
func (m meter) clear() {
	m.do(func() { _ = m.bar.Clear() })
}

func (m meter) again() {
	m.do(func() {
		if !m.bar.IsFinished() {
			_ = m.bar.RenderBlank()
		}
	})
}

// newMeter starts a bar; most -1: the length is not known.
func newMeter(w io.Writer, most int64, what string, bytes bool) meter {
	if !terminal(w) || most == 0 {
		return meter{}
	}
	return meter{mu: new(sync.Mutex), bar: progressbar.NewOptions64(most, progressbar.OptionSetDescription(what), progressbar.OptionSetWriter(fileOf(w)),
		progressbar.OptionShowCount(), progressbar.OptionShowBytes(bytes), progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

func (m meter) add(n int) {
	m.do(func() { _ = m.bar.Add(n) })
}

func (m meter) set(n int) {
	m.do(func() { _ = m.bar.Set(n) })
}

func (m meter) end() {
	m.do(func() { _ = m.bar.Finish() })
}

func (m meter) do(draw func()) {
	if m.bar != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		draw()
	}
}
