package sim_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"

	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/storagegrowth"
)

// dice draw everything of a seed. What is drawn for a thing depends on the
// thing alone, not on how many were drawn before.
type dice struct{ seed uint64 }

// roll is a number for what the parts name.
func (d dice) roll(parts ...any) uint64 {
	h := fnv.New64a()
	_, _ = fmt.Fprintln(h, append([]any{d.seed}, parts...)...)
	x := h.Sum64() // spread over all bits, as splitmix64 does
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// chance is true for a part of all things.
func chance(x uint64, part float64) bool { return float64(x>>11)/(1<<53) < part }

// one picks by a number that chance has not looked at.
func one[T any](x uint64, of ...T) T { return of[(x*0x9e3779b97f4a7c15>>33)%uint64(len(of))] }

// source is for what is drawn once, in order.
func (d dice) source(about uint64) *rand.Rand { return rand.New(rand.NewPCG(d.seed, about)) }

// draw is a site with everything that will go wrong with it.
func (d dice) draw() (site, scenario) {
	r := d.source(1)
	built := one(r.Uint64(), drawn...)
	if built.fill > 0 {
		built.createTakes = one(r.Uint64(), 0, 3*time.Second, 10*time.Second)
		built.attachTakes = one(r.Uint64(), 0, 2*time.Second, 8*time.Second)
		built.sticky = chance(r.Uint64(), 0.2)
		if chance(r.Uint64(), 0.3) {
			built.approval = storagegrowth.ApprovalManual
		}
	}
	rate := one(r.Uint64(), 0, 0.002, 0.01, 0.03, 0.08)
	lossy := one(r.Uint64(), 0, 0, 0.002, 0.01, 0.03)
	s := scenario{
		seed:      d.seed,
		joinAfter: upTo(r, 20*time.Second),
		session:   one(r.Uint64(), 4*time.Second, 10*time.Second),
		latency:   one(r.Uint64(), time.Millisecond, 5*time.Millisecond, 40*time.Millisecond),
		lag:       one(r.Uint64(), time.Millisecond, 100*time.Millisecond),
		haste:     one(r.Uint64(), time.Millisecond, 10*time.Millisecond, 300*time.Millisecond),
		rivals:    one(r.Uint64(), 2, 2, 3),
		troubles:  r.IntN(9),
		orders:    max(0, r.IntN(14)-4),
		ailing:    one(r.Uint64(), 0, 0.02, 0.05, 0.1, 0.25),
		window:    one(r.Uint64(), 3*time.Second, 15*time.Second, time.Minute),
		encore:    chance(r.Uint64(), 0.2),
		draw:      func(p position) planned { return d.fault(p, rate) },
		fate:      func(c zkmodel.Call) zkmodel.Fate { return d.fate(c, lossy) },
	}
	return built, s
}

// upTo draws a time, short ones as often as long ones.
func upTo(r *rand.Rand, longest time.Duration) time.Duration {
	d := longest
	for range r.IntN(8) {
		d /= 2
	}
	return time.Duration(r.Int64N(int64(d))) + 1
}

// fault is what goes wrong at a position.
func (d dice) fault(p position, rate float64) planned {
	x := d.roll(p.kind, p.n)
	if !chance(x, rate) {
		return planned{}
	}
	arg := int(d.roll(p.kind, p.n, "arg") % 1000)
	switch p.kind {
	case aCommit:
		return planned{one(x, crashBefore, crashAfter, pause, repeat, restartAgent), arg}
	case aEffect:
		return planned{one(x, crashBefore, crashAfter, lose, lose, double, double, slow, slow, pause, repeat, failover), arg}
	default:
		return planned{one(x, lose, lose, delay, delay, delay, double, double, repeat), arg}
	}
}

// fate is what becomes of a request to ZooKeeper.
func (d dice) fate(c zkmodel.Call, rate float64) zkmodel.Fate {
	if rate == 0 {
		return zkmodel.Fate{}
	}
	x := d.roll(c.Client, c.At.UnixNano(), c.Op, c.Path)
	if !chance(x, rate) {
		return zkmodel.Fate{}
	}
	late := time.Duration(d.roll(c.At.UnixNano(), "late") % uint64(4*time.Second))
	return one(x, zkmodel.Fate{LoseRequest: true}, zkmodel.Fate{LoseAnswer: true}, zkmodel.Fate{Delay: late}, zkmodel.Fate{DelayAnswer: late})
}
