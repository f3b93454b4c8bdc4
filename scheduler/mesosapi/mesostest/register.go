package mesostest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// registerNewLocked gives an agent an id and lets it take part in offers.
func (c *Cluster) registerNewLocked(agent *Agent) {
	m := c.master
	agent.id = fmt.Sprintf("%s-S%d", m.id, m.nextAgent)
	m.nextAgent++
	m.agents[agent.id] = &agentRecord{agent: agent, tasks: map[taskKey]*masterTask{}, active: true}
	c.log.Info("agent registered", "hostname", agent.opts.Hostname, "agent_id", agent.id)
	c.allocateLocked()
}

// reregisterLocked brings an agent that has an id back to the leading master, with its tasks and frameworks.
func (c *Cluster) reregisterLocked(agent *Agent) {
	m := c.master
	if m == nil || agent.id == "" {
		return
	}
	record := m.agents[agent.id]
	if record == nil {
		record = &agentRecord{agent: agent}
		m.agents[agent.id] = record
	}
	if record.gone || record.active {
		return
	}
	if record.timeout != nil {
		record.timeout.Stop()
	}
	delete(c.recovering, agent.id)
	// First, since what belongs to removed frameworks ends here.
	agent.introduceFrameworksLocked(m)
	before, wasUnreachable := record.tasks, record.unreachable != nil
	record.tasks, record.unreachable, record.active = agent.masterTasksLocked(), nil, true
	c.log.Info("agent re-registered", "hostname", agent.opts.Hostname, "agent_id", agent.id, "tasks", len(record.tasks))
	c.compareTasksLocked(m, record, before, wasUnreachable)
	kills := record.kills
	record.kills = nil
	for _, key := range kills {
		agent.killLocked(key, nil)
	}
	for _, f := range m.frameworks {
		agent.frameworkSubscribedLocked(f)
	}
	c.allocateLocked()
}

// compareTasksLocked tells frameworks what a returned agent still has and what it has lost.
func (c *Cluster) compareTasksLocked(m *master, record *agentRecord, before map[taskKey]*masterTask, wasUnreachable bool) {
	for _, key := range slices.SortedFunc(maps.Keys(record.tasks), compareKeys) {
		f, task := m.frameworks[key.framework], record.tasks[key]
		latest := record.agent.tasks[key].state()
		if !wasUnreachable || f == nil || terminal(latest) {
			continue
		}
		status := masterStatus(task.info.TaskID, &task.info.AgentID, latest, mesos.REASON_AGENT_REREGISTERED,
			"Unreachable agent re-reregistered")
		status.ContainerStatus = task.status.ContainerStatus
		c.masterUpdateLocked(f, status)
	}
	for _, key := range slices.SortedFunc(maps.Keys(before), compareKeys) {
		f, task := m.frameworks[key.framework], before[key]
		if record.tasks[key] != nil || f == nil || terminal(*task.status.State) {
			continue
		}
		c.masterUpdateLocked(f, masterStatus(task.info.TaskID, &task.info.AgentID, lostOr(f.info, mesos.TASK_DROPPED),
			mesos.REASON_RECONCILIATION, "Reconciliation: Task is unknown to the agent"))
	}
}

// masterTasksLocked is what the agent tells a master of its tasks: the states of the updates under way.
func (a *Agent) masterTasksLocked() map[taskKey]*masterTask {
	tasks := map[taskKey]*masterTask{}
	for key, task := range a.tasks {
		status := mesos.TaskStatus{TaskID: task.info.TaskID, AgentID: &task.info.AgentID, State: mesos.TASK_STAGING.Enum()}
		if len(task.pending) > 0 {
			status = task.pending[0]
		} else if task.last != nil {
			status = *task.last
		}
		tasks[key] = &masterTask{info: task.info, executor: task.executor.id, status: status}
	}
	return tasks
}

