package zktest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Op codes of ZooKeeper's protocol, for choosing a request.
const (
	OpCreate      = 1
	OpDelete      = 2
	OpExists      = 3
	OpGetData     = 4
	OpSetData     = 5
	OpSync        = 9
	OpPing        = 11
	OpGetChildren = 12
	OpMulti       = 14
	OpSetAuth     = 100
	OpSetWatches  = 101
	OpClose       = -11
)

// Request is a client's packet on its way through a Proxy.
type Request struct {
	// Op is the op code.
	Op int32
	// Body is what follows the header; paths and data stand in it verbatim.
	Body []byte
}

// Fault is what a Proxy does to a chosen request.
type Fault int

const (
	// LoseReply lets the request pass and cuts the connection instead of
	// passing the answer on: the request was carried out.
	LoseReply Fault = iota
	// LoseRequest cuts the connection instead of passing the request on: it
	// was not carried out.
	LoseRequest
)

// Proxy is a network between one client and one server that can be broken.
type Proxy struct {
	listener net.Listener
	target   string
	done     sync.WaitGroup

	mu      sync.Mutex
	links   map[*link]struct{}
	frozen  chan struct{} // closed by Thaw; nil while packets pass
	refuse  bool
	closed  bool
	delay   time.Duration
	match   func(Request) bool
	fault   Fault
	struck  chan struct{}
	counted map[int32]int
}

// StartProxy puts a Proxy before a server for the time of a test.
func StartProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p, err := NewProxy(target)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(p.Close)
	return p
}

// NewProxy listens on a free port and passes everything on to target.
func NewProxy(target string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("zktest: proxy: %w", err)
	}
	p := &Proxy{listener: listener, target: target, links: map[*link]struct{}{}, counted: map[int32]int{}}
	p.done.Add(1)
	go p.accept()
	return p, nil
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Cut breaks every connection once; clients may come back at once.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.links {
		l.close()
	}
}

// Block breaks every connection and refuses new ones until Unblock.
func (p *Proxy) Block() {
	p.mu.Lock()
	p.refuse = true
	p.mu.Unlock()
	p.Cut()
}

// Unblock lets clients in again.
func (p *Proxy) Unblock() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = false
}

// Freeze keeps connections open and passes nothing on, as a paused process or
// a silent network does. What was held passes after Thaw.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen == nil {
		p.frozen = make(chan struct{})
	}
}

// Thaw lets packets pass again.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.frozen != nil {
		close(p.frozen)
		p.frozen = nil
	}
}

// Delay holds every packet of a server for a while.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Strike does the fault to the first request that matches. The channel is
// closed when it has happened.
func (p *Proxy) Strike(fault Fault, match func(Request) bool) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.match, p.struck = fault, match, make(chan struct{})
	return p.struck
}

// Requests counts the requests of an op code that were passed on.
func (p *Proxy) Requests(op int32) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counted[op]
}

// Close ends the proxy and its connections.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	_ = p.listener.Close()
	p.Thaw()
	p.Cut()
	p.done.Wait()
}

// link is one client's connection and its counterpart.
type link struct {
	client, server net.Conn
	gone           chan struct{}
	once           sync.Once

	mu      sync.Mutex
	doomed  map[int32]chan struct{} // xid of requests whose answer is lost
	greeted bool
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.gone)
		_ = l.client.Close()
		_ = l.server.Close()
	})
}

var errStruck = errors.New("zktest: struck")

func (p *Proxy) accept() {
	defer p.done.Done()
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		refuse := p.refuse
		p.mu.Unlock()
		if refuse {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		p.serve(&link{client: client, server: server, gone: make(chan struct{}), doomed: map[int32]chan struct{}{}})
	}
}

func (p *Proxy) serve(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.refuse {
		l.close()
		return
	}
	p.links[l] = struct{}{}
	p.done.Add(2)
	pump := func(dst, src net.Conn, look func(*link, []byte) error) {
		defer p.done.Done()
		defer l.close()
		for {
			packet, err := readPacket(src)
			if err != nil || p.hold(l) != nil || look(l, packet) != nil {
				break
			}
			if _, err := dst.Write(packet); err != nil {
				break
			}
		}
		p.mu.Lock()
		delete(p.links, l)
		p.mu.Unlock()
	}
	go pump(l.server, l.client, p.onRequest)
	go pump(l.client, l.server, p.onReply)
}

// hold waits while the proxy is frozen.
func (p *Proxy) hold(l *link) error {
	p.mu.Lock()
	frozen := p.frozen
	p.mu.Unlock()
	if frozen == nil {
		return nil
	}
	select {
	case <-frozen:
		return nil
	case <-l.gone:
		return net.ErrClosed
	}
}

func (p *Proxy) onRequest(l *link, packet []byte) error {
	if !l.greeted { // the connect request has no header
		l.greeted = true
		return nil
	}
	if len(packet) < 12 {
		return nil
	}
	xid := int32(binary.BigEndian.Uint32(packet[4:8]))
	r := Request{Op: int32(binary.BigEndian.Uint32(packet[8:12])), Body: packet[12:]}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.match != nil && p.match(r) {
		p.match = nil
		if p.fault == LoseRequest {
			close(p.struck)
			return errStruck
		}
		l.mu.Lock()
		l.doomed[xid] = p.struck
		l.mu.Unlock()
	}
	p.counted[r.Op]++
	return nil
}

func (p *Proxy) onReply(l *link, packet []byte) error {
	p.mu.Lock()
	delay := p.delay
	p.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-l.gone:
			return net.ErrClosed
		}
	}
	if len(packet) < 8 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if struck, ok := l.doomed[int32(binary.BigEndian.Uint32(packet[4:8]))]; ok {
		close(struck)
		return errStruck
	}
	return nil
}

// readPacket reads one packet with its length.
func readPacket(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > 64<<20 {
		return nil, fmt.Errorf("zktest: packet of %d bytes", n)
	}
	packet := make([]byte, 4+n)
	copy(packet, head[:])
	_, err := io.ReadFull(r, packet[4:])
	return packet, err
}
