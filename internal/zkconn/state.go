package zkconn

import "sync"

// State is what a Conn knows of its session.
type State int

const (
	// Connecting: no server answers at present; the session may live on.
	Connecting State = iota
	// Connected: a server serves the session.
	Connected
	// Expired: the session is over, and the Conn with it.
	Expired
	// Closed: the owner closed the Conn.
	Closed
)

// String names the state as logs show it.
func (s State) String() string {
	switch s {
	case Connecting:
		return "connecting"
	case Connected:
		return "connected"
	case Expired:
		return "expired"
	case Closed:
		return "closed"
	default:
		return "unknown"
	}
}

// mailbox keeps the latest state. Writers never block, which the client's
// callback requires; readers wait on a channel that each change closes.
type mailbox struct {
	mu      sync.Mutex
	state   State
	returns int // how often the session became usable
	changed chan struct{}
}

func newMailbox() *mailbox { return &mailbox{changed: make(chan struct{})} }

// set moves to a state. Expired and Closed are final, the first wins.
func (m *mailbox) set(s State) (moved bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state == Expired || m.state == Closed || m.state == s {
		return false
	}
	m.state = s
	if s == Connected {
		m.returns++
	}
	close(m.changed)
	m.changed = make(chan struct{})
	return true
}

// get returns the state, how often the session became usable, and a channel
// that the next change closes.
func (m *mailbox) get() (State, int, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state, m.returns, m.changed
}
