package zkmodel

import (
	"slices"
	"time"
)

// retransmission is the longest time after the end of a cut at which a packet
// that was held up arrives.
const retransmission = 200 * time.Millisecond

// link is one connection between a client and a server. Packets keep their
// order in each direction.
type link struct {
	conn   *Conn
	server *server

	// The client's end.
	open    bool
	greeted bool
	heard   time.Time
	sent    []*flight // without an answer so far
	watches []*watch
	doomed  bool // what a cut holds up never arrives

	// The server's end.
	alive   bool
	closing bool
	session *session
	queue   []*flight
	busy    bool

	up, down time.Time // when the latest packet of each direction arrives
}

// toServer sends a packet that runs at the server, if the link is alive then.
func (l *link) toServer(delay time.Duration, run func()) {
	l.carry(&l.up, delay, func() { l.arrive(run) })
}

func (l *link) arrive(run func()) {
	c := l.conn.client
	switch {
	case c.cut:
		c.held = append(c.held, func() {
			if !l.doomed {
				l.toServer(c.e.upTo(retransmission), run)
			}
		})
	case l.alive:
		run()
	}
}

// toClient sends a packet that runs at the client, if the link is open then.
func (l *link) toClient(delay time.Duration, run func()) {
	l.carry(&l.down, delay, func() { l.deliver(run) })
}

func (l *link) deliver(run func()) {
	c := l.conn.client
	switch {
	case !l.open:
	case c.cut:
		c.held = append(c.held, func() { l.toClient(c.e.upTo(retransmission), run) })
	case c.frozen:
		c.whenRunning(func() { l.deliver(run) })
	default:
		l.heard = time.Now()
		run()
	}
}

func (l *link) carry(latest *time.Time, delay time.Duration, arrive func()) {
	e := l.conn.client.e
	at := time.Now().Add(e.way() + delay)
	if !at.After(*latest) {
		at = latest.Add(time.Nanosecond)
	}
	*latest = at
	e.plan(time.Until(at), l.conn.key, arrive)
}

// answer sends the answer of a request, or what its fate has left of it.
func (l *link) answer(f *flight, r reply) {
	if f.fate.LoseAnswer {
		l.hangUp()
		return
	}
	if !l.alive {
		return
	}
	r.zxid = l.server.applied
	l.toClient(f.fate.DelayAnswer, func() {
		l.sent = slices.DeleteFunc(l.sent, func(s *flight) bool { return s == f })
		l.conn.zxid = max(l.conn.zxid, r.zxid)
		l.conn.settle(f, r)
	})
	if f.kind == kindEnd {
		l.hangUp()
	}
}

// hangUp breaks the link at the server's end; the client learns of it.
func (l *link) hangUp() {
	if !l.alive {
		return
	}
	l.forget()
	l.toClient(0, func() { l.conn.lost(l) })
}

// forget is the server's part of the end of a link.
func (l *link) forget() {
	l.alive, l.queue = false, nil
	l.server.links = slices.DeleteFunc(l.server.links, func(o *link) bool { return o == l })
}

// abandon breaks the link at the client's end. Requests that are on their way
// may still arrive: the end of the stream comes behind them.
func (l *link) abandon() {
	if !l.open {
		return
	}
	l.open = false
	l.doomed = l.conn.client.cut && l.conn.client.e.rng.IntN(2) == 0
	for _, w := range slices.Clone(l.watches) {
		w.fire()
	}
	sent := l.sent
	l.sent = nil
	for _, f := range sent {
		l.conn.settle(f, reply{lost: true})
	}
	l.toServer(0, l.forget)
}
