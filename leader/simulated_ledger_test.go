package leader_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

// ledger is what ZooKeeper has really applied, and what the processes were
// told. Everything that must never happen is noticed here.
type ledger struct {
	epoch   uint64
	fence   int32            // version of /epoch
	holders map[int32]string // who made that version
	terms   map[string]*tenure
	applied map[string]int // counter texts, in order
	last    string         // the latest counter text
	count   int
	open    map[string]string // texts whose outcome is unknown, by process
	refused map[string]string // texts that must never be applied, and why
}

// tenure is a term that Elect has returned.
type tenure struct {
	process *process
	term    *leader.Term
}

func newLedger() ledger {
	return ledger{
		fence: -1, holders: map[int32]string{}, terms: map[string]*tenure{}, applied: map[string]int{},
		open: map[string]string{}, refused: map[string]string{},
	}
}

func path(name string) string { return simulatedRoot + name }

// observe judges each write that ZooKeeper applies.
func (s *simulation) observe(a zkmodel.Applied) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := &s.ledger
	fenced := len(a.Ops) > 0 && a.Ops[0].Kind == zkconn.OpCheck && a.Ops[0].Path == path(leader.PathEpoch)
	if fenced && l.holders[a.Ops[0].Version] != a.Client {
		s.broken("%s wrote under fence %d, which belongs to %q", a.Client, a.Ops[0].Version, l.holders[a.Ops[0].Version])
	}
	elects := false
	for _, op := range a.Ops {
		elects = elects || op.Kind == zkconn.OpCreate && op.Path == path(leader.PathLeader)
	}
	for _, op := range a.Ops {
		switch op.Path {
		case path(leader.PathEpoch):
			s.newEpoch(a, op, elects)
		case path(counter):
			if !fenced {
				s.broken("%s wrote %q without the fence", a.Client, op.Data)
			}
			s.counted(a, string(op.Data))
		}
	}
	if fenced {
		s.onlyOneActs(a)
	}
}

// newEpoch judges a write of /epoch.
func (s *simulation) newEpoch(a zkmodel.Applied, op zkconn.Op, elects bool) {
	l := &s.ledger
	if op.Kind == zkconn.OpCheck {
		return
	}
	var record struct{ Epoch uint64 }
	if err := json.Unmarshal(op.Data, &record); err != nil {
		s.broken("%s wrote an unreadable epoch: %v", a.Client, err)
	}
	l.fence++ // 0 when it is created
	switch {
	case op.Kind == zkconn.OpCreate:
		return
	case record.Epoch <= l.epoch:
		s.broken("%s wrote epoch %d after %d", a.Client, record.Epoch, l.epoch)
	case !elects && l.holders[op.Version] != a.Client:
		s.broken("%s raised the epoch to %d at version %d, which belongs to %q", a.Client, record.Epoch, op.Version, l.holders[op.Version])
	}
	l.epoch, l.holders[l.fence] = record.Epoch, a.Client
	s.note("%s: epoch %d is stored (fence %d)", a.Client, record.Epoch, l.fence)
}

// counted judges a write of the counter.
func (s *simulation) counted(a zkmodel.Applied, text string) {
	l := &s.ledger
	if why, never := l.refused[text]; never {
		s.broken("%q was applied although its writer was told: %s", text, why)
	}
	if _, twice := l.applied[text]; twice {
		s.broken("%q was applied twice", text)
	}
	if n := s.number([]byte(text)); n != l.count {
		s.broken("%s counted to %d, %d was next", a.Client, n, l.count)
	}
	l.count++
	l.applied[text], l.last = l.count, text
}

// onlyOneActs wants every other leader's lease lapsed when one commits, but for
// those who have stopped acting by themselves.
func (s *simulation) onlyOneActs(a zkmodel.Applied) {
	for name, t := range s.ledger.terms {
		if name != a.Client && !t.process.stepping.Load() && t.term.Err() == nil && t.term.Lease().Valid(time.Now()) {
			s.broken("%s committed while %s holds its lease", a.Client, name)
		}
	}
}

func (s *simulation) number(text []byte) (n int) {
	_, _ = fmt.Sscanf(string(text), "%d by", &n)
	return n
}

// elected notes a term that a process has won.
func (s *simulation) elected(p *process, term *leader.Term) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.dead {
		return
	}
	s.figures.elections++
	s.note("%s: elected, epoch %d", p.name, term.Epoch())
	s.ledger.terms[p.name] = &tenure{p, term}
	p.term.Store(term)
}

// ended notes the end of a term.
func (s *simulation) ended(p *process, term *leader.Term) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.dead {
		return
	}
	delete(s.ledger.terms, p.name)
	s.note("%s: ended: %s", p.name, brief(term.Err()))
	switch err := term.Err(); {
	case errors.Is(err, leader.ErrDeposed):
		s.figures.deposed++
		if l := &s.ledger; l.holders[l.fence] == p.name && !errors.Is(err, leader.ErrExpired) {
			s.broken("%s takes itself for deposed, and fence %d is its own", p.name, l.fence)
		}
	case errors.Is(err, leader.ErrLapsed):
		s.figures.lapsed++
	default:
		s.figures.handedOver++
	}
}

// kill notes the death of a process.
func (s *simulation) kill(p *process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.dead {
		p.dead = true
		s.figures.killed++
		s.note("%s: killed", p.name)
		delete(s.ledger.terms, p.name)
	}
}

// lastWrite counts what was applied so far.
func (s *simulation) lastWrite() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.count
}

// loaded judges a tree: it is no older than what was applied before the load
// began, and it settles what was open: what it does not show never comes.
func (s *simulation) loaded(p *process, before int, entry leader.Entry, exists bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.dead {
		return
	}
	shown := 0
	if exists {
		shown = s.number(entry.Data) + 1
	}
	s.note("%s: loaded %q", p.name, entry.Data)
	if shown < before {
		s.broken("%s loaded %d writes after %d were applied", p.name, shown, before)
	}
	if text, open := s.ledger.open[p.name]; open {
		delete(s.ledger.open, p.name)
		if _, applied := s.ledger.applied[text]; !applied {
			s.ledger.refused[text] = "a load after Recover showed that it was not"
		}
	}
}

// committing judges the answer to a commit.
func (s *simulation) committing(p *process, text string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.dead {
		return
	}
	l := &s.ledger
	_, applied := l.applied[text]
	s.note("%s: commit %q: %s", p.name, text, brief(err))
	switch {
	case err == nil:
		s.figures.commits++
		if !applied {
			s.broken("%q was acknowledged and not applied", text)
		}
		select {
		case s.committed <- struct{}{}:
		default:
		}
	case errors.Is(err, zkconn.ErrUnknownOutcome):
		s.figures.unknown++
		l.open[p.name] = text
	case errors.As(err, new(*leader.ConflictError)), errors.Is(err, leader.ErrSuspended), errors.As(err, new(*zkconn.MultiError)):
		if applied {
			s.broken("%q was applied and its writer was told: %s", text, brief(err))
		}
		l.refused[text] = strings.TrimSpace(brief(err))
	}
}

// judgeTheEnd compares what is stored with what was applied.
func (s *simulation) judgeTheEnd() {
	data, _, exists := s.ensemble.Peek(path(counter))
	if s.ledger.count > 0 && (!exists || string(data) != s.ledger.last) {
		s.violate("%q is stored, %q was applied last", data, s.ledger.last)
	}
}
