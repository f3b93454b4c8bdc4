package zkconn

import (
	"sync"
	"time"
)

const (
	// firstPause follows the first fruitless round over all servers; it
	// doubles with each further round up to longestPause.
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// hosts hands the servers to the client, by name and in a circle. The
// client's own provider resolves names once for ever and makes a single
// server wait a second before each return.
type hosts struct {
	mu       sync.Mutex
	servers  []string
	attempts int
	next     int
	over     bool
}

// Init takes the servers, which the client has shuffled.
func (h *hosts) Init(servers []string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers = servers
	return nil
}

// Len returns the number of servers.
func (h *hosts) Len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.servers)
}

// Next returns the next server. The second result makes the client look
// whether it was closed, and pause for a second otherwise: wanted only at the
// end, since pause keeps the rhythm before.
func (h *hosts) Next() (string, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	server := h.servers[h.next%len(h.servers)]
	h.next++
	h.attempts++
	return server, h.over
}

// Connected notes a complete handshake.
func (h *hosts) Connected() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.attempts = 0
}

// stop makes the client leave its dial loop.
func (h *hosts) stop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.over = true
}

// pause is how long to wait before the dial that Next has just announced:
// nothing in the first round over all servers.
func (h *hosts) pause() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	rounds := (h.attempts - 1) / len(h.servers)
	if rounds <= 0 || (h.attempts-1)%len(h.servers) != 0 {
		return 0
	}
	return min(firstPause<<min(rounds-1, 10), longestPause)
}
