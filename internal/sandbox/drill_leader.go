package sandbox

import (
	"context"
	"syscall"
	"time"

	"scaleio-framework/internal/clock"
)

// leaderDrills strike the leader's processes: the worker, which leads, and its
// parent.
func leaderDrills() []Drill {
	return []Drill{
		{
			Name: "kill", Schedulers: 3, Measures: takeOver, Bound: afterSession, strike: strikeLeader(Kill, -1),
			Fault:  "kill -9 of the leader and its parent",
			Expect: anEpoch + "its session has to expire first. Both processes are started again and stand by.",
		},
		{
			Name: "crash", Measures: takeOver, Bound: fixed(500 * time.Millisecond), strike: strikeLeader(Crash, 128+int(syscall.SIGKILL)),
			Fault:  "kill -9 of the leader's worker alone",
			Expect: anEpoch + "the parent made room for it at once and exits with 137.",
		},
		{
			Name: "parent", Measures: takeOver, Bound: afterSession, strike: killParent,
			Fault:  "kill -9 of the leader's parent alone",
			Expect: anEpoch + "the worker dies with its parent, and its session has to expire first.",
		},
		{
			Name: "term", Measures: takeOver, Bound: fixed(300 * time.Millisecond), strike: strikeLeader(Term, 0),
			Fault:  "SIGTERM to the leader",
			Expect: anEpoch + "it was handed over, at once. The process exits with 0.",
		},
		{
			Name: "stop", Measures: takeOver, Bound: afterSession, strike: strikeLeader(Stop, 3),
			Fault:  "SIGSTOP of the leader's worker until another instance leads, then SIGCONT",
			Expect: anEpoch + "a stopped worker is not dead: its session has to expire. The woken worker commits nothing and exits with 3.",
		},
		{
			Name: "freeze", Measures: takeOver, Bound: afterSession, strike: strikeLeader(Freeze, 3),
			Fault:  "SIGSTOP of the leader and its parent until another instance leads, then SIGCONT",
			Expect: anEpoch + "the session expired. The woken worker commits nothing and exits with 3.",
		},
		{
			Name: "pause", Measures: leadsOn, strike: pauseLeader,
			Fault:  "SIGSTOP of the leader and its parent for half of its lease, then SIGCONT",
			Expect: sameEpoch + "nobody notices.",
		},
		{
			Name: "both", Measures: takeOver, Bound: afterSession, strike: killAll,
			Fault:  "kill -9 of all schedulers at once",
			Expect: anEpoch + "as soon as one was started again and the old session has expired.",
		},
	}
}

// strikeLeader does it to the leader, which is to end with that code.
func strikeLeader(fault Fault, code int) func(context.Context, *scene) error {
	return func(ctx context.Context, c *scene) error {
		struck := time.Now()
		if err := fault.strike(c.victim, c.card.PID); err != nil {
			return err
		}
		if err := c.succeeded(ctx, struck, code); err != nil || !fault.wakes() {
			return err
		}
		_, err := wake(ctx, c.victim, c.exits[c.victim])
		return err
	}
}

func killParent(ctx context.Context, c *scene) error {
	struck := time.Now()
	if err := c.victim.Signal(syscall.SIGKILL); err != nil {
		return err
	}
	return c.succeeded(ctx, struck, -1)
}

func pauseLeader(ctx context.Context, c *scene) error {
	if err := c.victim.SignalBoth(syscall.SIGSTOP); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, c.opts.SessionTimeout/3); err != nil {
		return err
	}
	woken := time.Now()
	if err := c.victim.SignalBoth(syscall.SIGCONT); err != nil {
		return err
	}
	return c.continued(ctx, woken)
}

// killAll leaves nobody to take over before one is started again.
func killAll(ctx context.Context, c *scene) error {
	struck := time.Now()
	if err := c.killSchedulers(); err != nil {
		return err
	}
	return c.succeeded(ctx, struck, -1)
}

// killSchedulers ends all processes of all schedulers.
func (c *scene) killSchedulers() error {
	for _, s := range c.w.schedulers {
		if err := s.SignalBoth(syscall.SIGKILL); err != nil {
			return err
		}
		c.codes[s] = []int{-1}
	}
	return nil
}
