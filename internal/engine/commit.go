package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// unit is one outside event with everything that the cores made of it.
type unit struct {
	event   core.Event
	changes map[string][]byte // encoded record by path; nil deletes
	effects []core.Effect
	size    int // bytes of the changes
}

// Limits of one multi. They leave room below those of architecture section 5
// (512 KiB, 500 operations) for the fence check and for paths.
const (
	maxMultiBytes = 480 << 10
	maxMultiOps   = 450
)

// conflictsBeforeQuarantine is how often one record may conflict.
const conflictsBeforeQuarantine = 2

// process applies a batch of events and commits them. It returns nil when all
// of them are dealt with, whatever it took; an error ends the term.
func (e *Engine) process(ctx context.Context, batch []core.Event) error {
	failures := make(map[int]int) // by position in the batch
	for len(batch) > 0 {
		done, err := e.attempt(ctx, batch, failures)
		if err == nil {
			return nil
		}
		if errors.Is(err, leader.ErrDeposed) || ctx.Err() != nil {
			return err
		}
		batch = batch[done:]
		failures = shift(failures, done)
		if err := e.reload(ctx, err); err != nil {
			return err
		}
		batch, failures = e.withoutAppliedOrders(batch, failures)
		if len(batch) == 0 || !isTermStarted(batch[0]) {
			batch = slices.Insert(slices.Clone(batch), 0, e.termStarted(true))
			failures = shift(failures, -1)
		}
	}
	return nil
}

func isTermStarted(event core.Event) bool {
	_, ok := event.(core.TermStarted)
	return ok
}

// shift renumbers positions after a batch lost its first n events.
func shift(positions map[int]int, n int) map[int]int {
	moved := make(map[int]int, len(positions))
	for i, count := range positions {
		if i >= n {
			moved[i-n] = count
		}
	}
	return moved
}

// withoutAppliedOrders drops the orders that the reload did not find any more:
// the commit that removed them was applied, only its reply was lost. Every
// other event may come twice; an order must not.
func (e *Engine) withoutAppliedOrders(batch []core.Event, failures map[int]int) ([]core.Event, map[int]int) {
	var kept []core.Event
	counts := make(map[int]int)
	for i, event := range batch {
		if order, ok := event.(core.OrderReceived); ok {
			if _, there := e.stored[order.Path]; !there {
				continue
			}
		}
		counts[len(kept)] = failures[i]
		kept = append(kept, event)
	}
	return kept, counts
}

// reload is the crash path without the crash.
func (e *Engine) reload(ctx context.Context, cause error) error {
	var conflict *leader.ConflictError
	if errors.As(cause, &conflict) {
		e.conflicts[conflict.Path]++
		if e.conflicts[conflict.Path] >= conflictsBeforeQuarantine {
			e.quarantine[conflict.Path] = "edited outside: it changed under two commits; mend it, then let another scheduler lead (scaleioctl leader abdicate)"
		}
	}
	e.logger.Warn("commit not applied, loading again", "cause", cause)
	if err := e.opts.Store.Recover(ctx); err != nil {
		return err
	}
	return e.load(ctx)
}

// attempt applies the batch and commits it in as few multis as the limits
// allow. It returns how many events are committed for good.
func (e *Engine) attempt(ctx context.Context, batch []core.Event, failures map[int]int) (int, error) {
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
	for i, event := range batch {
		u, err := e.apply(event)
		if err != nil {
			failures[i]++
			if failures[i] < 2 {
				return committed, err
			}
			u = e.poison(event, err)
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

// apply gives one event, and all those told because of it, to the cores.
func (e *Engine) apply(event core.Event) (unit, error) {
	u := unit{event: event, changes: make(map[string][]byte)}
	at := now()
	if order, ok := event.(core.OrderReceived); ok {
		// Orders are written by others, so the mirror learns of them here.
		e.stored = maps.Clone(e.stored)
		e.stored[order.Path] = leader.Entry{Data: order.Raw, Version: order.Version}
	}
	queue := []core.Event{event}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		for _, c := range e.cores {
			var out core.Output
			c.Apply(at, next, &out)
			for _, change := range out.Changes {
				if err := e.encode(&u, change); err != nil {
					return u, fmt.Errorf("%s, on %q: %w", c.Name(), next, err)
				}
			}
			u.effects = append(u.effects, out.Effects...)
			queue = append(queue, out.Events...)
		}
	}
	if !fits(nil, u) {
		return u, fmt.Errorf("its %d changes of %d bytes do not fit into one multi", len(u.changes), u.size)
	}
	return u, nil
}

func (e *Engine) encode(u *unit, change core.Change) error {
	if why, bad := e.quarantine[change.Path]; bad {
		return fmt.Errorf("%s is quarantined: %s", change.Path, why)
	}
	var data []byte
	if change.Record != nil {
		var err error
		if data, err = model.Encode(change.Record, e.stored[change.Path].Data); err != nil {
			return fmt.Errorf("%s: %w", change.Path, err)
		}
	}
	u.size += len(data) - len(u.changes[change.Path])
	u.changes[change.Path] = data
	return nil
}

// fits reports whether u may join the group's multi, or have one of its own
// when the group is empty.
func fits(group []unit, u unit) bool {
	ops, size := len(u.changes), u.size
	for _, member := range group {
		ops += len(member.changes)
		size += member.size
	}
	return ops <= maxMultiOps && size <= maxMultiBytes
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
			delete(stored, op.Path)
			continue
		}
		delete(e.conflicts, op.Path)
		stored[op.Path] = leader.Entry{Data: op.Data, Version: results[i].Version}
	}
	e.stored = stored
	e.publish()
}

// poisonRecord is what stands beside the refused orders for an event that could
// not be stored.
type poisonRecord struct {
	Event  string    `json:"event"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// poison is the unit of an event that cannot be stored: it is recorded, and
// acknowledged when it is an update, else it would block its task for ever.
func (e *Engine) poison(event core.Event, cause error) unit {
	e.logger.Error("event cannot be stored and is set aside", "event", event.String(), "error", cause)
	at := now()
	record := poisonRecord{Event: shorten(event.String()), Reason: shorten(cause.Error()), At: at}
	u := unit{event: event, changes: make(map[string][]byte)}
	if data, err := json.MarshalIndent(record, "", "  "); err == nil {
		name := strings.NewReplacer(":", "", "-", "", ".", "").Replace(at.Format("2006-01-02T15:04:05.000"))
		u.changes[leader.PathOrdersRefused+"/poison-"+name] = data
		u.size = len(data)
	}
	if update, ok := event.(core.TaskUpdated); ok && len(update.UUID) > 0 {
		u.effects = append(u.effects, core.Acknowledge{TaskID: update.TaskID, AgentID: update.AgentID, UUID: update.UUID})
	}
	return u
}

func shorten(text string) string {
	const limit = 2 << 10
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + " [cut]"
}
