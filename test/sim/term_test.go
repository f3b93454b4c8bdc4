package sim_test

import (
	"cmp"
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
)

// term is one leader: an engine over one term of the store, until it dies.
type term struct {
	w      *world
	name   string // of the process
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
	wake  chan struct{}
	woken bool
	// backlog is what arrived while it was paused.
	backlog []func()
	// affirm subscribes again once the fence has proven to hold; nil where
	// there is none to ask.
	affirm func()
	// process is the scheduler that leads; nil where only terms are played.
	process *process
	// noMesos and noGateway are links that are cut.
	noMesos, noGateway bool
	held               []func() // what waits for the link to Mesos
}

// newTerm wires an engine on a term's store; start runs it.
func (w *world) newTerm(name string, epoch uint64) *term {
	t := &term{w: w, name: name, epoch: epoch, ended: make(chan error, 1), gone: make(chan struct{})}
	t.ctx, t.stop = context.WithCancel(context.Background())
	w.terms = append(w.terms, t)
	w.note("=== term %d of %s", epoch, name)
	return t
}

// wire makes the engine of a term.
func (t *term) wire(store engine.Store) error {
	drawn := 0
	var err error
	t.engine, err = engine.New(engine.Options{
		Store: store, Cores: t.w.site.cores, Perform: t.perform, Logger: hclog.NewNullLogger(), AfterFunc: t.afterFunc,
		Entropy: func() string { drawn++; return fmt.Sprintf("entropy-%d-%d", t.epoch, drawn) },
	})
	return err
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
	if t.process != nil {
		t.process.kill()
	}
}

func (t *term) leave() {
	if !t.left {
		t.left = true
		close(t.gone)
	}
}

func (t *term) frozen() bool { return t.wake != nil && !t.woken }

// freeze stops the leader where it is. Without a process there is no session
// that expires: its connection breaks, and another may lead.
func (t *term) freeze() {
	t.wake, t.woken = make(chan struct{}), false
	if t.process == nil {
		t.w.mesos.hangUp(t)
		t.leave()
	}
}

// thaw wakes it: everything that it had released is performed now, and what
// arrived meanwhile is read.
func (t *term) thaw() {
	if !t.frozen() {
		return
	}
	t.w.note(">>> term %d wakes", t.epoch)
	t.woken = true
	close(t.wake)
	backlog := t.backlog
	t.backlog = nil
	for _, hand := range backlog {
		t.w.after(0, hand)
	}
}

// await blocks while the process is paused, and reports whether it was.
func (t *term) await() bool {
	t.w.mu.Lock()
	wake := t.wake
	t.w.mu.Unlock()
	if wake == nil {
		return false
	}
	select {
	case <-wake:
		return false
	default:
	}
	<-wake
	return true
}

var errDead = errors.New("the process is dead")

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

// perform does an effect in its lane, with what the scenario does to it.
func (t *term) perform(_ context.Context, effect core.Effect, post func(core.Event)) {
	key := fmt.Sprintf("%d %s %s", t.epoch, effect.Lane(), effect)
	w := t.w
	w.pass(w.latency(key), key)
	if t.await() {
		w.pass(0, key)
	}
	w.mu.Lock()
	defer w.unlock()
	if t.dead {
		return
	}
	w.observe()
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
	case pause:
		t.process.freeze(lateness(p) * 6)
		w.outOfLock(func() { t.await(); w.pass(0, key) })
		if t.dead {
			return
		}
		w.late = true
		w.note("term %d, at last: %s", t.epoch, effect)
	case lose:
		if dispensable(effect) {
			w.note("    lost: %s", effect)
			return
		}
	case double:
		w.after(lateness(p), func() { w.act(t, effect, true) })
	case slow:
		reply = w.slowly(t, lateness(p)*4, key, post)
	default:
		w.mishap(p)
		if t.dead {
			return
		}
	}
	w.actWith(t, effect, false, reply)
}

// slowly holds an answer up.
func (w *world) slowly(t *term, late time.Duration, key string, post func(core.Event)) func(core.Event) {
	return func(event core.Event) {
		w.note("    the answer takes %s", late)
		w.outOfLock(func() {
			w.pass(late, key)
			if t.await() {
				w.pass(0, key)
			}
		})
		w.answer(t, event, post)
	}
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
	if !late && w.cutOff(t, effect, reply) {
		return
	}
	switch e := effect.(type) {
	case core.SendCommand:
		w.mesos.message(t, e)
	case core.GatewayCall:
		reply(w.through(e))
	case core.CloudCall, core.ReadPools:
		reply(w.provide(effect))
	case core.TellPreview:
		w.note("%s", e)
		w.tally["preview is answered"]++
	case core.RaiseEpoch:
		w.violate("term %d raises the epoch above %d: no ZooKeeper was restored", t.epoch, e.Above)
	case core.Subscribe:
		switch {
		case late:
		case t.affirm != nil:
			t.affirm()
		default:
			w.mesos.subscribe(t, e.FrameworkID)
		}
	default:
		w.mesos.perform(t, effect)
	}
}

// cutOff reports whether an effect does not reach what it is for.
func (w *world) cutOff(t *term, effect core.Effect, reply func(core.Event)) bool {
	switch e := effect.(type) {
	case core.GatewayCall:
		if t.noGateway {
			w.ended(e.Host, e.Step, e.Attempt, endedInterrupted)
			reply(core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Err: "no gateway answers", Interrupted: true})
		}
		return t.noGateway
	case core.ReadPools:
		if t.noGateway {
			reply(core.PoolsRead{At: w.now(), Err: "no gateway answers"})
		}
		return t.noGateway
	case core.Revive, core.Decline:
		if t.noMesos {
			reply(core.CallRefused{Effect: e, Err: "no answer"})
		}
		return t.noMesos
	case core.CloudCall, core.RaiseEpoch, core.Subscribe, core.TellPreview:
		return false
	}
	return t.noMesos
}

// current is the leader that was elected last. One that slept through its own
// election may learn of it behind its successor.
func (w *world) current() *term {
	return slices.MaxFunc(w.terms, func(a, b *term) int { return cmp.Compare(a.epoch, b.epoch) })
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
