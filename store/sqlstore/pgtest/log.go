package pgtest

import (
	"bytes"
	"sync"
)

// log keeps what a server says, and tells when it said that it is ready.
type log struct {
	ready chan struct{} // closed then

	mu   sync.Mutex
	said bytes.Buffer
	once sync.Once
}

func newLog() *log { return &log{ready: make(chan struct{})} }

// Write is called by the one goroutine that copies the server's standard error.
func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.said.Write(p)
	if bytes.Contains(l.said.Bytes(), []byte("database system is ready to accept connections")) {
		l.once.Do(func() { close(l.ready) })
	}
	return len(p), nil
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.String()
}
