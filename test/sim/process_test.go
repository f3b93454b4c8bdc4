package sim_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

const (
	// root is the framework's in the modelled ZooKeeper.
	root = "/scaleio-framework/sim"
	// restartAfter is Marathon's backoffSeconds.
	restartAfter = time.Second
	// stopTimeout is internal/app's.
	stopTimeout = 3 * time.Second
)

// process is one scheduler: a candidate with the real elector, then perhaps the
// leader, then gone. All but its running is guarded by the world's lock.
type process struct {
	w      *world
	name   string
	client *zkmodel.Client
	ctx    context.Context
	cancel context.CancelCauseFunc
	term   *term // nil before it leads
	frozen bool
	killed bool
	// leaving says that it only waits for what still runs in it.
	leaving bool

	running sync.WaitGroup
}

// supervise keeps a scheduler running until the world asks it to stop.
func (w *world) supervise(name string) {
	for n := 1; ; n++ {
		w.mu.Lock()
		if w.stopping {
			w.unlock()
			return
		}
		p := &process{w: w, name: fmt.Sprintf("%s.%d", name, n)}
		p.client = w.zk.Client(p.name)
		p.ctx, p.cancel = context.WithCancelCause(context.Background())
		w.processes[name] = p
		w.note("%s starts", p.name)
		w.unlock()
		err := p.run()
		w.pass(time.Microsecond, name) // several may end at one instant
		p.exit(err)
		w.pass(restartAfter, name)
	}
}

// run is the life of a scheduler, as internal/app's.
func (p *process) run() error {
	elector, err := leader.New(leader.Options{
		Conn: zkconn.Options{Servers: []string{"zk0", "zk1", "zk2"}, Root: root, SessionTimeout: p.w.scenario.session},
		Card: leader.Card{Instance: p.name, URL: "http://" + p.name},
		Dial: func(ctx context.Context, opts zkconn.Options) (leader.Conn, error) {
			conn, err := p.client.Dial(ctx, opts)
			if err != nil {
				return nil, err
			}
			return conn, nil
		},
	})
	if err != nil {
		return err
	}
	won, err := elector.Elect(p.ctx)
	if err != nil {
		return cmp.Or(context.Cause(p.ctx), err)
	}
	return p.lead(won)
}

// lead leads until the process is told to stop, or the term is lost. Leadership
// is handed over before anything is waited for.
func (p *process) lead(won *leader.Term) error {
	p.w.mu.Lock()
	p.w.observe()
	t := p.w.newTerm(p.name, won.Epoch())
	t.process, p.term = p, t
	t.affirm = func() {
		if !t.dead && !p.leaving {
			p.running.Go(func() { p.affirm(won) })
		}
	}
	if p.frozen {
		t.freeze()
	}
	if p.killed {
		t.die()
	}
	err := t.wire(&ballot{Term: won, term: t})
	p.w.unlock()
	if err != nil {
		return err
	}
	p.w.deliverOrders(t)
	p.running.Go(func() {
		select {
		case <-won.Done():
			p.cancel(won.Err())
		case <-p.ctx.Done():
		}
	})
	err = t.engine.Run(p.ctx)
	if cause := context.Cause(p.ctx); err == nil && !errors.Is(cause, errStop) {
		err = cause
	}
	p.cancel(err)
	handing, stop := context.WithTimeout(context.Background(), time.Second)
	_ = won.HandOver(handing) // a term that is lost is only closed
	stop()
	closing, stop := context.WithTimeout(context.Background(), stopTimeout)
	defer stop()
	_ = t.engine.Close(closing) // what is under way then ends with the process
	p.w.locked(func() bool { p.leaving = true; return true })
	p.running.Wait()
	return err
}

// affirm subscribes once the term has proven that it leads (R7).
func (p *process) affirm(won *leader.Term) {
	if err := won.Affirm(p.ctx); err != nil {
		if errors.Is(err, leader.ErrDeposed) {
			p.cancel(err)
		}
		return
	}
	p.w.mu.Lock()
	defer p.w.unlock()
	p.w.observe()
	t := p.term
	switch {
	case t.dead:
	case t.frozen(): // a process that slept has to prove it anew
		t.backlog = append(t.backlog, t.affirm)
	case t.noMesos:
		p.w.after(time.Second, t.affirm)
	default:
		p.w.mesos.subscribe(t, p.w.intents.framework)
	}
}

