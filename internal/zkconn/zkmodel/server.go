package zkmodel

import (
	"slices"
	"time"

	"scaleio-framework/internal/zkconn"
)

// server is one member of the ensemble: a replica that trails the leader.
type server struct {
	e        *Ensemble
	name     string
	up       bool // its process runs
	isolated bool // it hears no other server
	serving  bool // it accepts clients: it has, or believes to have, a leader
	leads    bool // or believes so

	tree     tree
	applied  int64
	applying time.Time // when the latest transaction on its way is applied
	waiting  []waiter
	links    []*link
	touched  []*session // heard from, and not yet told to the leader
	watches  map[watched][]*watch
}

// waiter runs once the server has applied a transaction.
type waiter struct {
	zxid int64
	run  func()
}

// learn makes a server apply everything up to a transaction, at once on the
// leader and a while later on a follower.
func (s *server) learn(zxid int64) {
	switch {
	case !s.up || s.isolated:
	case s == s.e.leader:
		s.apply(zxid)
	default:
		at := time.Now().Add(s.e.way() + s.e.upTo(s.e.opts.Lag))
		if at.Before(s.applying) {
			at = s.applying
		}
		s.applying = at
		s.e.plan(time.Until(at), s.name, func() {
			if s.up && !s.isolated {
				s.apply(zxid)
			}
		})
	}
}

func (s *server) apply(zxid int64) {
	for s.applied < zxid {
		t := s.e.log[s.applied]
		s.applied++
		_, _, _, _ = s.tree.apply(t.ops, t.stamp) // has passed at the leader
		for _, op := range t.ops {
			s.notify(op)
		}
		if t.ends {
			for _, l := range slices.Clone(s.links) {
				if l.session.id == t.stamp.session && !l.closing {
					l.hangUp()
				}
			}
		}
	}
	ready := s.waiting
	s.waiting = nil
	for _, w := range ready {
		s.when(w.zxid, w.run)
	}
}

// when runs at once if the server has applied the transaction, or later.
func (s *server) when(zxid int64, run func()) {
	if s.applied >= zxid {
		run()
		return
	}
	s.waiting = append(s.waiting, waiter{zxid, run})
}

// hear notes that a session lives. The leader counts at once; a follower tells
// it at the next half tick, and takes to its grave what it has not told.
func (s *server) hear(of *session) {
	if s == s.e.leader {
		s.e.touch(of)
		return
	}
	if slices.Contains(s.touched, of) {
		return
	}
	s.touched = append(s.touched, of)
	if len(s.touched) > 1 {
		return
	}
	half := s.e.opts.TickTime / 2
	s.e.plan(half-time.Duration(time.Now().UnixNano()%int64(half)), s.name, s.report)
}

func (s *server) report() {
	touched := s.touched
	s.touched = nil
	if !s.up || s.isolated || s.e.leader == nil {
		return
	}
	for _, session := range touched {
		if s.e.sessions[session.id] == session {
			s.e.touch(session)
		}
	}
}

// greet answers a connect request.
func (s *server) greet(l *link, asked time.Duration) {
	switch {
	case !s.serving || s.applied < l.conn.zxid:
		l.hangUp() // no leader, or the client has seen what this server has not
	case s.isolated || s.e.leader == nil:
		// The leader has to make or to confirm the session, and cannot.
	case l.conn.session == 0:
		made := s.e.open(l.conn.client.name, asked)
		s.bind(l, made)
	case s.e.sessions[l.conn.session] == nil:
		l.toClient(0, func() { l.conn.refused(l) })
	default:
		s.bind(l, s.e.sessions[l.conn.session])
	}
}

// bind moves a session to a connection. What comes over another one from now
// on is void.
func (s *server) bind(l *link, to *session) {
	if old := to.link; old != nil && old.alive {
		old.hangUp()
	}
	to.link, l.session = l, to
	s.links = append(s.links, l)
	s.e.touch(to) // the leader has just confirmed it
	l.toClient(0, func() { l.conn.welcome(l, to) })
}

// receive takes a request in. A connection's requests are served in order.
func (s *server) receive(l *link, f *flight) {
	s.hear(l.session)
	l.queue = append(l.queue, f)
	s.pump(l)
}

func (s *server) pump(l *link) {
	for len(l.queue) > 0 && !l.busy {
		f := l.queue[0]
		l.queue = l.queue[1:]
		if f.kind.read() {
			l.answer(f, s.read(l, f))
			continue
		}
		l.busy = true
		s.forward(l, f)
	}
}

// forward takes a write or a sync to the leader and through the quorum.
func (s *server) forward(l *link, f *flight) {
	if f.kind == kindSync && s.leads && s != s.e.leader {
		s.complete(l, f, s.applied, reply{}) // a leader asks no quorum for it
		return
	}
	s.e.plan(s.e.way()+s.e.way(), s.name, func() {
		switch {
		case !s.up || s.isolated:
			// No answer ever: the connection breaks in the end.
		case s.e.leader == nil:
			s.e.limbo = append(s.e.limbo, f)
		default:
			s.e.decide(f)
		}
	})
}

// complete answers a write or a sync once this server has applied it.
func (s *server) complete(l *link, f *flight, zxid int64, r reply) {
	s.when(zxid, func() {
		l.busy = false
		l.answer(f, r)
		s.pump(l)
	})
}

// decide carries out a write, unless its session has ended or moved.
func (e *Ensemble) decide(f *flight) {
	l := f.link
	if s := l.session; e.sessions[s.id] != s || s.link != l {
		return
	}
	var r reply
	switch f.kind {
	case kindSync:
	case kindEnd:
		l.closing = true
		e.end(l.session)
	default:
		r.results, r.failed, r.err = e.commit(l.conn.client.name, l.session.id, f.ops, false)
	}
	l.server.complete(l, f, e.zxid, r)
}

// read answers from the server's own tree, however old.
func (s *server) read(l *link, f *flight) reply {
	z := s.tree[f.full]
	var r reply
	if f.watch {
		r.event = s.leave(l, f, z != nil)
	}
	switch {
	case z == nil && f.kind != kindExists:
		r.err = zkconn.ErrNoNode
	case z == nil:
	case f.kind == kindChildren:
		r.names, r.stat = s.tree.names(f.full), z.stat()
	default:
		r.exists, r.stat = true, z.stat()
		if f.kind == kindGet {
			r.data = slices.Clone(z.data)
		}
	}
	return r
}
