package mesostest

import (
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	execapi "github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// defaultGrace is how long an executor may take over SHUTDOWN when its ExecutorInfo does not say.
const defaultGrace = 5 * time.Second

// executor is one executor on an agent, from its launch to the exit of its process.
type executor struct {
	agent     *Agent
	key       executorKey
	id        string
	info      *mesos.ExecutorInfo
	role      string
	container string
	dir       string
	order     int
	// command is set for a task that brings a command in place of an executor: the agent then reports for it.
	command bool

	process *process
	stream  *stream
	queued  []taskKey
	// terminating executors take no tasks; a gone one belongs to a host that was killed, and nobody hears of it.
	terminating, gone bool
	timer             *time.Timer
	cancelFetch       func()
	// reason and message are those of the updates when the process ends.
	reason  mesos.TaskStatus_Reason
	message string
}

// validateExecutorLocked returns an error text, or what the executor takes beside the task: nothing when it runs already.
func (a *Agent) validateExecutorLocked(f *framework, info *mesos.ExecutorInfo) (string, mesos.Resources) {
	if text := validateID(info.ExecutorID.Value); text != "" {
		return text, nil
	}
	if info.FrameworkID != nil && info.FrameworkID.Value != f.id {
		return "ExecutorInfo has an invalid FrameworkID (Actual: " + info.FrameworkID.Value + " vs Expected: " + f.id + ")", nil
	}
	if info.Command == nil {
		return "'ExecutorInfo.command' must be set for 'CUSTOM' executor", nil
	}
	existing := a.executors[executorKey{f.id, info.ExecutorID.Value}]
	if existing == nil {
		return "", plain(info.Resources)
	}
	if !sameExecutor(existing.info, info) {
		return "Task has invalid ExecutorInfo (existing ExecutorInfo with same ExecutorID is not compatible).", nil
	}
	return "", nil
}

// sameExecutor compares what the framework wrote, without what the master fills in.
func sameExecutor(a, b *mesos.ExecutorInfo) bool {
	strip := func(info *mesos.ExecutorInfo) *mesos.ExecutorInfo {
		info = clone(info)
		info.FrameworkID, info.Type, info.Resources = nil, mesos.ExecutorInfo_CUSTOM, plain(info.Resources)
		nameVariableTypes(info.Command)
		return info
	}
	return strip(a).Equal(strip(b))
}

// launchLocked takes a task from the master, to its executor or to a new one.
func (a *Agent) launchLocked(f *framework, info *mesos.TaskInfo) {
	a.frameworks[f.id] = f.info
	key := taskKey{f.id, info.TaskID.Value}
	task := &agentTask{info: *clone(info), seen: map[string]bool{}}
	a.tasks[key] = task
	name := info.TaskID.Value
	if info.Executor != nil {
		name = info.Executor.ExecutorID.Value
	}
	e := a.executors[executorKey{f.id, name}]
	if e == nil {
		e = a.newExecutorLocked(f, name, &task.info)
	}
	task.executor = e
	switch {
	case e.terminating:
		a.updateLocked(key, a.agentStatus(task, lostOr(f.info, mesos.TASK_DROPPED), mesos.REASON_EXECUTOR_TERMINATED, "Executor terminating"))
	case e.stream != nil:
		e.deliverLocked(key)
	default:
		e.queued = append(e.queued, key)
	}
}

func (a *Agent) newExecutorLocked(f *framework, name string, task *mesos.TaskInfo) *executor {
	c := a.cluster
	e := &executor{
		agent: a, key: executorKey{f.id, name}, id: name, info: task.Executor, container: uuid.NewString(),
		reason: mesos.REASON_EXECUTOR_TERMINATED, message: "Executor terminated", order: len(a.executors),
		role: task.Resources[0].AllocationInfo.GetRole(),
	}
	for _, other := range a.executors {
		e.order = max(e.order, other.order+1)
	}
	if e.info == nil {
		e.command = true
		e.info = &mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: name}, Command: task.Command}
	}
	e.dir = filepath.Join(a.dir, "slaves", a.id, "frameworks", f.id, "executors", name, "runs", e.container)
	a.executors[e.key] = e
	c.goLocked(e.run)
	return e
}

