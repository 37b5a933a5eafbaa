package daemon

import (
	"time"

	"geppo/store"
)

// Watch is told what the pipeline does, for metrics. The zero Watch tells nobody.
type Watch struct {
	Now     func() time.Time
	Stage   func(name string, took time.Duration) // read, compute, freeze, render, compose, connect, send, record
	Attempt func(store.Attempt)
}

// start begins a stage; the function that it returns ends it.
func (w Watch) start(stage string) func() {
	if w.Stage == nil {
		return func() {}
	}
	began := w.Now()
	return func() { w.Stage(stage, w.Now().Sub(began)) }
}

func (w Watch) attempted(a store.Attempt) {
	if w.Attempt != nil {
		w.Attempt(a)
	}
}
