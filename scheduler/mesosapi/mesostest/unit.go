package mesostest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"

	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

// unitPort is where an agent that is a service listens: Mesos' default.
const unitPort = 5051

// ServeUnits listens on an address for the programs of package agentunit, and returns the URL for their File. Each request is
// one run of an agent with the option Unit, which ends when the program does.
func (c *Cluster) ServeUnits(addr string) (url string, err error) {
	listener, err := net.Listen("tcp4", addr)
	if err != nil {
		return "", fmt.Errorf("mesostest: listen for agents that are units: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning || c.units != nil {
		return "", errors.Join(errors.New("mesostest: the cluster does not run, or serves units already"), listener.Close())
	}
	c.units = c.serve(listener, http.HandlerFunc(c.handleUnit))
	return "http://" + c.units.addr + "/run", nil
}

func (c *Cluster) handleUnit(w http.ResponseWriter, r *http.Request) {
	var run agentunit.Run
	if err := json.NewDecoder(r.Body).Decode(&run); err != nil || run.Boot == "" {
		http.Error(w, "not the run of an agent", http.StatusBadRequest)
		return
	}
	stop, err := c.runUnit(run)
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	defer stop()
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // a program that has gone needs no answer
	<-r.Context().Done()
}

// runUnit starts an agent and returns what stops this run of it.
func (c *Cluster) runUnit(run agentunit.Run) (stop func(), err error) {
	c.mu.Lock()
	var agent *Agent
	for _, a := range c.agents {
		if a.opts.Unit && a.opts.Hostname == run.Hostname {
			agent = a
		}
	}
	c.mu.Unlock()
	if agent == nil {
		return nil, fmt.Errorf("mesostest: no agent of host %s is a unit", run.Hostname)
	}
	listener, err := agent.listen()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if agent.server != nil || c.state != clusterRunning || agent.id == "" && c.master == nil {
		return nil, errors.Join(fmt.Errorf("mesostest: agent %s is up already, or has no master to register with", run.Hostname), listener.Close())
	}
	agent.beginLocked(listener, run)
	server := agent.server
	return func() { agent.endRun(server) }, nil
}

// beginLocked starts the agent's process. What the agent has checkpointed is of no use after a boot.
func (a *Agent) beginLocked(listener net.Listener, run agentunit.Run) {
	c := a.cluster
	rebooted := a.boot != "" && a.boot != run.Boot
	a.boot, a.runs = run.Boot, append(a.runs, run.Flags)
	if rebooted {
		for _, e := range a.executorsLocked() {
			e.destroyLocked()
		}
		for _, task := range a.tasks {
			task.stopRetry()
		}
		clear(a.tasks)
		clear(a.frameworks)
	}
	a.startLocked(listener)
	a.connected = true
	switch {
	case a.id == "":
		c.registerNewLocked(a)
	case rebooted:
		c.reregisterLocked(a)
	default:
		a.recovery = c.after(c.opts.ExecutorReregisterTimeout, a.recoveryOverLocked)
		a.recoveredLocked()
	}
}

// endRun stops the agent, unless that run is over.
func (a *Agent) endRun(server *server) {
	c := a.cluster
	c.mu.Lock()
	over := a.server != server
	c.mu.Unlock()
	if !over {
		// It may be down by now, which is as well.
		_ = a.Stop()
	}
}

// Runs are the flags of every run of an agent that is a unit, the present or last one at the end.
func (a *Agent) Runs() []map[string]string {
	a.cluster.mu.Lock()
	defer a.cluster.mu.Unlock()
	return slices.Clone(a.runs)
}

// unitAddr is the address of an agent that is a unit.
func (o AgentOptions) unitAddr() string { return net.JoinHostPort(o.IP, strconv.Itoa(unitPort)) }

// writeState is the agent's /state, as far as anybody asks: 503 while it recovers.
func (a *Agent) writeState(w http.ResponseWriter, _ *http.Request) {
	a.cluster.mu.Lock()
	recovering, flags := a.recovery != nil, map[string]string{}
	if len(a.runs) > 0 {
		flags = a.runs[len(a.runs)-1]
	}
	body := map[string]any{
		"version": version, "id": a.id, "pid": "slave(1)@" + a.addr, "hostname": a.opts.Hostname,
		"start_time": float64(a.started.UnixMicro()) / 1e6, "flags": flags,
	}
	a.cluster.mu.Unlock()
	if recovering {
		http.Error(w, "Agent has not finished recovery", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, body)
}

// addUnit adds an agent that registers when its program runs.
func (c *Cluster) addUnit(opts AgentOptions) (*Agent, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning {
		return nil, fmt.Errorf("mesostest: agent %s has no cluster that runs", opts.Hostname)
	}
	agent := newAgent(c, opts, len(c.agents), opts.unitAddr())
	c.agents = append(c.agents, agent)
	return agent, nil
}
