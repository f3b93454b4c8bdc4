package leader_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

const counter = leader.PathFramework

// process is one scheduler: it stands, and when it leads it counts.
type process struct {
	s      *simulation
	name   string
	client *zkmodel.Client
	rng    *rand.Rand
	ctx    context.Context //nolint:containedctx // the life of a process
	cancel context.CancelFunc
	asked  chan request
	dead   bool // killed; guarded by the simulation's lock

	term     atomic.Pointer[leader.Term]
	stepping atomic.Bool // it gives up by itself: it has stopped acting
	writes   int
}

func newProcess(ctx context.Context, s *simulation, name string) *process {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	p := &process{s: s, name: name, client: s.ensemble.Client(name), rng: rand.New(rand.NewPCG(s.seed, h.Sum64())), asked: make(chan request, 1)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	return p
}

func (p *process) leads() bool { t := p.term.Load(); return t != nil && t.Err() == nil }

// kill is SIGKILL. What its goroutines still see on their way out is nobody's
// knowledge.
func (p *process) kill() {
	p.s.kill(p)
	p.client.Kill()
	p.cancel()
}

func (p *process) ask(r request) {
	select {
	case p.asked <- r:
	default:
	}
}

// run is the process's whole life.
func (p *process) run() {
	defer p.cancel()
	elector, err := leader.New(leader.Options{
		Conn: zkconn.Options{Servers: []string{"zk"}, Root: simulatedRoot, SessionTimeout: simulatedSession},
		Card: leader.Card{Instance: p.name},
		Dial: dialer(p.client),
	})
	if err != nil {
		p.s.violate("%s: %v", p.name, err)
		return
	}
	term, err := elector.Elect(p.ctx)
	if err != nil {
		if p.ctx.Err() == nil {
			p.s.violate("%s: gave up standing: %v", p.name, err)
		}
		return
	}
	p.s.elected(p, term)
	p.lead(term)
	p.stepping.Store(true)
	handOver, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = term.HandOver(handOver) // a term that is lost is only closed
	p.s.ended(p, term)
}

// lead loads, and counts until something goes wrong; then it recovers, as the
// package asks for.
func (p *process) lead(term *leader.Term) {
	for term.Err() == nil && p.ctx.Err() == nil {
		if next, version, ok := p.load(term); ok && p.count(term, next, version) {
			return
		}
		if err := term.Recover(p.ctx); err == nil {
			p.s.says(p, "recovered")
		}
	}
}

// load reads the counter; it must be as new as what was committed before.
func (p *process) load(term *leader.Term) (next int, version int32, ok bool) {
	before := p.s.lastWrite()
	tree, err := term.Tree(p.ctx)
	if err != nil {
		return 0, 0, false
	}
	entry, exists := tree[counter]
	p.s.loaded(p, before, entry, exists)
	if !exists {
		return 0, -1, true
	}
	return p.s.number(entry.Data) + 1, entry.Version, true
}

// count commits until a commit fails. It returns true when the process is
// asked to stop.
func (p *process) count(term *leader.Term, next int, version int32) (stop bool) {
	for {
		switch p.idle(term) {
		case handOver:
			p.s.says(p, "hands over")
			return true
		case raiseEpoch:
			err := term.RaiseEpoch(p.ctx, term.Epoch()+uint64(p.rng.IntN(5)))
			p.s.says(p, "raised the epoch to %d: %s", term.Epoch(), brief(err))
			if err != nil {
				return false
			}
			continue
		case writeWithOldVersion:
			if err := p.commit(term, leader.Set(counter, p.text(next), version+7)); !errors.As(err, new(*leader.ConflictError)) {
				return err == nil
			}
			continue
		}
		if term.Err() != nil || p.ctx.Err() != nil {
			return true
		}
		op := leader.Set(counter, p.text(next), version)
		if version < 0 {
			op = leader.Create(counter, p.text(next))
		}
		if err := p.commit(term, op); err != nil {
			return false
		}
		next, version = next+1, version+1
	}
}

// idle waits for the next thing to do; requests stands for another commit.
func (p *process) idle(term *leader.Term) request {
	timer := time.NewTimer(time.Duration(1 + p.rng.Int64N(int64(time.Second))))
	defer timer.Stop()
	select {
	case r := <-p.asked:
		return r
	case <-timer.C:
	case <-term.Done():
	case <-p.ctx.Done():
	}
	return requests
}

// text is the counter's data: a number, and what makes each attempt unique.
func (p *process) text(n int) []byte {
	p.writes++
	return fmt.Appendf(nil, "%d by %s, write %d", n, p.name, p.writes)
}

// commit writes, and notes what the error promises.
func (p *process) commit(term *leader.Term, op leader.Op) error {
	_, err := term.Commit(p.ctx, op)
	p.s.committing(p, string(op.Data), err)
	return err
}

// brief is an error without the details that differ from run to run.
func brief(err error) string {
	for _, known := range []error{
		leader.ErrExpired, leader.ErrDeposed, leader.ErrLapsed, leader.ErrHandedOver, leader.ErrSuspended,
		zkconn.ErrUnknownOutcome, zkconn.ErrDisconnected, zkconn.ErrClosed,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	if err == nil {
		return "ok"
	}
	return err.Error()
}
