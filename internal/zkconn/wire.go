package zkconn

import (
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// connectResponseLen covers what is read from a server's first packet: length
// (4), protocol version (4), negotiated timeout in ms (4), session id (8).
const connectResponseLen = 20

// wire is a server's connection that listens in on the client, which keeps
// the negotiated session timeout to itself, and whose watches it ends with
// the connection.
type wire struct {
	net.Conn

	handshakeBy time.Time
	onSession   func(timeout time.Duration, session int64)

	mu      sync.Mutex
	head    []byte // of the connect response
	done    bool   // the connect response has come
	frames  frames
	watches watches
	last    []byte // packets to read once the connection has ended
}

func newWire(conn net.Conn, handshake time.Duration, onSession func(time.Duration, int64)) *wire {
	return &wire{Conn: conn, handshakeBy: time.Now().Add(handshake), onSession: onSession}
}

// Read passes bytes on and picks the first packet apart. When the connection
// has ended every watch left on it fires before the client learns the end.
func (w *wire) Read(p []byte) (int, error) {
	w.mu.Lock()
	if n := copy(p, w.last); n > 0 {
		w.last = w.last[n:]
		w.mu.Unlock()
		return n, nil
	}
	w.mu.Unlock()
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.greet(p[:n])
	w.frames.pass(p[:n])
	if err != nil && n == 0 && w.frames.between() {
		if w.last = w.watches.farewell(); len(w.last) > 0 {
			n = copy(p, w.last)
			w.last = w.last[n:]
			return n, nil
		}
	}
	return n, err
}

// greet reads the connect response.
func (w *wire) greet(p []byte) {
	if w.done {
		return
	}
	w.head = append(w.head, p[:min(len(p), connectResponseLen-len(w.head))]...)
	w.done = len(w.head) == connectResponseLen
	if w.done {
		ms := int32(binary.BigEndian.Uint32(w.head[8:12]))
		w.onSession(time.Duration(ms)*time.Millisecond, int64(binary.BigEndian.Uint64(w.head[12:20])))
		_ = w.Conn.SetReadDeadline(time.Time{})
	}
}

// Write passes a packet on and notes the watches that it asks for.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	if w.done { // the connect request has no header
		w.watches.note(p)
	}
	w.mu.Unlock()
	return w.Conn.Write(p)
}

// SetReadDeadline keeps the handshake's own, shorter bound while it lasts:
// the client allows ten receive timeouts for the length of the first packet
// and an eternity for its body.
func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	handshaking := !w.done
	w.mu.Unlock()
	if handshaking && (t.IsZero() || t.After(w.handshakeBy)) {
		t = w.handshakeBy
	}
	return w.Conn.SetReadDeadline(t)
}

// frames follows the boundaries of the packets that pass.
type frames struct {
	head []byte
	body int
}

func (f *frames) pass(p []byte) {
	for len(p) > 0 {
		if f.body > 0 {
			n := min(f.body, len(p))
			f.body -= n
			p = p[n:]
			continue
		}
		n := min(4-len(f.head), len(p))
		f.head = append(f.head, p[:n]...)
		p = p[n:]
		if len(f.head) == 4 {
			f.body = int(binary.BigEndian.Uint32(f.head))
			f.head = f.head[:0]
		}
	}
}

// between tells that the last packet is complete.
func (f *frames) between() bool { return f.body == 0 && len(f.head) == 0 }

// Op codes and an event of ZooKeeper's protocol.
const (
	opExists       = 3
	opGetData      = 4
	opGetChildren2 = 12

	eventXid         = -1
	eventNodeDeleted = 3
	stateConnected   = 3
)

// watches are the paths on which a connection's client left watches.
//
// The client keeps its watches over a reconnect and registers them again. It
// only logs when that fails, it piles up a watch for each fresh read, and it
// reads its last zxid for it in a race with its own receive loop. So every
// watch is ended with its connection, by an event of the kind that ends all
// three sorts of them; the watch loops then read afresh.
type watches struct{ paths map[string]struct{} }

// note reads a request: length (4), xid (4), op code (4), path length (4),
// path, watch (1).
func (w *watches) note(packet []byte) {
	if len(packet) < 17 {
		return
	}
	switch binary.BigEndian.Uint32(packet[8:12]) {
	case opExists, opGetData, opGetChildren2:
	default:
		return
	}
	n := int(binary.BigEndian.Uint32(packet[12:16]))
	if len(packet) != 16+n+1 || packet[16+n] == 0 {
		return
	}
	if w.paths == nil {
		w.paths = map[string]struct{}{}
	}
	w.paths[string(packet[16:16+n])] = struct{}{}
}

// farewell gives, once, an event for each path: length, then the header (xid,
// zxid, error), then type, state and path.
func (w *watches) farewell() []byte {
	var packets []byte
	for path := range w.paths {
		xid := int32(eventXid)
		packets = binary.BigEndian.AppendUint32(packets, uint32(4+8+4+4+4+4+len(path)))
		packets = binary.BigEndian.AppendUint32(packets, uint32(xid))
		packets = binary.BigEndian.AppendUint64(packets, 0)
		packets = binary.BigEndian.AppendUint32(packets, 0)
		packets = binary.BigEndian.AppendUint32(packets, eventNodeDeleted)
		packets = binary.BigEndian.AppendUint32(packets, stateConnected)
		packets = binary.BigEndian.AppendUint32(packets, uint32(len(path)))
		packets = append(packets, path...)
	}
	w.paths = nil
	return packets
}
