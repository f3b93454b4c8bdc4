package mesostest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Cluster is a double of a whole Mesos cluster in this process.
type Cluster struct {
	opts    Options
	log     hclog.Logger
	spawner *spawner

	// background counts handlers, process waiters and fetches; Close waits for them.
	background sync.WaitGroup

	mu        sync.Mutex
	state     clusterState
	master    *master
	agents    []*Agent
	followers []*Follower
	// units serves the programs of agents that are units; nil before ServeUnits.
	units *server
	// leader is what followers believe: the address of a master, perhaps dead, or "" for none.
	leader string
	// recovering holds the ids of the agents that a newly elected master waits for.
	recovering map[string]bool
	counters   counters
}

type clusterState int

const (
	clusterNew clusterState = iota
	clusterRunning
	clusterClosed
)

// New checks the options and wires a cluster without agents. It starts nothing.
func New(opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	return &Cluster{
		opts: opts, log: opts.Logger, spawner: newSpawner(), recovering: map[string]bool{}, counters: newCounters(),
	}, nil
}

// Start elects the first master. It returns when MasterURL answers.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	if c.state != clusterNew {
		c.mu.Unlock()
		return errors.New("mesostest: the cluster was started before; make a new one")
	}
	c.state = clusterRunning
	c.mu.Unlock()
	c.spawner.start()
	return c.elect(ctx, c.opts.Addr)
}

// Run starts the cluster, unless that was done, and keeps it until ctx is done, then closes it.
func (c *Cluster) Run(ctx context.Context) error {
	c.mu.Lock()
	fresh := c.state == clusterNew
	c.mu.Unlock()
	if fresh {
		if err := c.Start(ctx); err != nil {
			return errors.Join(err, c.Close())
		}
	}
	<-ctx.Done()
	return c.Close()
}

// Close kills every process of the cluster, closes its sockets and waits for its goroutines. It may be called again.
func (c *Cluster) Close() error {
	c.mu.Lock()
	if c.state == clusterClosed {
		c.mu.Unlock()
		return nil
	}
	started := c.state == clusterRunning
	c.state = clusterClosed
	dead := c.dropMasterLocked()
	servers := []*server{c.units}
	for _, follower := range c.followers {
		servers = append(servers, follower.server)
	}
	for _, agent := range c.agents {
		servers = append(servers, agent.server)
		for _, executor := range agent.executorsLocked() {
			executor.destroyLocked()
		}
	}
	c.mu.Unlock()
	err := dead.finish()
	for _, s := range servers {
		err = errors.Join(err, s.close())
	}
	c.background.Wait()
	if started {
		c.spawner.stop()
		err = errors.Join(err, killBelow(c.opts.Dir))
	}
	return err
}

// MasterURL is where the leading master listens, without a path; "" while there is none.
func (c *Cluster) MasterURL() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.master == nil {
		return ""
	}
	return "http://" + c.master.server.addr
}

// after runs f under the mutex when d has passed, unless the timer is stopped or the cluster closed before.
func (c *Cluster) after(d time.Duration, f func()) *time.Timer {
	return time.AfterFunc(d, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.state == clusterRunning {
			f()
		}
	})
}

// goLocked starts a goroutine that Close waits for. It must be called under the mutex; a closed cluster starts nothing.
func (c *Cluster) goLocked(f func()) bool {
	if c.state != clusterRunning {
		return false
	}
	c.background.Add(1)
	go func() {
		defer c.background.Done()
		f()
	}()
	return true
}

// enter counts an HTTP handler, so that Close waits for it; false when the cluster has closed.
func (c *Cluster) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning {
		return false
	}
	c.background.Add(1)
	return true
}

// AddAgent starts an agent and registers it with the leading master; offers of it are out when AddAgent returns. One with the
// option Unit does so when its program runs.
func (c *Cluster) AddAgent(opts AgentOptions) (*Agent, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if opts.Unit {
		return c.addUnit(opts)
	}
	listener, err := opts.listen(net.JoinHostPort(opts.IP, "0"))
	if err != nil {
		return nil, fmt.Errorf("mesostest: agent %s cannot listen on %s: %w", opts.Hostname, opts.IP, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning || c.master == nil {
		return nil, errors.Join(fmt.Errorf("mesostest: agent %s has no master to register with", opts.Hostname), listener.Close())
	}
	agent := newAgent(c, opts, len(c.agents), listener.Addr().String())
	c.agents = append(c.agents, agent)
	agent.startLocked(listener)
	c.registerNewLocked(agent)
	return agent, nil
}

// Agents are the agents in the order of AddAgent, whatever their state.
func (c *Cluster) Agents() []*Agent {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Agent(nil), c.agents...)
}

// agentLocked finds an agent by its present id.
func (c *Cluster) agentLocked(id string) *Agent {
	for _, agent := range c.agents {
		if agent.id == id {
			return agent
		}
	}
	return nil
}
