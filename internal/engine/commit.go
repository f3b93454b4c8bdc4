package engine

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/leader"
)

// conflictsBeforeQuarantine is how often one record may conflict.
const conflictsBeforeQuarantine = 2

// pending is an event that is not dealt with yet.
type pending struct {
	event core.Event
	// failures counts how often its changes could not be stored; cause is why.
	failures int
	cause    error
}

// failuresBeforePoison is how often an event may fail.
const failuresBeforePoison = 2

// process applies a batch of events and commits them. It returns nil when all
// of them are dealt with, whatever it took; an error ends the term.
func (e *Engine) process(ctx context.Context, events []core.Event) error {
	batch := make([]pending, len(events))
	for i, event := range events {
		batch[i].event = event
	}
	fruitless := 0 // attempts in a row that committed nothing
	for len(batch) > 0 {
		done, err := e.attempt(ctx, batch)
		if err == nil {
			return nil
		}
		if errors.Is(err, leader.ErrDeposed) || ctx.Err() != nil {
			return err
		}
		fruitless++
		if done > 0 {
			fruitless = 0
		}
		if err := pace(ctx, fruitless); err != nil {
			return err
		}
		if err := e.reload(ctx, err); err != nil {
			return err
		}
		batch = e.withoutAppliedOrders(batch[done:])
		if len(batch) == 0 || !isTermStarted(batch[0].event) {
			batch = slices.Insert(batch, 0, pending{event: e.termStarted(true)})
		}
	}
	return nil
}

const (
	// quickAttempts suffice for every fault that passes, and for quarantine
	// and poison; what fails on must not keep ZooKeeper busy.
	quickAttempts = 6
	firstPace     = 50 * time.Millisecond
	longestPace   = 5 * time.Second
)

// pace waits before another attempt that will probably be fruitless, too.
func pace(ctx context.Context, fruitless int) error {
	if fruitless <= quickAttempts {
		return nil
	}
	timer := time.NewTimer(min(firstPace<<min(fruitless-quickAttempts-1, 10), longestPace))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func isTermStarted(event core.Event) bool {
	_, ok := event.(core.TermStarted)
	return ok
}

// withoutAppliedOrders drops the orders that the reload did not find any more:
// the commit that removed them was applied, only its reply was lost. Every
// other event may come twice; an order must not. An order that was edited
// meanwhile is taken as it is now.
func (e *Engine) withoutAppliedOrders(batch []pending) []pending {
	var kept []pending
	for _, p := range batch {
		if order, ok := p.event.(core.OrderReceived); ok {
			entry, there := e.stored[order.Path]
			if !there {
				e.take(TakenOrder{Path: order.Path, Data: order.Raw})
				e.publish()
				continue
			}
			order.Raw, order.Version = entry.Data, entry.Version
			p.event = order
		}
		kept = append(kept, p)
	}
	return kept
}

// reload is the crash path without the crash.
func (e *Engine) reload(ctx context.Context, cause error) error {
	var conflict *leader.ConflictError
	if errors.As(cause, &conflict) {
		if isRefusal(conflict.Path) {
			e.unrecorded++
		}
		e.conflicts[conflict.Path]++
		if e.conflicts[conflict.Path] >= conflictsBeforeQuarantine {
			e.quarantine[conflict.Path] = "edited outside: it changed under two commits; mend it, then let another scheduler lead (scaleioctl leader abdicate)"
		}
	}
	e.logger.Warn("commit not applied, loading again", "cause", cause)
	return e.regain(ctx)
}

// attempt applies the batch and commits it in as few multis as the limits
// allow. It returns how many events are committed for good.
func (e *Engine) attempt(ctx context.Context, batch []pending) (int, error) {
	var group []unit
	committed := 0
	flush := func() error {
		if err := e.commit(ctx, group); err != nil {
			return err
		}
		committed += len(group)
		group = nil
		return nil
	}
	for i := range batch {
		p := &batch[i]
		u, err := e.unitOf(p)
		if err != nil {
			p.failures++
			p.cause = err
			// The cores have taken the event in part: they are loaded again.
			err = cmp.Or(flush(), err)
			return committed, err
		}
		if len(group) > 0 && !fits(group, u) {
			if err := flush(); err != nil {
				return committed, err
			}
		}
		group = append(group, u)
	}
	return committed, flush()
}

// unitOf gives an event to the cores, unless it is known to be poison.
func (e *Engine) unitOf(p *pending) (unit, error) {
	if p.failures >= failuresBeforePoison {
		return e.poison(p.event, p.cause), nil
	}
	return e.apply(p.event)
}

// commit stores the changes of a group and releases its effects.
func (e *Engine) commit(ctx context.Context, group []unit) error {
	changes := make(map[string][]byte)
	for _, u := range group {
		maps.Copy(changes, u.changes)
	}
	ops := e.operations(changes)
	if len(ops) == 0 {
		if !e.opts.Store.Held() {
			return errors.New("the lease has lapsed")
		}
	} else {
		commitCtx, cancel := graceful(ctx)
		defer cancel()
		results, err := e.opts.Store.Commit(commitCtx, ops...)
		if err != nil {
			return err
		}
		e.remember(ops, results)
	}
	for _, u := range group {
		e.release(ctx, u.effects)
	}
	return nil
}

// grace is how long a running commit may go on after a stop was asked for
// (architecture section 10).
const grace = 100 * time.Millisecond

// graceful returns a context that outlives ctx by the grace.
func graceful(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return longer, func() {
		stop()
		cancel()
	}
}

// operations turns changes into writes against what is stored, in the order of
// their paths, so that a record comes before those below it. A record that is
// already so needs none.
func (e *Engine) operations(changes map[string][]byte) []leader.Op {
	var ops []leader.Op
	for _, p := range slices.Sorted(maps.Keys(changes)) {
		data := changes[p]
		entry, exists := e.stored[p]
		switch {
		case data == nil && exists:
			ops = append(ops, leader.Delete(p, entry.Version))
		case data == nil:
		case !exists:
			ops = append(ops, leader.Create(p, data))
		case string(entry.Data) != string(data):
			ops = append(ops, leader.Set(p, data, entry.Version))
		}
	}
	return ops
}

// remember keeps the mirror of what is stored in step with a commit. The
// mirror is replaced, never changed, since views of it are out.
func (e *Engine) remember(ops []leader.Op, results []leader.Result) {
	stored := maps.Clone(e.stored)
	for i, op := range ops {
		if op.Kind == leader.KindDelete {
			if strings.HasPrefix(op.Path, leader.PathOrders+"/") {
				e.take(TakenOrder{Path: op.Path, Data: stored[op.Path].Data})
			}
			delete(stored, op.Path)
			delete(e.plain, op.Path)
			continue
		}
		delete(e.conflicts, op.Path)
		if isRefusal(op.Path) {
			e.unrecorded = 0
		}
		stored[op.Path] = leader.Entry{Data: op.Data, Version: results[i].Version}
	}
	e.stored = stored
	e.publish()
}

// take remembers an order that was dealt with, once. The list is replaced,
// never changed, since views of it are out.
func (e *Engine) take(order TakenOrder) {
	if slices.ContainsFunc(e.taken, func(t TakenOrder) bool { return t.Path == order.Path }) {
		return
	}
	e.taken = append(slices.Clone(e.taken), order)
	e.taken = e.taken[max(len(e.taken)-maxTaken, 0):]
}
