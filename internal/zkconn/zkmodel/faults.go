package zkmodel

import (
	"time"

	"scaleio-framework/internal/zkconn"
)

// Call is a request that is about to be sent.
type Call struct {
	// At is when.
	At time.Time
	// Client is the name of the process.
	Client string
	// Op is the call, as zkconn's errors name it, such as "multi".
	Op string
	// Path is relative to the root; empty for a multi.
	Path string
	// Ops are the operations of a write, under their full paths.
	Ops []zkconn.Op
}

// Fate is what becomes of a request. The zero value is no fault.
type Fate struct {
	// LoseRequest breaks the connection before the request arrives.
	LoseRequest bool
	// LoseAnswer breaks the connection after the request was carried out.
	LoseAnswer bool
	// Delay and DelayAnswer hold up the request or its answer, and with it
	// everything that follows on its connection.
	Delay, DelayAnswer time.Duration
}

// Kill ends a server's process. What its clients told it since the last half
// tick is lost with it; those who find another server in time keep their
// sessions. When it led, or when less than a majority is left, nothing is
// written until the rest has elected another.
func (e *Ensemble) Kill(server int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.servers[server]
	if !s.up {
		return
	}
	s.up = false
	s.stop()
	e.reconsider()
}

// Start starts a server that was killed, with all that it had on disk.
func (e *Ensemble) Start(server int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers[server].up = true
	e.reconsider()
}

// Isolate separates a server from the other servers. Its clients stay with it
// until it notices, within five ticks: they read what it knows, and write
// nothing.
func (e *Ensemble) Isolate(server int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.servers[server].isolated = true
	e.reconsider()
}

// Rejoin ends an Isolate. The server finds its leader, new or old, anew, and
// sends its clients away for that.
func (e *Ensemble) Rejoin(server int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := e.servers[server]
	if !s.isolated {
		return
	}
	s.isolated = false
	s.stop()
	e.reconsider()
}

// reconsider looks who leads after a change among the servers.
func (e *Ensemble) reconsider() {
	var together []*server
	for _, s := range e.servers {
		if s.up && !s.isolated {
			together = append(together, s)
		}
	}
	quorum := len(together) > len(e.servers)/2
	if e.leader != nil && (!quorum || !e.leader.up || e.leader.isolated) {
		e.leader = nil
	}
	e.election++ // one that is under way has counted on other servers
	for _, s := range e.servers {
		switch {
		case s.up && e.leader != nil && !s.isolated:
			s.join()
		case s.serving:
			s.notice()
		}
	}
	if e.leader == nil && quorum {
		e.elect(together)
	}
}

// elect gives the servers a leader after a while, if nothing changes.
func (e *Ensemble) elect(together []*server) {
	mine := e.election
	e.plan(e.opts.TickTime/2+e.upTo(e.opts.Election), "", func() {
		if e.election != mine {
			return
		}
		e.leader = together[0]
		for _, s := range together[1:] {
			if s.applied > e.leader.applied {
				e.leader = s
			}
		}
		for _, s := range together {
			s.stop()
		}
		e.leader.leads = true
		e.settleLimbo()
		e.restartCountdowns()
		for _, s := range together {
			s.join()
		}
	})
}

// settleLimbo decides what the old leader's last proposals came to: the first
// of them had reached a server that lives, the others had not.
func (e *Ensemble) settleLimbo() {
	limbo := e.limbo
	e.limbo = nil
	for _, f := range limbo[:e.rng.IntN(len(limbo)+1)] {
		e.decide(f)
	}
}

// join makes a server a follower that has caught up.
func (s *server) join() {
	s.serving = true
	s.apply(s.e.zxid)
}

// notice makes a server that has lost its quorum send its clients away, at
// the latest five ticks later.
func (s *server) notice() {
	s.e.plan(s.e.upTo(5*s.e.opts.TickTime), s.name, func() {
		if s.isolated || s.e.leader == nil {
			s.stop()
		}
	})
}

// stop breaks all connections and serves no more.
func (s *server) stop() {
	s.serving, s.leads, s.touched, s.waiting = false, false, nil, nil
	for len(s.links) > 0 {
		s.links[0].hangUp()
	}
}
