package sandbox

import (
	"context"
	"errors"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/netfault"
)

// linkDrills cut the leader off from one thing that it depends on.
func linkDrills() []Drill {
	return []Drill{
		{
			Name: "cut-zookeeper", Schedulers: 3, Measures: takeOver, Bound: afterSession, strike: cutZooKeeper,
			Fault:  "the leader is cut off from ZooKeeper, and from nothing else, until another one leads",
			Expect: anEpoch + "its lease had lapsed before its session expired. When the cut is over it finds out, commits nothing, and exits with 3.",
		},
		{
			Name: "cut-mesos", Measures: regained, Bound: fixed(3 * time.Second), strike: cutMesos,
			Fault:  "the leader is cut off from the Mesos master, and from nothing else, until it has noticed and a second longer",
			Expect: sameEpoch + "it stands unsubscribed until the cut is over. Another scheduler would get no further.",
		},
		{
			Name: "cut-gateway", Measures: finished, strike: cutGateway,
			Fault:  "the leader is cut off from the ScaleIO gateways, and from nothing else, for three seconds",
			Expect: sameEpoch + "what needs a gateway waits and is asked for by name before it is repeated.",
		},
	}
}

// cut breaks a route as the drill is told to.
func (c *scene) cut(r *netfault.Route) {
	if c.how.Refuse {
		r.Block()
	} else {
		r.Freeze()
	}
}

// way is that of the leader.
func (c *scene) way() *links {
	for i, s := range c.w.schedulers {
		if s == c.victim {
			return c.w.links[i]
		}
	}
	return nil
}

func cutZooKeeper(ctx context.Context, c *scene) error {
	route := &c.way().zookeeper
	struck := time.Now()
	c.cut(route)
	defer route.Heal()
	if err := c.succeeded(ctx, struck, 3); err != nil {
		return err
	}
	route.Heal()
	return c.until(ctx, "the cut off leader to exit", func(context.Context) bool { return len(c.victim.Exits()) > c.exits[c.victim] })
}

func cutMesos(ctx context.Context, c *scene) error {
	route := &c.way().mesos
	c.cut(route)
	defer route.Heal()
	if err := c.unsubscribed(ctx); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, time.Second); err != nil {
		return err
	}
	healed := time.Now()
	route.Heal()
	return c.continued(ctx, healed)
}

// unsubscribed waits until the leader knows that no master has it subscribed.
func (c *scene) unsubscribed(ctx context.Context) error {
	return c.until(ctx, "the leader to notice that no master has it subscribed", func(ctx context.Context) bool {
		status, err := getStatus(ctx, c.card.URL)
		return err == nil && !status.Subscribed
	})
}

// gatewayCut is how long the gateways are away: longer than one of the leader's
// pauses between two attempts.
const gatewayCut = 3 * time.Second

func cutGateway(ctx context.Context, c *scene) error {
	c.cut(&c.w.gateways)
	defer c.w.gateways.Heal()
	if err := clock.Sleep(ctx, gatewayCut); err != nil {
		return err
	}
	state, err := c.w.State(ctx)
	if err != nil {
		return err
	}
	if c.how.During == DuringBootstrap && state.Complete(c.opts.Agents) {
		return errors.New("the bootstrap went on without a gateway")
	}
	c.w.gateways.Heal()
	c.terms, c.healed = []uint64{0}, time.Now()
	return nil
}
