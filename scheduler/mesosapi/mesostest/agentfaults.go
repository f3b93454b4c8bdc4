package mesostest

import (
	"errors"
	"fmt"
	"net"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// Stop ends the agent's process; executors of checkpointing frameworks live on and see EOF. The master takes the agent's
// offers back, and after AgentTimeout counts it unreachable.
func (a *Agent) Stop() error {
	c := a.cluster
	c.mu.Lock()
	stopped := a.stopLocked()
	for _, executor := range a.executorsLocked() {
		if info := a.frameworks[executor.key.framework]; info == nil || !info.GetCheckpoint() {
			executor.destroyLocked()
		}
	}
	c.mu.Unlock()
	if stopped == nil {
		return fmt.Errorf("mesostest: agent %s is down already", a.opts.Hostname)
	}
	c.log.Info("agent stopped", "hostname", a.opts.Hostname)
	return stopped.close()
}

func (a *Agent) stopLocked() *server {
	stopped := a.server
	a.server = nil
	if a.recovery != nil {
		a.recovery.Stop()
		a.recovery = nil
	}
	for _, executor := range a.executors {
		executor.stream = nil
	}
	for _, task := range a.tasks {
		task.stopRetry()
	}
	a.cluster.silentLocked(a)
	return stopped
}

// Start brings a stopped agent up at its old address. It registers again when its executors have subscribed, or their time
// (ExecutorReregisterTimeout) is over.
func (a *Agent) Start() error {
	listener, err := a.listen()
	if err != nil {
		return err
	}
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.server != nil || c.state != clusterRunning {
		return errors.Join(fmt.Errorf("mesostest: agent %s is up already, or the cluster has closed", a.opts.Hostname), listener.Close())
	}
	a.startLocked(listener)
	a.recovery = c.after(c.opts.ExecutorReregisterTimeout, a.recoveryOverLocked)
	a.recoveredLocked()
	return nil
}

func (a *Agent) listen() (net.Listener, error) {
	listener, err := a.opts.listen(a.addr)
	if err != nil {
		return nil, fmt.Errorf("mesostest: agent %s cannot listen on %s again: %w", a.opts.Hostname, a.addr, err)
	}
	return listener, nil
}

// Restart is Stop followed by Start.
func (a *Agent) Restart() error {
	if err := a.Stop(); err != nil {
		return err
	}
	return a.Start()
}

// recoveredLocked ends the recovery when every executor is back.
func (a *Agent) recoveredLocked() {
	if a.recovery == nil {
		return
	}
	for _, executor := range a.executors {
		if executor.stream == nil && !executor.command {
			return
		}
	}
	a.recovery.Stop()
	a.recovery = nil
	if a.connected {
		a.cluster.reregisterLocked(a)
	}
}

// recoveryOverLocked gives up on executors that did not come back.
func (a *Agent) recoveryOverLocked() {
	if a.recovery == nil {
		return
	}
	a.recovery = nil
	for _, executor := range a.executorsLocked() {
		if executor.stream == nil && !executor.command {
			executor.reason = mesos.REASON_EXECUTOR_REREGISTRATION_TIMEOUT
			executor.message = "Executor did not reregister within " + mesosDuration(a.cluster.opts.ExecutorReregisterTimeout)
			executor.killLocked()
		}
	}
	if a.connected {
		a.cluster.reregisterLocked(a)
	}
}

// Lose cuts the agent off from the masters; agent and executors run on. RESCIND comes at once, the loss of its tasks and the
// FAILURE after AgentTimeout.
func (a *Agent) Lose() {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	a.connected = false
	c.log.Info("agent cut off", "hostname", a.opts.Hostname)
	c.silentLocked(a)
}

// Return ends what Lose began; the agent registers again at once.
func (a *Agent) Return() {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	a.connected = true
	if a.running() {
		c.reregisterLocked(a)
	}
}

// PowerOff kills the host: the agent, its executors and the daemons that these have left are gone at once, and nobody
// reports anything.
func (a *Agent) PowerOff() error {
	c := a.cluster
	c.mu.Lock()
	stopped := a.stopLocked()
	for _, executor := range a.executorsLocked() {
		executor.destroyLocked()
	}
	clear(a.tasks)
	clear(a.frameworks)
	c.mu.Unlock()
	c.log.Info("host powered off", "hostname", a.opts.Hostname)
	err := errors.Join(stopped.close(), killBelow(a.dir))
	if a.opts.OnPowerOff != nil {
		a.opts.OnPowerOff()
	}
	return err
}

// PowerOn boots a host that PowerOff has killed. The agent comes back with its old id and without tasks, or, with newID,
// as an agent that the master has never seen; the master then gives up the old id.
func (a *Agent) PowerOn(newID bool) error {
	listener, err := a.listen()
	if err != nil {
		return err
	}
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.server != nil || c.state != clusterRunning {
		return errors.Join(fmt.Errorf("mesostest: host %s is up already, or the cluster has closed", a.opts.Hostname), listener.Close())
	}
	if newID && c.master == nil {
		return errors.Join(fmt.Errorf("mesostest: host %s needs a master for a new agent id", a.opts.Hostname), listener.Close())
	}
	a.startLocked(listener)
	a.connected = true
	if !newID {
		c.reregisterLocked(a)
		return nil
	}
	c.replacedLocked(a)
	c.registerNewLocked(a)
	return nil
}

// Reboot is PowerOff followed by PowerOn.
func (a *Agent) Reboot(newID bool) error {
	if err := a.PowerOff(); err != nil {
		return err
	}
	return a.PowerOn(newID)
}

// KillExecutor sends SIGKILL to the executor's process group.
func (a *Agent) KillExecutor(id string) error {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, executor := range a.executors {
		if executor.id == id && executor.process != nil {
			executor.process.kill()
			return nil
		}
	}
	return fmt.Errorf("mesostest: no executor %q runs on %s", id, a.opts.Hostname)
}

// ExecutorPID is the process id of a running executor, 0 when there is none.
func (a *Agent) ExecutorPID(id string) int {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, executor := range a.executors {
		if executor.id == id && executor.process != nil {
			return executor.process.pid
		}
	}
	return 0
}

// Sandbox is the directory of the executor's present run, "" when there is none. stdout and stderr are files in it.
func (a *Agent) Sandbox(id string) string {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, executor := range a.executors {
		if executor.id == id {
			return executor.dir
		}
	}
	return ""
}

// MarkGone is the operator's MARK_AGENT_GONE: the agent shuts down for good and its tasks are gone.
func (a *Agent) MarkGone() error {
	c := a.cluster
	c.mu.Lock()
	m := c.master
	if m == nil || m.agents[a.id] == nil {
		c.mu.Unlock()
		return fmt.Errorf("mesostest: no master knows agent %s", a.opts.Hostname)
	}
	record := m.agents[a.id]
	record.active, record.gone = false, true
	if record.timeout != nil {
		record.timeout.Stop()
	}
	c.withdrawOffersLocked(func(o *offer) bool { return o.agent == a }, true)
	c.agentGoneLocked(m, record, func(f *framework) mesos.TaskStatus {
		return mesos.TaskStatus{
			State: lostOr(f.info, mesos.TASK_GONE_BY_OPERATOR).Enum(), Reason: mesos.REASON_AGENT_REMOVED_BY_OPERATOR.Enum(),
			Message: ptr("Agent has been marked gone"),
		}
	})
	c.mu.Unlock()
	return a.PowerOff()
}
