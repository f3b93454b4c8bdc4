package sandbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"scaleio-framework/leader"
)

// scene is one drill on its cluster.
type scene struct {
	*stage
	w      *World
	drill  Drill
	how    DrillOptions
	result DrillReport

	// before is the state at the strike, card the leader's, victim its process.
	before State
	card   leader.Card
	victim *Scheduler
	exits  map[*Scheduler]int // ends of processes before the strike
	// terms are the numbers of terms that may follow, and codes the exit codes
	// that a scheduler may end with, once; others must not end.
	terms []uint64
	codes map[*Scheduler][]int
	// healed is the end of a fault, for a drill that measures the work from it.
	healed time.Time
}

// play brings the cluster to the moment, strikes, and waits for the end.
func (c *scene) play(ctx context.Context) error {
	c.progress.say("drill %s during %s: %s", c.drill.Name, c.how.During, c.drill.Fault)
	c.progress.say("expected: %s", c.drill.Expect)
	if _, _, err := c.w.awaitLeader(ctx, "", 0); err != nil {
		return err
	}
	if c.how.During == DuringBootstrap {
		_, err := c.w.await(ctx, "the moment to strike", bootstrapLimit, c.progress.show, func(st State) bool { return st.Over() >= c.how.AfterSteps })
		if err != nil {
			return err
		}
		if err := c.strike(ctx); err != nil {
			return err
		}
	}
	state, err := c.w.await(ctx, "the bootstrap", bootstrapLimit, c.progress.show, func(st State) bool { return st.Complete(c.opts.Agents) })
	if err != nil {
		return err
	}
	c.bootstrapped(c.w, state)
	switch c.how.During {
	case DuringBootstrap:
	case DuringGrowth:
		err = c.grow(ctx, c.w, c.strike)
	case DuringIdle:
		err = c.strike(ctx)
	}
	if err != nil {
		return err
	}
	if c.drill.Measures == finished {
		c.result.Seconds = time.Since(c.healed).Seconds()
	}
	c.progress.say("%s after %.2f s", c.result.Measures, c.result.Seconds)
	return c.check(ctx)
}

// strike does what the drill does and returns when it is over.
func (c *scene) strike(ctx context.Context) (err error) {
	if err := c.aim(ctx); err != nil {
		return err
	}
	c.progress.say("striking: %s", c.drill.Fault)
	if err := c.drill.strike(ctx, c); err != nil {
		return fmt.Errorf("drill %s: %w", c.drill.Name, err)
	}
	if c.drill.Bound != nil && c.result.Seconds > c.result.BoundS {
		c.report.fail("%s after %.2f s, the bound is %.2f s; %s", c.result.Measures, c.result.Seconds, c.result.BoundS, load())
	}
	return nil
}

// load says how busy the machine is: bounds are for one that does nothing else.
func load() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return err.Error()
	}
	minute, _, _ := strings.Cut(string(data), " ")
	return fmt.Sprintf("the load of this machine is %s on %d CPUs", minute, runtime.NumCPU())
}

// aim notes how everything stands.
func (c *scene) aim(ctx context.Context) (err error) {
	if c.before, err = c.w.State(ctx); err != nil {
		return err
	}
	card, ok, err := c.w.client.Leader(ctx)
	if err != nil || !ok {
		return errors.Join(errors.New("nobody leads, so nothing can be drilled"), err)
	}
	c.card = card
	if c.victim, err = c.w.schedulerOf(card.Instance); err != nil {
		return err
	}
	c.exits, c.codes = make(map[*Scheduler]int), make(map[*Scheduler][]int)
	for _, s := range c.w.schedulers {
		c.exits[s] = len(s.Exits())
	}
	c.result.AfterSteps, c.result.EpochBefore = c.before.Over(), c.before.Epoch
	return nil
}

// succeeded waits for the next leader and measures its take-over. The others
// must not end, and the victim only with one of the codes.
func (c *scene) succeeded(ctx context.Context, from time.Time, codes ...int) error {
	c.terms = []uint64{1}
	c.codes[c.victim] = codes
	_, at, err := c.w.awaitLeader(ctx, c.card.Instance, c.before.Epoch)
	c.result.Seconds = at.Sub(from).Seconds()
	return err
}

