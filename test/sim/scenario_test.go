package sim_test

import (
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn/zkmodel"
)

// fault is what happens to the leader, or to what is on its way, at a position.
type fault int

const (
	none fault = iota
	// crashBefore kills the leader before the commit, or before the effect.
	crashBefore
	// crashAfter kills it after the commit was applied, or after the effect was
	// performed but before anything came of it.
	crashAfter
	// lostReply applies the commit; the leader hears nothing.
	lostReply
	// lostRequest loses the commit; the leader hears nothing.
	lostRequest
	// lapse is a lease that has lapsed, and is back a second later.
	lapse
	// pause freezes the leader behind the commit, with the effects released and
	// none performed; it wakes when another has led for a while.
	pause

	// The following happen to one effect or event of a random history.

	// lose drops it.
	lose
	// delay brings it late.
	delay
	// double brings it twice, the second time late.
	double
	// repeat performs one of the effects of the past again, as a zombie would.
	repeat
	// restartAgent ends the node agent of a host with all that it runs.
	restartAgent
	// failover replaces the Mesos master.
	failover
	// slow performs an effect at once and brings its answer late.
	slow
)

var faultNames = map[fault]string{
	none: "nothing", crashBefore: "death before", crashAfter: "death after", lostReply: "lost reply", lostRequest: "lost request",
	lapse: "lapse", pause: "pause", lose: "loss", delay: "delay", double: "double", repeat: "repetition",
	restartAgent: "restart of a node agent", failover: "failover of the master", slow: "slow answer",
}

func (f fault) String() string { return faultNames[f] }

// kind is what positions count.
type kind string

const (
	aCommit kind = "commit"
	aEffect kind = "effect"
	aEvent  kind = "event"
)

// position is one commit, effect or event of a run, counted from 0 over all
// terms.
type position struct {
	kind kind
	n    int
}

// scenario says what goes wrong in a run: at most one thing at each position.
type scenario struct {
	faults map[position]planned
	// lateWake wakes a paused leader only after the installation is complete.
	lateWake bool
	// encore performs every released effect again in the end.
	encore bool
	// joinAfter is when late hosts join; 0 is one second.
	joinAfter time.Duration
	// draw says what goes wrong at a position that faults do not name; nil is
	// nothing.
	draw func(position) planned

	// The following are of seeds, in which processes elect their leader over a
	// modelled ZooKeeper.

	seed uint64
	// session is the timeout that schedulers ask for; latency and lag are the
	// ensemble's.
	session, latency, lag time.Duration
	fate                  func(zkmodel.Call) zkmodel.Fate
	// haste is how long effects take at the most.
	haste time.Duration
	// rivals are the schedulers.
	rivals int
	// troubles happen within the window; orders are given within it, too.
	troubles, orders int
	window           time.Duration
	// ailing is the part of all attempts of steps that do not simply succeed.
	ailing float64
}

func (s scenario) at(p position) planned {
	if planned, ok := s.faults[p]; ok || s.draw == nil {
		return planned
	}
	return s.draw(p)
}

// planned is a fault with a number that says how late, or which.
type planned struct {
	fault fault
	arg   int
}

func (p planned) String() string { return fmt.Sprintf("%s(%d)", p.fault, p.arg) }

func at(k kind, n int, f fault) scenario {
	return scenario{faults: map[position]planned{{k, n}: {f, 0}}}
}
