package netfault

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Options describe a Link.
type Options struct {
	// Listen is where clients connect; a free port of 127.0.0.1 when empty.
	Listen string
	// Target is where the program listens that they mean.
	Target string
	// Filter makes what looks at the traffic of one connection; nil passes all.
	Filter func() Filter
}

// Filter looks at what passes through one connection. The two directions call
// it side by side.
type Filter interface {
	// Read reads what belongs together.
	Read(from io.Reader) ([]byte, error)
	// Request and Reply decide on what a client or the target has sent; an error
	// cuts the connection instead. gone is closed when it is cut.
	Request(packet []byte, gone <-chan struct{}) error
	Reply(packet []byte, gone <-chan struct{}) error
}

// Link passes connections on to one target, unless it is broken.
type Link struct {
	opts     Options
	listener net.Listener
	done     sync.WaitGroup

	mu     sync.Mutex
	pairs  map[*pair]struct{}
	frozen chan struct{} // closed by Thaw; nil while packets pass
	refuse bool
	closed bool
}

// Open starts to listen. Close the Link in the end.
func Open(opts Options) (*Link, error) {
	if opts.Target == "" {
		return nil, errors.New("netfault: Options.Target is required")
	}
	if opts.Listen == "" {
		opts.Listen = "127.0.0.1:0"
	}
	if opts.Filter == nil {
		opts.Filter = func() Filter { return open{} }
	}
	listener, err := net.Listen("tcp", opts.Listen)
	if err != nil {
		return nil, fmt.Errorf("netfault: link to %s: %w", opts.Target, err)
	}
	l := &Link{opts: opts, listener: listener, pairs: make(map[*pair]struct{})}
	l.done.Go(l.accept)
	return l, nil
}

// Addr is where clients connect.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Target is where their connections lead.
func (l *Link) Target() string { return l.opts.Target }

// Cut breaks every connection once; clients may come back at once.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.pairs {
		p.close()
	}
}

// Block breaks every connection and refuses new ones until Unblock.
func (l *Link) Block() {
	l.mu.Lock()
	l.refuse = true
	l.mu.Unlock()
	l.Cut()
}

// Unblock lets clients in again.
func (l *Link) Unblock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = false
}

// Freeze keeps connections open and passes nothing on. What was held passes
// after Thaw.
func (l *Link) Freeze() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen == nil {
		l.frozen = make(chan struct{})
	}
}

// Thaw lets everything pass again.
func (l *Link) Thaw() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen != nil {
		close(l.frozen)
		l.frozen = nil
	}
}

// Close ends the Link and its connections, and waits for them.
func (l *Link) Close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = l.listener.Close() // it may be closed already
	l.Cut()
	l.Thaw()
	l.done.Wait()
}

func (l *Link) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.done.Go(func() { l.serve(client) })
	}
}

// serve is the life of one connection.
func (l *Link) serve(client net.Conn) {
	p := &pair{client: client, gone: make(chan struct{})}
	defer p.close()
	if !l.admit(p) {
		return
	}
	defer l.forget(p)
	if l.hold(p) != nil {
		return
	}
	server, err := net.Dial("tcp", l.opts.Target)
	if err != nil || !p.join(server) {
		return
	}
	filter := l.opts.Filter()
	var pumps sync.WaitGroup
	pumps.Go(func() { l.pump(p, server, client, filter.Read, filter.Request) })
	pumps.Go(func() { l.pump(p, client, server, filter.Read, filter.Reply) })
	pumps.Wait()
}

func (l *Link) admit(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse || l.closed {
		return false
	}
	l.pairs[p] = struct{}{}
	return true
}

func (l *Link) forget(p *pair) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.pairs, p)
}

// pump passes one direction on until it ends; the end is held, too.
func (l *Link) pump(p *pair, to, from net.Conn, read func(io.Reader) ([]byte, error), look func([]byte, <-chan struct{}) error) {
	defer p.close()
	for {
		packet, err := read(from)
		if l.hold(p) != nil || err != nil || look(packet, p.gone) != nil {
			return
		}
		if _, err := to.Write(packet); err != nil {
			return
		}
	}
}

// hold waits while the link is frozen.
func (l *Link) hold(p *pair) error {
	l.mu.Lock()
	frozen := l.frozen
	l.mu.Unlock()
	if frozen == nil {
		return nil
	}
	select {
	case <-frozen:
		return nil
	case <-p.gone:
		return net.ErrClosed
	}
}
