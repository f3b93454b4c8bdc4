package coretest

import (
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
)

// Outside is a simulation of what lies behind the performers. It has state and
// behaves; it does not record calls.
type Outside interface {
	// Perform does one effect and returns the events that come of it.
	Perform(now time.Time, effect core.Effect) []core.Event
	// Lost says that the leader's connections broke: events on the way are
	// gone, and what was not acknowledged is sent again when it is back.
	Lost()
}

// Chaos runs a world against an outside. Effects are performed in order, as in
// one lane; the events they cause wait in Pending.
type Chaos struct {
	World   *World
	Outside Outside
	Pending []core.Event
	// Check is called after each unit, before its effects are performed.
	Check func(Unit)
}

// settleUnits bounds Settle: a simulation that needs more never comes to rest.
const settleUnits = 20_000

// Start begins the first term, or the next one after a crash: what was on its
// way to the old leader is lost.
func (c *Chaos) Start() {
	c.Pending = nil
	c.Outside.Lost()
	c.finish(c.World.Start(), -1)
}

// Post adds events from outside.
func (c *Chaos) Post(events ...core.Event) { c.Pending = append(c.Pending, events...) }

// Deliver applies an event and performs its effects, or only the first few of
// them when performed is not negative: the leader died in between.
func (c *Chaos) Deliver(event core.Event, performed int) {
	c.finish(c.World.Apply(event), performed)
}

func (c *Chaos) finish(unit Unit, performed int) {
	if c.Check != nil {
		c.Check(unit)
	}
	for i, effect := range unit.Effects {
		if performed >= 0 && i >= performed {
			return
		}
		c.Post(c.Outside.Perform(c.World.Now, effect)...)
	}
}

// Step does one random thing: mostly it delivers the oldest pending event;
// sometimes a later one, or one that stays pending and so comes twice; it lets
// time pass; it crashes, with some of the last effects performed; it reloads.
func (c *Chaos) Step(t *rapid.T) {
	switch what := rapid.IntRange(0, 99).Draw(t, "what"); {
	case what < 75 && len(c.Pending) > 0:
		i := 0
		if rapid.IntRange(0, 3).Draw(t, "late") == 0 {
			i = rapid.IntRange(0, len(c.Pending)-1).Draw(t, "which")
		}
		event := c.Pending[i]
		if rapid.IntRange(0, 9).Draw(t, "twice") > 0 {
			c.Pending = append(c.Pending[:i:i], c.Pending[i+1:]...)
		}
		if rapid.IntRange(0, 19).Draw(t, "die") == 0 {
			c.Deliver(event, rapid.IntRange(0, 3).Draw(t, "performed"))
			c.Start()
			return
		}
		c.Deliver(event, -1)
	case what < 97:
		c.Advance(time.Duration(rapid.IntRange(1, 20_000).Draw(t, "ms")) * time.Millisecond)
	case what == 97:
		c.finish(c.World.Reload(), -1)
	default:
		c.Start()
	}
}

// Advance lets time pass and timers fire, without delivering anything.
func (c *Chaos) Advance(d time.Duration) {
	end := c.World.Now.Add(d)
	for {
		key, due, ok := c.World.NextTimer()
		if !ok || due.After(end) {
			c.World.Now = end
			return
		}
		c.World.Now = due
		c.finish(c.World.Fire(key), -1)
	}
}

// Settle delivers everything in order, and lets d pass meanwhile.
func (c *Chaos) Settle(d time.Duration) {
	end := c.World.Now.Add(d)
	for range settleUnits {
		if len(c.Pending) > 0 {
			event := c.Pending[0]
			c.Pending = c.Pending[1:]
			c.Deliver(event, -1)
			continue
		}
		key, due, ok := c.World.NextTimer()
		if !ok || due.After(end) {
			c.World.Now = end
			return
		}
		c.World.Now = due
		c.finish(c.World.Fire(key), -1)
	}
	require.Fail(c.World.t, "the cores and the outside never come to rest")
}
