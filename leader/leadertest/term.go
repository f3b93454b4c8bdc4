package leadertest

import (
	"context"
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// Fault is what happens to one commit.
type Fault int

const (
	// None: the commit runs as it should.
	None Fault = iota
	// LostReply: it is applied, and its answer is lost.
	LostReply
	// LostRequest: it is not applied, and the leader cannot know.
	LostRequest
	// Lapse: the lease has lapsed, nothing is sent.
	Lapse
	// Deposed: another leader was elected just before.
	Deposed
	// Expired: the session ended just before.
	Expired
)

// endless is the session of a term without a lease of its own.
const endless = 10_000 * time.Hour

// Term is one time of leadership over a Store.
type Term struct {
	store    *Store
	instance string
	lease    *leader.Lease

	// All below is guarded by the store's lock.
	epoch     uint64
	fence     int32
	commits   int
	unsettled bool
	inject    func(commit int, ops []leader.Op) Fault
	err       error
	done      chan struct{}
}

// Elect starts a term and thereby deposes every earlier one. A nil lease
// holds for longer than any test.
func (s *Store) Elect(instance string, lease *leader.Lease) *Term {
	s.mu.Lock()
	defer s.mu.Unlock()
	if lease == nil {
		lease = leader.NewLease(endless, time.Now())
	}
	s.writeEpoch(s.epoch+1, instance)
	return &Term{store: s, instance: instance, lease: lease, epoch: s.epoch, fence: s.fence, done: make(chan struct{})}
}

// Inject asks before each commit, counted from 0, what shall happen to it.
func (t *Term) Inject(fault func(commit int, ops []leader.Op) Fault) {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	t.inject = fault
}

// Script gives the first commits from now on a fault each.
func (t *Term) Script(faults ...Fault) {
	t.Inject(func(int, []leader.Op) Fault {
		if len(faults) == 0 {
			return None
		}
		next := faults[0]
		faults = faults[1:]
		return next
	})
}

// Commit is leader.Term's.
func (t *Term) Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error) {
	if err := leader.Validate(ops); err != nil {
		return nil, err
	}
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	fault := None
	if t.inject != nil {
		fault = t.inject(t.commits, ops)
	}
	t.commits++
	switch fault {
	case Lapse:
		return nil, fmt.Errorf("%w: the lease has lapsed", leader.ErrSuspended)
	case LostRequest:
		t.unsettled = true
		return nil, lost()
	case Expired:
		return nil, t.end(leader.ErrExpired)
	case Deposed:
		t.store.writeEpoch(t.store.epoch+1, "another")
	}
	if err := t.checkFence(); err != nil {
		return nil, err
	}
	results, err := t.store.apply(ops)
	if fault == LostReply {
		t.unsettled = true
		return nil, lost()
	}
	return results, err
}

func lost() error { return &zkconn.CallError{Op: "multi", Err: zkconn.ErrUnknownOutcome} }

// usable tells why nothing can be sent; the caller holds the lock.
func (t *Term) usable(ctx context.Context) error {
	switch {
	case t.err != nil:
		return t.err
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", leader.ErrSuspended, ctx.Err())
	case t.unsettled:
		return fmt.Errorf("%w: the outcome of an earlier commit is open", leader.ErrSuspended)
	}
	return nil
}

// checkFence ends the term when the fence is broken.
func (t *Term) checkFence() error {
	if t.fence != t.store.fence {
		return t.end(fmt.Errorf("%w: the fence is broken", leader.ErrDeposed))
	}
	if _, exists := t.store.nodes[leader.PathEpoch]; !exists {
		return t.end(fmt.Errorf("%w: %s is gone", leader.ErrDeposed, leader.PathEpoch))
	}
	return nil
}

func (t *Term) end(reason error) error {
	if t.err == nil {
		t.err = reason
		close(t.done)
	}
	return t.err
}

// Recover is leader.Term's; it never has to wait.
func (t *Term) Recover(ctx context.Context) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("recover leadership: %w", err)
	}
	if err := t.checkFence(); err != nil {
		return err
	}
	for _, p := range containers() {
		if _, there := t.store.nodes[p]; !there {
			t.store.nodes[p] = leader.Entry{}
		}
	}
	t.unsettled = false
	return nil
}

// Tree is leader.Term's.
func (t *Term) Tree(context.Context) (leader.Snapshot, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	return t.store.Tree(), nil
}

// RaiseEpoch is leader.Term's.
func (t *Term) RaiseEpoch(ctx context.Context, above uint64) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	if err := t.checkFence(); err != nil || t.epoch > above {
		return err
	}
	t.store.writeEpoch(above+1, t.instance)
	t.epoch, t.fence = t.store.epoch, t.store.fence
	return nil
}

// HandOver is leader.Term's.
func (t *Term) HandOver(context.Context) error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	if t.err != nil {
		return t.err
	}
	if err := t.checkFence(); err != nil {
		return err
	}
	_ = t.end(leader.ErrHandedOver)
	return nil
}

// Epoch is leader.Term's.
func (t *Term) Epoch() uint64 {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	return t.epoch
}

// Lease is leader.Term's.
func (t *Term) Lease() *leader.Lease { return t.lease }

// Done is leader.Term's.
func (t *Term) Done() <-chan struct{} { return t.done }

// Err is leader.Term's.
func (t *Term) Err() error {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	return t.err
}

// Commits counts the commits so far, those that failed included.
func (t *Term) Commits() int {
	t.store.mu.Lock()
	defer t.store.mu.Unlock()
	return t.commits
}
