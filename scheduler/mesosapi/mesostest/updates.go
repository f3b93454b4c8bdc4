package mesostest

import (
	"bytes"
	"maps"
	"slices"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// updateLocked takes a status update into the agent's care: it is sent until the scheduler acknowledges it, one at a time for
// each task.
func (a *Agent) updateLocked(key taskKey, status mesos.TaskStatus) {
	task := a.tasks[key]
	if task == nil || task.seen[string(status.UUID)] || terminal(task.state()) {
		return
	}
	task.seen[string(status.UUID)] = true
	task.last = &status
	task.pending = append(task.pending, status)
	if len(task.pending) == 1 {
		a.sendUpdateLocked(key, task)
	}
	if terminal(*status.State) {
		a.cluster.allocateLocked()
	}
}

// sendUpdateLocked forwards the first pending update and sets the timer of its next attempt.
func (a *Agent) sendUpdateLocked(key taskKey, task *agentTask) {
	c := a.cluster
	task.stopRetry()
	if task.wait == 0 {
		task.wait = c.opts.UpdateRetry
	}
	if a.running() && a.connected {
		c.forwardLocked(a, key, task.pending[0])
	}
	task.retry = c.after(task.wait, func() {
		if a.tasks[key] == task && len(task.pending) > 0 {
			a.sendUpdateLocked(key, task)
		}
	})
	task.wait = min(2*task.wait, c.opts.UpdateRetryMax)
}

func (t *agentTask) stopRetry() {
	if t.retry != nil {
		t.retry.Stop()
		t.retry = nil
	}
	t.wait = 0
}

// acknowledgeLocked ends the attempts for an update; any other uuid than that of the update under way is ignored.
func (a *Agent) acknowledgeLocked(key taskKey, id []byte) {
	task := a.tasks[key]
	if task == nil || len(task.pending) == 0 || !bytes.Equal(task.pending[0].UUID, id) {
		return
	}
	task.stopRetry()
	task.pending = task.pending[1:]
	if len(task.pending) > 0 {
		a.sendUpdateLocked(key, task)
		return
	}
	if !terminal(task.state()) {
		return
	}
	delete(a.tasks, key)
	if m := a.cluster.master; m != nil && m.agents[a.id] != nil {
		delete(m.agents[a.id].tasks, key)
	}
}

// frameworkSubscribedLocked sends the updates that wait for a framework at once.
func (a *Agent) frameworkSubscribedLocked(f *framework) {
	if a.frameworks[f.id] != nil {
		a.frameworks[f.id] = f.info
	}
	for _, key := range slices.SortedFunc(maps.Keys(a.tasks), compareKeys) {
		if task := a.tasks[key]; key.framework == f.id && len(task.pending) > 0 {
			task.stopRetry()
			a.sendUpdateLocked(key, task)
		}
	}
}

// agentStatus is an update that the agent makes for an executor that cannot.
func (a *Agent) agentStatus(task *agentTask, state mesos.TaskState, reason mesos.TaskStatus_Reason, text string) mesos.TaskStatus {
	id := uuid.New()
	return mesos.TaskStatus{
		TaskID: task.info.TaskID, State: state.Enum(), Reason: reason.Enum(), Message: &text,
		Source: mesos.SOURCE_AGENT.Enum(), AgentID: &mesos.AgentID{Value: a.id},
		ExecutorID: &mesos.ExecutorID{Value: task.executor.id}, Timestamp: ptr(now()), UUID: id[:],
	}
}
