package httpapi

import "sync"

// Bell wakes those who wait for something new. It keeps no account of them:
// who waits takes the channel first and looks then, so that he misses nothing,
// and whoever rings never waits. The zero value is ready.
type Bell struct {
	mu   sync.Mutex
	next chan struct{}
}

// Next is closed when the bell is rung next.
func (b *Bell) Next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next == nil {
		b.next = make(chan struct{})
	}
	return b.next
}

// Ring wakes all who wait.
func (b *Bell) Ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.next != nil {
		close(b.next)
		b.next = nil
	}
}
