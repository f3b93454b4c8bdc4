package netfault

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// Route is all the links that lead from one place to another. What breaks it
// breaks links that are opened later as well, until Heal.
type Route struct {
	mu      sync.Mutex
	links   []*Link
	blocked bool
	frozen  bool
	closed  bool
}

// Open adds a Link, which Close ends with the others.
func (r *Route) Open(opts Options) (*Link, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("netfault: the route is closed")
	}
	link, err := Open(opts)
	if err != nil {
		return nil, err
	}
	if r.blocked {
		link.Block()
	}
	if r.frozen {
		link.Freeze()
	}
	r.links = append(r.links, link)
	return link, nil
}

// Listen is net.Listen for a program that is reached through a Link: the Link
// has the address, and the program gets what it lets pass.
func (r *Route) Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("netfault: %w", err)
	}
	inner, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("netfault: %w", err)
	}
	link, err := r.Open(Options{Listen: addr, Target: inner.Addr().String()})
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	return &behind{inner, link}, nil
}

// behind is a listener that is reached through a Link.
type behind struct {
	net.Listener
	link *Link
}

func (b *behind) Addr() net.Addr { return b.link.listener.Addr() }

func (b *behind) Close() error {
	b.link.Close()
	return b.Listener.Close()
}

// Block breaks all connections and refuses new ones.
func (r *Route) Block() {
	r.each(func() { r.blocked = true }, (*Link).Block)
}

// Freeze keeps connections open and passes nothing on.
func (r *Route) Freeze() {
	r.each(func() { r.frozen = true }, (*Link).Freeze)
}

// Heal ends what Block and Freeze began.
func (r *Route) Heal() {
	r.each(func() { r.blocked, r.frozen = false, false }, func(l *Link) {
		l.Unblock()
		l.Thaw()
	})
}

// Close ends all links.
func (r *Route) Close() {
	r.each(func() { r.closed = true }, (*Link).Close)
}

func (r *Route) each(note func(), do func(*Link)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	note()
	for _, link := range r.links {
		do(link)
	}
}
