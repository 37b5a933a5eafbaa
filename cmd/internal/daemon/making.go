package daemon

import (
	"sync"

	"geppo/store"
)

// making knows which reports are being made, and what else waits for each. A contract's addresses follow each other in
// the queue. If every renderer waited for the same report, one of minutes would keep all other contracts waiting: so
// one renderer makes it, and the other addresses' deliveries are left to that one.
type making struct {
	mu     sync.Mutex
	left   map[reportKey][]store.Delivery // of reports that are being made
	parked int
}

// mostParked bounds what may be claimed for reports that are being made; beyond it renderers wait.
const mostParked = 16

// begin tells whether the caller is to compose the delivery; if so, it asks next until there is no more.
func (m *making) begin(report reportKey, delivery store.Delivery) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.left == nil {
		m.left = map[reportKey][]store.Delivery{}
	}
	waiting, made := m.left[report]
	switch {
	case !made:
		m.left[report] = nil
	case m.parked < mostParked:
		m.left[report] = append(waiting, delivery)
		m.parked++
		return false
	}
	return true
}

// next is one more delivery of the report; false once there is none, and the report is nobody's any more.
func (m *making) next(report reportKey) (delivery store.Delivery, more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := m.left[report]
	if len(waiting) == 0 {
		delete(m.left, report)
		return store.Delivery{}, false
	}
	m.left[report] = waiting[1:]
	m.parked--
	return waiting[0], true
}

// rest takes what was parked when the renderers ended early.
func (m *making) rest() (all []store.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, waiting := range m.left {
		all = append(all, waiting...)
	}
	m.left, m.parked = nil, 0
	return all
}
