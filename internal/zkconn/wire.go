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

// wire is a server's connection that listens in on the connect handshake: the
// client keeps the negotiated session timeout to itself.
type wire struct {
	net.Conn

	handshakeBy time.Time
	onSession   func(timeout time.Duration, session int64)

	mu   sync.Mutex
	head []byte
	done bool
}

func newWire(conn net.Conn, handshake time.Duration, onSession func(time.Duration, int64)) *wire {
	return &wire{Conn: conn, handshakeBy: time.Now().Add(handshake), onSession: onSession}
}

// Read passes bytes on and picks the first packet apart.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	if !w.done {
		w.head = append(w.head, p[:min(n, connectResponseLen-len(w.head))]...)
		w.done = len(w.head) == connectResponseLen
		if w.done {
			ms := int32(binary.BigEndian.Uint32(w.head[8:12]))
			w.onSession(time.Duration(ms)*time.Millisecond, int64(binary.BigEndian.Uint64(w.head[12:20])))
			_ = w.Conn.SetReadDeadline(time.Time{})
		}
	}
	w.mu.Unlock()
	return n, err
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
