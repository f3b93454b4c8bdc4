package mesostest

import (
	"fmt"
	"syscall"
	"time"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// commandKillGrace lies between SIGTERM and SIGKILL for a command task, as in Mesos without a kill policy.
const commandKillGrace = 3 * time.Second

// A command task brings a command in place of an executor. Mesos runs its own executor for it; here the agent reports.

func (e *executor) commandTaskLocked() (taskKey, *agentTask) {
	key := taskKey{e.key.framework, e.id}
	return key, e.agent.tasks[key]
}

func (e *executor) commandUpdateLocked(state mesos.TaskState, text *string) {
	key, task := e.commandTaskLocked()
	if task == nil {
		return
	}
	id := uuid.New()
	e.agent.updateLocked(key, mesos.TaskStatus{
		TaskID: task.info.TaskID, State: state.Enum(), Message: text, Source: mesos.SOURCE_EXECUTOR.Enum(),
		AgentID: &mesos.AgentID{Value: e.agent.id}, ExecutorID: &mesos.ExecutorID{Value: e.id}, Timestamp: ptr(now()),
		UUID: id[:], ContainerStatus: e.containerStatusLocked(),
	})
}

func (e *executor) commandStartedLocked() {
	if _, task := e.commandTaskLocked(); task != nil {
		task.launched = true
	}
	e.commandUpdateLocked(mesos.TASK_STARTING, nil)
	e.commandUpdateLocked(mesos.TASK_RUNNING, nil)
}

func (e *executor) commandExitedLocked(raw int32) {
	status := syscall.WaitStatus(raw)
	switch {
	case status.Signaled() && e.terminating:
		name := map[syscall.Signal]string{syscall.SIGTERM: "Terminated", syscall.SIGKILL: "Killed"}[status.Signal()]
		e.commandUpdateLocked(mesos.TASK_KILLED, ptr("Command terminated with signal "+name))
	case status.Signaled():
		e.commandUpdateLocked(mesos.TASK_FAILED, ptr(fmt.Sprintf("Command terminated with signal %s", status.Signal())))
	case e.terminating:
		e.commandUpdateLocked(mesos.TASK_KILLED, ptr(fmt.Sprintf("Command exited with status %d", status.ExitStatus())))
	case status.ExitStatus() == 0:
		e.commandUpdateLocked(mesos.TASK_FINISHED, ptr("Command exited with status 0"))
	default:
		e.commandUpdateLocked(mesos.TASK_FAILED, ptr(fmt.Sprintf("Command exited with status %d", status.ExitStatus())))
	}
}

func (e *executor) killCommandLocked(task *agentTask) {
	if e.terminating {
		return
	}
	e.terminating = true
	if f := e.agent.frameworks[e.key.framework]; f != nil && capable(f, mesos.FrameworkInfo_Capability_TASK_KILLING_STATE) &&
		task.launched {
		e.commandUpdateLocked(mesos.TASK_KILLING, nil)
	}
	if e.process == nil {
		e.killLocked()
		return
	}
	e.process.signal(syscall.SIGTERM)
	e.timer = e.agent.cluster.after(commandKillGrace, e.killLocked)
}