// run is the life of the executor's container: fetch, start, wait, report.
func (e *executor) run() {
	c := e.agent.cluster
	if text := e.prepare(); text != "" {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.launchFailedLocked("Failed to launch container: " + text)
		return
	}
	c.mu.Lock()
	gone := e.gone
	environment := e.environmentLocked()
	c.mu.Unlock()
	if gone {
		return
	}
	p, err := e.startProcess(e.info.Command, environment)
	if err != nil {
		// A real agent's launch helper runs already, and exits with status 1 when it cannot execute the command.
		appendLine(filepath.Join(e.dir, "stderr"), "Failed to execute command: "+err.Error())
		p, err = e.startProcess(&mesos.CommandInfo{Value: ptr("exit 1")}, environment)
	}
	if err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		e.launchFailedLocked("Failed to launch container: " + err.Error())
		return
	}
	c.mu.Lock()
	e.startedLocked(p)
	c.mu.Unlock()
	p.awaitExit()
	c.mu.Lock()
	// From here on nobody signals the process group: its number may be given to others.
	e.process = nil
	p.kill()
	c.mu.Unlock()
	status := p.reap()
	c.mu.Lock()
	defer c.mu.Unlock()
	e.exitedLocked(status)
}

// startedLocked notes the process, which may have become unwanted meanwhile.
func (e *executor) startedLocked(p *process) {
	c := e.agent.cluster
	e.process = p
	if e.gone || e.terminating || c.state != clusterRunning {
		e.killLocked()
		return
	}
	if e.command {
		e.commandStartedLocked()
		return
	}
	e.timer = c.after(c.opts.ExecutorRegistrationTimeout, func() {
		if e.stream == nil && e.process != nil && !e.terminating {
			e.reason = mesos.REASON_EXECUTOR_REGISTRATION_TIMEOUT
			e.message = "Executor did not register within " + mesosDuration(c.opts.ExecutorRegistrationTimeout)
			e.killLocked()
		}
	})
}

// deliverLocked sends a task to the executor.
func (e *executor) deliverLocked(key taskKey) {
	task := e.agent.tasks[key]
	if task == nil {
		return
	}
	task.launched = true
	e.stream.send(&execapi.Event{Type: execapi.Event_LAUNCH, Launch: &execapi.Event_Launch{Task: task.info}})
}

// exitedLocked reports the end of the executor's process: a FAILURE, then the failure of its tasks.
func (e *executor) exitedLocked(status int32) {
	a, c := e.agent, e.agent.cluster
	if e.timer != nil {
		e.timer.Stop()
	}
	if e.stream != nil {
		e.stream.end()
	}
	if e.gone || c.state != clusterRunning {
		return
	}
	delete(a.executors, e.key)
	c.log.Info("executor exited", "executor_id", e.id, "hostname", a.opts.Hostname, "status", status)
	if e.command {
		e.commandExitedLocked(status)
		c.allocateLocked()
		return
	}
	e.failureLocked(status)
	e.failTasksLocked(mesos.TASK_FAILED, e.reason, e.message)
	a.recoveredLocked()
	c.allocateLocked()
}

// launchFailedLocked reports a container that never ran.
func (e *executor) launchFailedLocked(text string) {
	a := e.agent
	if e.gone || a.cluster.state != clusterRunning {
		return
	}
	delete(a.executors, e.key)
	if !e.command {
		// No process, no wait status: Mesos reports -1.
		e.failureLocked(-1)
	}
	e.failTasksLocked(mesos.TASK_FAILED, mesos.REASON_CONTAINER_LAUNCH_FAILED, text)
	a.cluster.allocateLocked()
}

func (e *executor) failureLocked(status int32) {
	m := e.agent.cluster.master
	if m == nil || m.agents[e.agent.id] == nil || !m.agents[e.agent.id].active {
		return
	}
	if f := m.frameworks[e.key.framework]; f != nil {
		f.send(&scheduler.Event{Type: scheduler.Event_FAILURE, Failure: &scheduler.Event_Failure{
			AgentID: &mesos.AgentID{Value: e.agent.id}, ExecutorID: &mesos.ExecutorID{Value: e.id}, Status: &status,
		}})
	}
}

func (e *executor) failTasksLocked(state mesos.TaskState, reason mesos.TaskStatus_Reason, text string) {
	for _, key := range e.taskKeysLocked() {
		if task := e.agent.tasks[key]; !terminal(task.state()) {
			e.agent.updateLocked(key, e.agent.agentStatus(task, state, reason, text))
		}
	}
}

func appendLine(path, line string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return
	}
	defer file.Close()
	_, _ = file.WriteString(line + "\n")
}