var (
	// errStop asks a process to stop, as SIGTERM does.
	errStop = errors.New("stopped on request")
	// errKilled is what a killed process does not live to see.
	errKilled = errors.New("killed")
)

// exit is the end of the process: nothing of it acts any more.
func (p *process) exit(err error) {
	p.w.mu.Lock()
	defer p.w.unlock()
	p.w.note("%s exits: %v", p.name, err)
	p.checkEnd(err)
	p.kill()
}

// checkEnd says which ends are none of ours: a process ends on request, or
// because its term was lost.
func (p *process) checkEnd(err error) {
	switch {
	case p.killed, err == nil, errors.Is(err, errStop), errors.Is(err, leader.ErrDeposed), errors.Is(err, leader.ErrLapsed), errors.Is(err, leader.ErrHandedOver):
	default:
		p.w.violate("%s ends with %v", p.name, err)
	}
}

// kill ends the process as SIGKILL does.
func (p *process) kill() {
	if p.killed {
		return
	}
	p.killed = true
	p.cancel(errKilled)
	// The ensemble has a lock of its own, under which it tells the world.
	p.w.outside(p.client.Kill)
	if p.term != nil {
		p.term.die()
	}
}

// freeze stops the process as SIGSTOP does, for a while.
func (p *process) freeze(while time.Duration) {
	if p.killed || p.frozen {
		return
	}
	p.w.note(">>> %s sleeps for %s", p.name, while)
	p.frozen = true
	p.w.outside(p.client.Freeze)
	if p.term != nil {
		p.term.freeze()
	}
	p.w.after(while, p.thaw)
}

// thaw wakes the process. What it had released comes first, before it learns
// from ZooKeeper how long it slept.
func (p *process) thaw() {
	if !p.frozen {
		return
	}
	p.frozen = false
	p.w.note(">>> %s wakes", p.name)
	if p.term != nil {
		p.term.thaw()
	}
	p.w.after(time.Microsecond, func() {
		if !p.frozen { // it may sleep again already
			p.w.outside(p.client.Thaw)
		}
	})
}

// ballot is the store of a term that was really won, under the eyes of the
// world.
type ballot struct {
	*leader.Term
	term *term
}

// Commit is the term's, with what the scenario does to it.
func (b *ballot) Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error) {
	t, w := b.term, b.term.w
	// The lanes of the commit before have started by then.
	w.pass(time.Microsecond, fmt.Sprint("commit of ", t.epoch))
	w.mu.Lock()
	n, p := w.position(aCommit)
	switch p.fault {
	case crashBefore:
		w.note("term %d dies before commit %d: %s", t.epoch, n, told(ops))
		t.die()
	case crashAfter, pause:
	default:
		w.mishap(p)
	}
	dead := t.dead
	w.unlock()
	if dead {
		return nil, errDead
	}
	results, err := b.Term.Commit(ctx, ops...)
	w.mu.Lock()
	defer w.unlock()
	w.observe()
	if t.dead {
		return nil, errDead // which error the dead would have heard is chance
	}
	w.note("term %d commit %d: %s%s", t.epoch, n, told(ops), outcome(err))
	switch {
	case p.fault == crashAfter:
		t.die()
	case p.fault == pause && err == nil:
		t.process.freeze(lateness(p) * 6)
	}
	return results, err
}

// Recover waits for its turn behind whoever else lost his with the lease at
// the same instant: an affirmation.
func (b *ballot) Recover(ctx context.Context) error {
	b.term.w.pass(time.Microsecond, fmt.Sprint("recovery of ", b.term.epoch))
	return b.Term.Recover(ctx)
}

// AwaitHeld lets a leader that slept through: the lapse may come right behind
// the check, so every effect that was released may still be performed (R10).
func (b *ballot) AwaitHeld(ctx context.Context) error {
	b.term.w.mu.Lock()
	sleeper := b.term.woken || b.term.frozen()
	b.term.w.unlock()
	if sleeper {
		return nil
	}
	return b.Term.AwaitHeld(ctx)
}