// continued waits until the same leader leads as before and is connected to
// Mesos, and measures how long that took.
func (c *scene) continued(ctx context.Context, from time.Time) error {
	c.terms = []uint64{0}
	err := c.until(ctx, "the leader to go on", func(ctx context.Context) bool {
		status, err := getStatus(ctx, c.card.URL)
		return err == nil && status.Subscribed && ready(ctx, c.card.URL)
	})
	c.result.Seconds = time.Since(from).Seconds()
	return err
}

// strikeLimit is how long a drill waits for one thing to happen.
const strikeLimit = time.Minute

// until polls for something that the drill waits for.
func (c *scene) until(ctx context.Context, what string, ok func(context.Context) bool) error {
	ctx, cancel := context.WithTimeout(ctx, strikeLimit)
	defer cancel()
	ticker := time.NewTicker(takeoverPoll)
	defer ticker.Stop()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited %s in vain for %s; the logs are in %s", strikeLimit, what, c.w.dir)
		case <-ticker.C:
		}
	}
	return nil
}

// check compares the end with what was promised.
func (c *scene) check(ctx context.Context) error {
	failures := len(c.report.Failures)
	after, err := c.w.State(ctx)
	if err != nil {
		return err
	}
	r := &c.result
	r.EpochAfter, r.StepsRepeated = after.Epoch, after.Repeated()-c.before.Repeated()
	r.FrameworkIDKept = c.before.Framework == nil || after.Framework.ID == c.before.Framework.ID
	if !r.FrameworkIDKept {
		c.report.fail("the framework id changed from %s to %s", c.before.Framework.ID, after.Framework.ID)
	}
	if grown := after.Epoch - c.before.Epoch; !slices.Contains(c.terms, grown) {
		c.report.fail("%d terms followed epoch %d, want %d", grown, c.before.Epoch, c.terms)
	}
	for _, lost := range lostProgress(c.before, after) {
		c.report.fail("%s", lost)
	}
	if r.Measures == takeOver {
		c.report.Failovers = append(c.report.Failovers, FailoverReport{
			Kind: r.Drill, AfterSteps: r.AfterSteps, SessionTimeoutS: c.opts.SessionTimeout.Seconds(), TakeoverS: r.Seconds,
			EpochBefore: r.EpochBefore, EpochAfter: r.EpochAfter, FrameworkIDKept: r.FrameworkIDKept, StepsRepeated: r.StepsRepeated,
		})
	}
	c.checkExits()
	if err := c.w.account(ctx); err != nil {
		c.report.fail("%s", err)
	}
	r.OK = len(c.report.Failures) == failures && (c.drill.Bound == nil || r.Seconds <= r.BoundS)
	return nil
}

// checkExits requires that only those processes ended that had to.
func (c *scene) checkExits() {
	for _, s := range c.w.schedulers {
		want, may := c.codes[s]
		ended := s.Exits()[c.exits[s]:]
		for _, exit := range ended {
			c.result.Exits = append(c.result.Exits, ExitReport{Scheduler: s.Name, Code: exit.Code})
		}
		switch {
		case !may && len(ended) > 0:
			c.report.fail("%s ended with %d, and nothing was done to it: see %s", s.Name, ended[0].Code, s.Log)
		case may && len(ended) != 1:
			c.report.fail("%s ended %d times, want once: see %s", s.Name, len(ended), s.Log)
		case may && !slices.Contains(want, ended[0].Code):
			c.report.fail("%s ended with %d, want %v: see %s", s.Name, ended[0].Code, want, s.Log)
		}
	}
}

// lostProgress names the steps that were over before a fault and are not, or
// were run again, after it.
func lostProgress(before, after State) (lost []string) {
	steps := after.Steps()
	old := before.Steps()
	for _, key := range slices.Sorted(maps.Keys(old)) {
		was, is := old[key], steps[key]
		if was.Over() && (!is.Over() || is.Attempt != was.Attempt) {
			lost = append(lost, fmt.Sprintf("step %s was %s in attempt %d, and is %s in attempt %d", key, was.State, was.Attempt, is.State, is.Attempt))
		}
	}
	return lost
}
