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

	"scaleio-framework/internal/netfault"
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

// Proxy is a network between one client and one server that can be broken. It
// knows enough of the protocol to lose the answer to a chosen request.
type Proxy struct {
	*netfault.Link

	mu      sync.Mutex
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
	p := &Proxy{counted: map[int32]int{}}
	link, err := netfault.Open(netfault.Options{
		Target: target,
		Filter: func() netfault.Filter { return &dialogue{proxy: p, doomed: map[int32]chan struct{}{}} },
	})
	if err != nil {
		return nil, fmt.Errorf("zktest: proxy: %w", err)
	}
	p.Link = link
	return p, nil
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

var errStruck = errors.New("zktest: struck")

// dialogue is what a Proxy keeps of one connection.
type dialogue struct {
	proxy   *Proxy
	greeted bool

	mu     sync.Mutex
	doomed map[int32]chan struct{} // xid of requests whose answer is lost
}

// Request implements netfault.Filter.
func (d *dialogue) Request(packet []byte, _ <-chan struct{}) error {
	if !d.greeted { // the connect request has no header
		d.greeted = true
		return nil
	}
	if len(packet) < 12 {
		return nil
	}
	xid := int32(binary.BigEndian.Uint32(packet[4:8]))
	r := Request{Op: int32(binary.BigEndian.Uint32(packet[8:12])), Body: packet[12:]}
	p := d.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.match != nil && p.match(r) {
		p.match = nil
		if p.fault == LoseRequest {
			close(p.struck)
			return errStruck
		}
		d.mu.Lock()
		d.doomed[xid] = p.struck
		d.mu.Unlock()
	}
	p.counted[r.Op]++
	return nil
}

// Reply implements netfault.Filter.
func (d *dialogue) Reply(packet []byte, gone <-chan struct{}) error {
	d.proxy.mu.Lock()
	delay := d.proxy.delay
	d.proxy.mu.Unlock()
	if delay > 0 {
		select {
		case <-time.After(delay):
		case <-gone:
			return net.ErrClosed
		}
	}
	if len(packet) < 8 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if struck, ok := d.doomed[int32(binary.BigEndian.Uint32(packet[4:8]))]; ok {
		close(struck)
		return errStruck
	}
	return nil
}

// Read implements netfault.Filter: one packet with its length.
func (*dialogue) Read(r io.Reader) ([]byte, error) {
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
