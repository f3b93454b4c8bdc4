package mesostest

import (
	"maps"
	"slices"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	execapi "github.com/mesos/mesos-go/api/v1/lib/executor"
)

// taskKeysLocked are the executor's tasks in a stable order.
func (e *executor) taskKeysLocked() []taskKey {
	var keys []taskKey
	for _, key := range slices.SortedFunc(maps.Keys(e.agent.tasks), compareKeys) {
		if e.agent.tasks[key].executor == e {
			keys = append(keys, key)
		}
	}
	return keys
}

// killLocked kills the executor's process group, or stops its fetch; what follows is reported.
func (e *executor) killLocked() {
	e.terminating = true
	if e.cancelFetch != nil {
		e.cancelFetch()
	}
	if e.process != nil {
		e.process.kill()
	}
}

// destroyLocked kills the executor without a report to anybody.
func (e *executor) destroyLocked() {
	e.gone = true
	e.killLocked()
	if e.timer != nil {
		e.timer.Stop()
	}
	delete(e.agent.executors, e.key)
	for key, task := range e.agent.tasks {
		if task.executor == e {
			task.stopRetry()
			delete(e.agent.tasks, key)
		}
	}
}

// shutdownLocked asks the executor to end, and kills it when its grace period is over.
func (e *executor) shutdownLocked() {
	if e.terminating {
		return
	}
	e.terminating = true
	if e.stream == nil || e.command {
		e.killLocked()
		return
	}
	e.stream.send(&execapi.Event{Type: execapi.Event_SHUTDOWN})
	if e.timer != nil {
		e.timer.Stop()
	}
	e.timer = e.agent.cluster.after(e.grace(), e.killLocked)
}

func (e *executor) grace() time.Duration {
	if period := e.info.ShutdownGracePeriod; period != nil {
		return time.Duration(period.Nanoseconds)
	}
	return defaultGrace
}

// messageLocked passes a framework message on, or loses it when the executor is not there.
func (e *executor) messageLocked(data []byte) {
	if e.stream != nil {
		e.stream.send(&execapi.Event{Type: execapi.Event_MESSAGE, Message: &execapi.Event_Message{Data: data}})
	}
}

// killLocked asks a task's executor to kill it; a task that the executor has not seen is killed here.
func (a *Agent) killLocked(key taskKey, policy *mesos.KillPolicy) {
	task := a.tasks[key]
	if task == nil || terminal(task.state()) {
		return
	}
	e := task.executor
	switch {
	case e.command:
		e.killCommandLocked(task)
	case task.launched && e.stream != nil:
		e.stream.send(&execapi.Event{
			Type: execapi.Event_KILL, Kill: &execapi.Event_Kill{TaskID: mesos.TaskID{Value: key.task}, KillPolicy: policy},
		})
	case !task.launched:
		e.queued = slices.DeleteFunc(e.queued, func(k taskKey) bool { return k == key })
		a.updateLocked(key, a.agentStatus(task, mesos.TASK_KILLED, mesos.REASON_TASK_KILLED_DURING_LAUNCH,
			"A kill was requested before the task was delivered to its executor"))
		if len(e.queued) == 0 && e.stream == nil {
			e.killLocked()
		}
	}
}

// shutdownFrameworkLocked ends all executors of a framework that the master has removed. Nobody is left to hear of it.
func (a *Agent) shutdownFrameworkLocked(id string) {
	delete(a.frameworks, id)
	for key, task := range a.tasks {
		if key.framework == id {
			task.stopRetry()
			delete(a.tasks, key)
		}
	}
	for _, e := range a.executorsLocked() {
		if e.key.framework == id {
			e.shutdownLocked()
		}
	}
}
