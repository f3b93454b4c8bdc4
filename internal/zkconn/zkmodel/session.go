package zkmodel

import "time"

// session is a session as the leader of the ensemble keeps it.
type session struct {
	id      int64
	client  string
	timeout time.Duration
	expires time.Time
	link    *link // the connection that it is bound to; nil before the first
}

// open makes a session. Its timeout is the one asked for, within the bounds of
// the servers.
func (e *Ensemble) open(client string, asked time.Duration) *session {
	e.drawn++
	s := &session{
		id: e.drawn, client: client,
		timeout: min(max(asked, 2*e.opts.TickTime), 20*e.opts.TickTime),
	}
	e.sessions[s.id] = s
	e.touch(s)
	e.watchOver(s)
	return s
}

// touch starts a session's countdown anew, up to the next tick.
func (e *Ensemble) touch(s *session) {
	s.expires = time.Now().Add(s.timeout).Truncate(e.opts.TickTime).Add(e.opts.TickTime)
}

// watchOver ends a session whose countdown has run out, while there is a
// leader to say so.
func (e *Ensemble) watchOver(s *session) {
	e.plan(time.Until(s.expires), "", func() {
		switch {
		case e.sessions[s.id] != s:
		case time.Now().Before(s.expires):
			e.watchOver(s)
		case e.leader == nil: // the next one counts from its election
			s.expires = time.Now().Add(e.opts.TickTime)
			e.watchOver(s)
		default:
			e.end(s)
		}
	})
}

// end removes a session with its ephemeral znodes, in one transaction. The
// server that serves it breaks the connection when it learns of that.
func (e *Ensemble) end(s *session) {
	delete(e.sessions, s.id)
	// Deleting what is there cannot fail.
	_, _, _ = e.commit(s.client, s.id, e.head.ephemerals(s.id), true)
}

// restartCountdowns gives every session its whole timeout, as a new leader of
// the ensemble does.
func (e *Ensemble) restartCountdowns() {
	for _, s := range e.sessions {
		e.touch(s)
	}
}