// introduceFrameworksLocked makes frameworks known to a master that has not seen them, and ends those it has removed.
func (a *Agent) introduceFrameworksLocked(m *master) {
	for id, info := range a.frameworks {
		if m.removed[id] {
			a.shutdownFrameworkLocked(id)
		} else if m.frameworks[id] == nil {
			m.frameworks[id] = &framework{id: id, info: info, suppressed: map[string]bool{}}
		}
	}
}

// giveUpLocked ends the wait of a new master for agents of the old one: they count as unreachable from now on.
func (c *Cluster) giveUpLocked(m *master) {
	for id := range c.recovering {
		delete(c.recovering, id)
		if agent := c.agentLocked(id); agent != nil {
			m.agents[id] = &agentRecord{agent: agent, unreachable: &mesos.TimeInfo{Nanoseconds: time.Now().UnixNano()}}
		}
	}
}

// silentLocked is what the master notices first of an agent that it cannot reach: offers are taken back, and when the
// agent has not returned in time, it becomes unreachable.
func (c *Cluster) silentLocked(agent *Agent) {
	m := c.master
	if m == nil {
		return
	}
	record := m.agents[agent.id]
	if record == nil || !record.active {
		return
	}
	record.active = false
	c.withdrawOffersLocked(func(o *offer) bool { return o.agent == agent }, true)
	record.timeout = c.after(c.opts.AgentTimeout, func() {
		if c.master == m && !record.active && !record.gone {
			c.unreachableLocked(m, record)
		}
	})
}

func (c *Cluster) unreachableLocked(m *master, record *agentRecord) {
	record.unreachable = &mesos.TimeInfo{Nanoseconds: time.Now().UnixNano()}
	c.log.Info("agent unreachable", "hostname", record.agent.opts.Hostname)
	c.agentGoneLocked(m, record, func(f *framework) mesos.TaskStatus {
		status := mesos.TaskStatus{
			State: lostOr(f.info, mesos.TASK_UNREACHABLE).Enum(), Reason: mesos.REASON_AGENT_REMOVED.Enum(),
			Message: ptr("health check timed out"), UnreachableTime: record.unreachable,
		}
		return status
	})
}

// agentGoneLocked tells every framework the fate of its tasks on an agent, then that the agent failed.
func (c *Cluster) agentGoneLocked(m *master, record *agentRecord, fate func(*framework) mesos.TaskStatus) {
	id := m.agentIDLocked(record)
	for _, key := range slices.SortedFunc(maps.Keys(record.tasks), compareKeys) {
		f, task := m.frameworks[key.framework], record.tasks[key]
		if f == nil || terminal(*task.status.State) {
			continue
		}
		status := fate(f)
		status.TaskID, status.AgentID = task.info.TaskID, &mesos.AgentID{Value: id}
		status.Source, status.Timestamp = mesos.SOURCE_MASTER.Enum(), ptr(now())
		c.masterUpdateLocked(f, status)
	}
	for _, name := range slices.Sorted(maps.Keys(m.frameworks)) {
		m.frameworks[name].send(&scheduler.Event{
			Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{AgentID: &mesos.AgentID{Value: id}},
		})
	}
}

// agentIDLocked is the id under which the master has a record; the agent itself may have another one by now.
func (m *master) agentIDLocked(record *agentRecord) string {
	for id, r := range m.agents {
		if r == record {
			return id
		}
	}
	return record.agent.id
}

// replacedLocked removes an agent id whose host has come back under another one.
func (c *Cluster) replacedLocked(agent *Agent) {
	m := c.master
	record := m.agents[agent.id]
	if record == nil || record.unreachable != nil || record.gone {
		return
	}
	if record.timeout != nil {
		record.timeout.Stop()
	}
	c.agentGoneLocked(m, record, func(f *framework) mesos.TaskStatus {
		return mesos.TaskStatus{
			State: lostOr(f.info, mesos.TASK_GONE).Enum(), Reason: mesos.REASON_AGENT_REMOVED.Enum(),
			Message: ptr("Agent " + agent.opts.Hostname + " removed: a new agent registered at the same address"),
		}
	})
	delete(m.agents, agent.id)
}
