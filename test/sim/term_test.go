package sim_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/leader"
	"scaleio-framework/leader/leadertest"
)

// term is one leader: an engine over one term of the store, until it dies.
type term struct {
	*leadertest.Term
	w      *world
	epoch  uint64
	engine *engine.Engine
	ctx    context.Context
	stop   context.CancelFunc
	ended  chan error

	// All below is guarded by the world's lock.
	dead bool
	read core.PoolsRead // the last reading that was given to it
	gone chan struct{}  // closed when it is dead or frozen: another may lead
	left bool           // gone is closed
	// wake is not nil while the leader is paused; it closes at the end of that.
	wake   chan struct{}
	woken  bool
	lapsed chan struct{} // closes when the lease is back
}

// lead elects a new leader.
func (w *world) lead() (*term, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := &term{w: w, Term: w.store.Elect(fmt.Sprintf("scheduler-%d", len(w.terms)+1), nil), ended: make(chan error, 1), gone: make(chan struct{})}
	t.epoch = t.Term.Epoch()
	t.ctx, t.stop = context.WithCancel(context.Background())
	w.terms = append(w.terms, t)
	w.note("=== term %d", t.epoch)
	drawn := 0
	var err error
	t.engine, err = engine.New(engine.Options{
		Store: t, Cores: w.site.cores, Perform: t.perform, Logger: hclog.NewNullLogger(), AfterFunc: t.afterFunc,
		Entropy: func() string { drawn++; return fmt.Sprintf("entropy-%d-%d", t.epoch, drawn) },
	})
	if err != nil {
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

// afterFunc runs the engine's timers at instants of the world. They run without
// its lock, since the engine's own is taken when one is set.
func (t *term) afterFunc(key string, after time.Duration, f func()) func() bool {
	var stopped atomic.Bool
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	t.w.agenda.plan(after, fmt.Sprint(t.epoch, " timer ", key), func() {
		if !stopped.Load() {
			go f()
		}
	})
	return func() bool { return !stopped.Swap(true) }
}

// die kills the leader: nothing of it acts any more, its connections break.
func (t *term) die() {
	if t.dead {
		return
	}
	t.dead = true
	t.stop()
	if t.wake != nil && !t.woken {
		t.woken = true
		close(t.wake)
	}
	t.w.mesos.hangUp(t)
	t.leave()
}

func (t *term) leave() {
	if !t.left {
		t.left = true
		close(t.gone)
	}
}

func (t *term) frozen() bool { return t.wake != nil && !t.woken }

// freeze stops the whole process of the leader where it is.
func (t *term) freeze() {
	t.wake = make(chan struct{})
	t.w.mesos.hangUp(t)
	t.leave()
}

// thaw wakes it: everything that it had released is performed now.
func (t *term) thaw() {
	if t.frozen() {
		t.w.note(">>> term %d wakes", t.epoch)
		t.woken = true
		close(t.wake)
	}
}

// await blocks while the process is paused.
func (t *term) await() {
	t.w.mu.Lock()
	wake := t.wake
	t.w.mu.Unlock()
	if wake != nil {
		<-wake
	}
}

var errDead = errors.New("the process is dead")

// Commit is the store's, with what the scenario does to it.
func (t *term) Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error) {
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
		t.lapse()
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
	t.Inject(func(int, []leader.Op) leadertest.Fault { return injected })
	results, err := t.Term.Commit(ctx, ops...)
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

func outcome(err error) string {
	if err == nil {
		return ""
	}
	return " -> " + err.Error()
}

func told(ops []leader.Op) string {
	var paths []string
	for _, op := range ops {
		paths = append(paths, op.Kind.String()+" "+op.Path)
	}
	return fmt.Sprint(paths)
}

func (t *term) lapse() {
	back := make(chan struct{})
	t.lapsed = back
	t.w.after(time.Second, func() {
		t.lapsed = nil
		close(back)
	})
}

// Held is false for a leader that slept: its own clock tells it so.
func (t *term) Held() bool {
	t.await()
	t.w.mu.Lock()
	defer t.w.mu.Unlock()
	return !t.dead && !t.woken && t.lapsed == nil && t.Err() == nil
}

// AwaitHeld lets a leader that slept through: the lapse may come right behind
// the check, so every effect that was released may still be performed (R10).
func (t *term) AwaitHeld(ctx context.Context) error {
	t.w.mu.Lock()
	back := t.lapsed
	t.w.mu.Unlock()
	if back != nil {
		select {
		case <-back:
		case <-t.Done():
			return t.Err()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Recover waits for the lease, as leader.Term does.
func (t *term) Recover(ctx context.Context) error {
	t.await()
	if err := t.AwaitHeld(ctx); err != nil {
		return err
	}
	return t.Term.Recover(ctx)
}

// perform does an effect in its lane, with what the scenario does to it.
func (t *term) perform(ctx context.Context, effect core.Effect, post func(core.Event)) {
	key := fmt.Sprintf("%d %s %s", t.epoch, effect.Lane(), effect)
	t.w.pass(latency(key), key)
	t.await()
	w := t.w
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.dead {
		return
	}
	n, p := w.position(aEffect)
	w.checkEffect(effect)
	w.released = append(w.released, released{t, effect})
	w.note("term %d effect %d: %s", t.epoch, n, effect)
	w.late = w.late || t.woken
	reply := func(event core.Event) { w.answer(t, event, post) }
	switch p.fault {
	case crashBefore:
		w.note("term %d dies before effect %d", t.epoch, n)
		t.die()
		return
	case crashAfter:
		w.actWith(t, effect, false, func(core.Event) {})
		w.note("term %d dies after effect %d", t.epoch, n)
		t.die()
		return
	case lose:
		if dispensable(effect) {
			w.note("    lost: %s", effect)
			return
		}
	case double:
		w.after(lateness(p), func() { w.act(t, effect, true) })
	default:
		w.mishap(p)
		if t.dead {
			return
		}
	}
	w.actWith(t, effect, false, reply)
}

// dispensable effects are asked for again when nothing comes of them.
func dispensable(effect core.Effect) bool {
	switch effect.(type) {
	case core.SendCommand, core.Acknowledge, core.Reconcile, core.Accept, core.GatewayCall, core.CloudCall, core.ReadPools:
		return true
	}
	return false
}

// answer posts what came of an effect that the leader itself performed.
func (w *world) answer(t *term, event core.Event, post func(core.Event)) {
	_, p := w.position(aEvent)
	switch p.fault {
	case lose:
		w.note("    lost: %s", event)
		return
	case double:
		w.after(lateness(p), func() {
			if !t.dead {
				post(event)
			}
		})
	default:
		w.mishap(p)
	}
	if t.dead {
		return
	}
	w.note("term %d <- %s", t.epoch, event)
	if read, ok := event.(core.PoolsRead); ok {
		t.read = read
	}
	post(event)
}

// act performs an effect for which nobody waits any more.
func (w *world) act(t *term, effect core.Effect, late bool) {
	w.note("term %d, late: %s", t.epoch, effect)
	w.late = true
	w.actWith(t, effect, late, func(core.Event) {})
}

func (w *world) actWith(t *term, effect core.Effect, late bool, reply func(core.Event)) {
	switch e := effect.(type) {
	case core.SendCommand:
		w.mesos.message(t, e)
	case core.GatewayCall:
		reply(w.system.call(e))
	case core.CloudCall, core.ReadPools:
		reply(w.provide(effect))
	case core.RaiseEpoch:
		w.violate("term %d raises the epoch above %d: no ZooKeeper was restored", t.epoch, e.Above)
	case core.Subscribe:
		if !late {
			w.mesos.subscribe(t, e.FrameworkID)
		}
	default:
		w.mesos.perform(t, effect)
	}
}

// current is the leader that was elected last.
func (w *world) current() *term { return w.terms[len(w.terms)-1] }

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
