package mesostest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

func compareKeys(a, b taskKey) int {
	return cmp.Or(cmp.Compare(a.framework, b.framework), cmp.Compare(a.task, b.task))
}

// masterStatus is an update of the master's own making: without uuid, so never acknowledged.
func masterStatus(task mesos.TaskID, agent *mesos.AgentID, state mesos.TaskState, reason mesos.TaskStatus_Reason,
	text string,
) mesos.TaskStatus {
	return mesos.TaskStatus{
		TaskID: task, AgentID: clone(agent), State: state.Enum(), Reason: reason.Enum(), Source: mesos.SOURCE_MASTER.Enum(),
		Message: &text, Timestamp: ptr(now()),
	}
}

// lostOr is TASK_LOST, or the finer state for frameworks that are PARTITION_AWARE.
func lostOr(info *mesos.FrameworkInfo, fine mesos.TaskState) mesos.TaskState {
	if capable(info, mesos.FrameworkInfo_Capability_PARTITION_AWARE) {
		return fine
	}
	return mesos.TASK_LOST
}

func now() float64 { return float64(time.Now().UnixNano()) / 1e9 }

func (c *Cluster) masterUpdateLocked(f *framework, status mesos.TaskStatus) {
	f.send(&scheduler.Event{Type: scheduler.Event_UPDATE, Update: &scheduler.Event_Update{Status: status}})
}

// forwardLocked takes an update from an agent to the framework. One that is not connected gets it later, from the retry.
func (c *Cluster) forwardLocked(agent *Agent, key taskKey, status mesos.TaskStatus) {
	m := c.master
	if m == nil || m.agents[agent.id] == nil || !m.agents[agent.id].active {
		return
	}
	if task := m.agents[agent.id].tasks[key]; task != nil {
		task.status = status
	}
	if f := m.frameworks[key.framework]; f != nil {
		c.masterUpdateLocked(f, status)
	}
}

func (c *Cluster) acknowledgeLocked(m *master, f *framework, call *scheduler.Call_Acknowledge) {
	record := m.agents[call.AgentID.Value]
	if record == nil || !record.active {
		return
	}
	record.agent.acknowledgeLocked(taskKey{f.id, call.TaskID.Value}, call.UUID)
}

// find looks a task up among the agents that the master knows.
func (m *master) find(key taskKey) (*agentRecord, *masterTask) {
	for _, record := range m.agents {
		if task := record.tasks[key]; task != nil {
			return record, task
		}
	}
	return nil, nil
}

func (c *Cluster) killLocked(m *master, f *framework, call *scheduler.Call_Kill) {
	key := taskKey{f.id, call.TaskID.Value}
	record, task := m.find(key)
	switch {
	case task == nil:
		c.reconcileTaskLocked(m, f, call.TaskID, call.AgentID)
	case !record.active:
		record.kills = append(record.kills, key)
	default:
		record.agent.killLocked(key, call.KillPolicy)
	}
}

func (c *Cluster) shutdownLocked(m *master, f *framework, call *scheduler.Call_Shutdown) {
	if record := m.agents[call.AgentID.Value]; record != nil && record.active {
		if executor := record.agent.executors[executorKey{f.id, call.ExecutorID.Value}]; executor != nil {
			executor.shutdownLocked()
		}
	}
}

func (c *Cluster) messageLocked(m *master, f *framework, call *scheduler.Call_Message) {
	if record := m.agents[call.AgentID.Value]; record != nil && record.active {
		if executor := record.agent.executors[executorKey{f.id, call.ExecutorID.Value}]; executor != nil {
			executor.messageLocked(call.Data)
		}
	}
}

func (c *Cluster) reconcileLocked(m *master, f *framework, call *scheduler.Call_Reconcile) {
	for _, task := range call.Tasks {
		c.reconcileTaskLocked(m, f, task.TaskID, task.AgentID)
	}
	if len(call.Tasks) > 0 {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(m.agents)) {
		record := m.agents[id]
		if record.unreachable != nil || record.gone {
			continue
		}
		for _, key := range slices.SortedFunc(maps.Keys(record.tasks), compareKeys) {
			if key.framework == f.id {
				c.latestLocked(f, record.tasks[key])
			}
		}
	}
}

// reconcileTaskLocked answers one explicit question, or not: while agents have yet to come back to a new master, it cannot
// know of tasks that it does not know.
func (c *Cluster) reconcileTaskLocked(m *master, f *framework, id mesos.TaskID, agent *mesos.AgentID) {
	record, task := m.find(taskKey{f.id, id.Value})
	answer := func(state mesos.TaskState, text string) mesos.TaskStatus {
		return masterStatus(id, agent, state, mesos.REASON_RECONCILIATION, text)
	}
	if record == nil && agent != nil {
		record = m.agents[agent.Value]
	}
	switch {
	case record != nil && record.unreachable != nil:
		status := answer(lostOr(f.info, mesos.TASK_UNREACHABLE), "Reconciliation: Task is unreachable")
		status.AgentID = &mesos.AgentID{Value: record.agent.id}
		status.UnreachableTime = record.unreachable
		c.masterUpdateLocked(f, status)
	case record != nil && record.gone:
		status := answer(lostOr(f.info, mesos.TASK_GONE_BY_OPERATOR), "Reconciliation: Task is gone")
		c.masterUpdateLocked(f, status)
	case task != nil:
		c.latestLocked(f, task)
	case record != nil:
		c.masterUpdateLocked(f, answer(lostOr(f.info, mesos.TASK_GONE), "Reconciliation: Task is unknown to the agent"))
	case agent == nil && len(c.recovering) > 0, agent != nil && c.recovering[agent.Value]:
	default:
		c.masterUpdateLocked(f, answer(lostOr(f.info, mesos.TASK_UNKNOWN), "Reconciliation: Task is unknown"))
	}
}

// latestLocked repeats the state that the master last forwarded; it keeps neither data nor executor.
func (c *Cluster) latestLocked(f *framework, task *masterTask) {
	status := masterStatus(task.info.TaskID, &task.info.AgentID, *task.status.State, mesos.REASON_RECONCILIATION,
		"Reconciliation: Latest task state")
	status.ContainerStatus = task.status.ContainerStatus
	c.masterUpdateLocked(f, status)
}
