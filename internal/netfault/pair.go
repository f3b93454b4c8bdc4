package netfault

import (
	"io"
	"net"
	"sync"
)

// pair is one client's connection and its counterpart.
type pair struct {
	gone chan struct{}

	mu     sync.Mutex
	client net.Conn
	server net.Conn // nil until joined
	closed bool
}

// join adds the counterpart; false, and it is closed, when the pair has ended.
func (p *pair) join(server net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = server.Close() // nobody has used it
		return false
	}
	p.server = server
	return true
}

func (p *pair) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.closed = true
	close(p.gone)
	// What is lost with the connections is meant to be lost.
	_ = p.client.Close()
	if p.server != nil {
		_ = p.server.Close()
	}
}

// open is the Filter that lets everything pass.
type open struct{}

func (open) Read(from io.Reader) ([]byte, error) {
	packet := make([]byte, 32<<10)
	n, err := from.Read(packet)
	if n > 0 {
		return packet[:n], nil // an error comes again
	}
	return nil, err
}

func (open) Request([]byte, <-chan struct{}) error { return nil }
func (open) Reply([]byte, <-chan struct{}) error   { return nil }
