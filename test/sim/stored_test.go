package sim_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
)

// stored is the store of a term that somebody else elects, one after the other.
// It has no sessions: a scenario decides what happens to each commit.
type stored struct {
	*leadertest.Term
	term *term

	lapsed chan struct{} // closes when the lease is back; the world's lock guards it
}

// lead elects a new leader.
func (w *world) lead() (*term, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := fmt.Sprintf("scheduler-%d", len(w.terms)+1)
	won := w.store.Elect(name, nil)
	t := w.newTerm(name, won.Epoch())
	if err := t.wire(&stored{Term: won, term: t}); err != nil {
		return nil, err
	}
	go func() {
		err := t.engine.Run(t.ctx)
		t.stop()
		closing, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		err = errors.Join(err, t.engine.Close(closing))
		w.mu.Lock()
		w.note("term %d ended: %v", t.epoch, err)
		t.die()
		w.mu.Unlock()
		t.ended <- err
	}()
	return t, nil
}

// Commit is the store's, with what the scenario does to it.
func (s *stored) Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error) {
	t := s.term
	t.w.pass(time.Millisecond, fmt.Sprint("commit of ", t.epoch)) // ZooKeeper's answer
	t.await()
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.dead {
		return nil, errDead
	}
	n, p := w.position(aCommit)
	var injected leadertest.Fault
	switch p.fault {
	case crashBefore:
		w.note("term %d dies before commit %d: %s", t.epoch, n, told(ops))
		t.die()
		return nil, errDead
	case lapse:
		s.lapse()
		return nil, fmt.Errorf("%w: the lease has lapsed", leader.ErrSuspended)
	case lostReply:
		injected = leadertest.LostReply
	case lostRequest:
		injected = leadertest.LostRequest
	case crashAfter, pause:
	default:
		w.mishap(p)
		if t.dead {
			return nil, errDead
		}
	}
	s.Inject(func(int, []leader.Op) leadertest.Fault { return injected })
	results, err := s.Term.Commit(ctx, ops...)
	w.note("term %d commit %d: %s%s", t.epoch, n, told(ops), outcome(err))
	// A leader that slept may go on while nobody else was elected: the fence
	// is still its own.
	if err == nil && t != w.current() {
		w.violate("term %d commits, but term %d was elected", t.epoch, w.current().epoch)
	}
	if err == nil || injected == leadertest.LostReply {
		w.checkCommit(t, ops)
	}
	switch {
	case p.fault == crashAfter:
		t.die()
		return nil, errDead
	case p.fault == pause && err == nil:
		t.freeze()
	}
	return results, err
}

func (s *stored) lapse() {
	back := make(chan struct{})
	s.lapsed = back
	s.term.w.after(time.Second, func() {
		s.lapsed = nil
		close(back)
	})
}

// Held is false for a leader that slept: its own clock tells it so.
func (s *stored) Held() bool {
	s.term.await()
	s.term.w.mu.Lock()
	defer s.term.w.mu.Unlock()
	return !s.term.dead && !s.term.woken && s.lapsed == nil && s.Err() == nil
}

// AwaitHeld lets a leader that slept through: the lapse may come right behind
// the check, so every effect that was released may still be performed (R10).
func (s *stored) AwaitHeld(ctx context.Context) error {
	s.term.w.mu.Lock()
	back := s.lapsed
	s.term.w.mu.Unlock()
	if back != nil {
		select {
		case <-back:
		case <-s.Done():
			return s.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Recover waits for the lease, as leader.Term does.
func (s *stored) Recover(ctx context.Context) error {
	s.term.await()
	if err := s.AwaitHeld(ctx); err != nil {
		return err
	}
	return s.Term.Recover(ctx)
}
