package sandbox

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/model"
)

// mesosDrills strike the master, its agents and hosts, and everything.
func mesosDrills() []Drill {
	return []Drill{
		{
			Name: "mesos-master", Measures: regained, Bound: fixed(3 * time.Second), strike: failOverMaster,
			Fault:  "the leading Mesos master dies; a second later another one is elected",
			Expect: sameEpoch + "it is subscribed again under the same framework id. Tasks run on, none is launched again.",
		},
		{
			Name: "mesos-agent", Measures: leadsOn, strike: restartAgents,
			Fault:  "all Mesos agents are restarted, one after the other",
			Expect: sameEpoch + "node agents outlive their Mesos agents and go on; none is launched again.",
		},
		{
			Name: "node-agent", Measures: relaunch, strike: killNodeAgent,
			Fault:  "kill -9 of a node agent",
			Expect: sameEpoch + "the node agent is launched again on an offer of its host. Steps that were done stay done, one that ran is run again.",
		},
		{
			Name: "host", Measures: relaunch, strike: rebootHost,
			Fault:  "a host reboots: Mesos agent, node agent and ScaleIO's services are gone, and come back under a new agent id",
			Expect: sameEpoch + "the host is recognised by its name and gets a new node agent, with the journal of the old one.",
		},
		{
			Name: "cluster", Measures: takeOver, Bound: afterSession, strike: restartCluster,
			Fault:  "everything ends at once: schedulers, ZooKeeper servers, the Mesos master and its agents; and is started again",
			Expect: anEpoch + "from what stands in ZooKeeper. The take-over is measured from the quorum on.",
		},
	}
}

func failOverMaster(ctx context.Context, c *scene) error {
	if err := c.w.mesos.KillMaster(); err != nil {
		return err
	}
	if err := c.unsubscribed(ctx); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, time.Second); err != nil {
		return err
	}
	if err := c.w.mesos.ElectMaster(ctx); err != nil {
		return err
	}
	return c.continued(ctx, time.Now())
}

func restartAgents(ctx context.Context, c *scene) error {
	launched := len(c.w.mesos.Launches())
	for _, h := range c.w.hosts {
		if err := h.agent.Restart(); err != nil {
			return err
		}
	}
	if err := c.continued(ctx, time.Now()); err != nil {
		return err
	}
	if again := len(c.w.mesos.Launches()); again != launched {
		return fmt.Errorf("%d node agents were launched again", again-launched)
	}
	return nil
}

// struckHost is the one that is struck: it has every role that a host can have
// but that of the first.
func (c *scene) struckHost() *Host { return c.w.hosts[1] }

// returned waits until a later launch of the node agent runs, and measures it.
func (c *scene) returned(ctx context.Context, h *Host, from time.Time) error {
	c.terms = []uint64{0}
	was := 0
	if node := c.before.Nodes[h.Name]; node != nil && node.Launch != nil {
		was = node.Launch.Number
	}
	err := c.until(ctx, "the node agent of "+h.Name+" to come back", func(ctx context.Context) bool {
		state, err := c.w.State(ctx)
		if err != nil {
			return false
		}
		node := state.Nodes[h.Name]
		return node != nil && node.State == model.TaskRunning && node.Launch != nil && node.Launch.Number > was
	})
	c.result.Seconds = time.Since(from).Seconds()
	return err
}

func killNodeAgent(ctx context.Context, c *scene) error {
	h := c.struckHost()
	node := c.before.Nodes[h.Name]
	if node == nil || node.Launch == nil {
		return fmt.Errorf("no node agent was launched on %s yet: strike later", h.Name)
	}
	pid := h.agent.ExecutorPID(node.Launch.ExecutorID)
	if pid == 0 {
		return fmt.Errorf("no node agent runs on %s yet: strike later", h.Name)
	}
	struck := time.Now()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill the node agent of %s: %w", h.Name, err)
	}
	return c.returned(ctx, h, struck)
}

func rebootHost(ctx context.Context, c *scene) error {
	h := c.struckHost()
	if err := c.w.system.StopHost(h.Name); err != nil {
		return err
	}
	if err := h.agent.PowerOff(); err != nil {
		return err
	}
	if err := clock.Sleep(ctx, time.Second); err != nil {
		return err
	}
	if err := c.w.system.StartHost(h.Name); err != nil {
		return err
	}
	booted := time.Now()
	old := h.agent.ID()
	if err := h.agent.PowerOn(true); err != nil {
		return err
	}
	if h.agent.ID() == old {
		return fmt.Errorf("%s came back under its old agent id", h.Name)
	}
	return c.returned(ctx, h, booted)
}

func restartCluster(ctx context.Context, c *scene) error {
	// The master first: it takes back its announcement as long as it can.
	if err := c.w.mesos.KillMaster(); err != nil {
		return err
	}
	for _, h := range c.w.hosts {
		if err := h.agent.Stop(); err != nil {
			return err
		}
	}
	if err := c.killSchedulers(); err != nil {
		return err
	}
	all := c.others(-1)
	for _, server := range all {
		c.zk.cluster.Kill(server)
	}
	if err := c.zk.cluster.Restart(ctx, all...); err != nil {
		return err
	}
	served := time.Now()
	if err := c.w.reconnect(ctx); err != nil {
		return err
	}
	if err := c.w.mesos.ElectMaster(ctx); err != nil {
		return err
	}
	for _, h := range c.w.hosts {
		if err := h.agent.Start(); err != nil {
			return err
		}
	}
	return c.succeeded(ctx, served, -1)
}
