package mesostest

import (
	"net/http"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	execapi "github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// handleExecutor serves one request to the agent's executor API.
func (a *Agent) handleExecutor(w http.ResponseWriter, r *http.Request) {
	call := &execapi.Call{}
	_, refused := readCall(w, r, call)
	if refused == nil {
		refused = validateExecutorCall(call)
	}
	if refused != nil {
		refused.write(w)
		return
	}
	if call.Type == execapi.Call_SUBSCRIBE {
		a.handleExecutorSubscribe(w, r, call)
		return
	}
	if refused = a.dispatch(call); refused != nil {
		refused.write(w)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func validateExecutorCall(call *execapi.Call) *refusal {
	invalid := func(text string) *refusal { return badRequest("Failed to validate executor::Call: %s", text) }
	switch {
	case call.Type == execapi.Call_UNKNOWN:
		return invalid("Expecting 'type' to be present")
	case call.Type == execapi.Call_SUBSCRIBE && call.Subscribe == nil:
		return invalid("Expecting 'subscribe' to be present")
	case call.Type == execapi.Call_UPDATE && call.Update == nil:
		return invalid("Expecting 'update' to be present")
	case call.Type == execapi.Call_UPDATE && len(call.Update.Status.UUID) != 16:
		return invalid("Expecting 'uuid' to be present and a valid UUID")
	case call.Type == execapi.Call_UPDATE && call.Update.Status.GetSource() != mesos.SOURCE_EXECUTOR:
		return invalid("Received Call from executor " + call.ExecutorID.Value + " of framework " + call.FrameworkID.Value +
			" with invalid source, expecting 'SOURCE_EXECUTOR'")
	case call.Type == execapi.Call_MESSAGE && call.Message == nil:
		return invalid("Expecting 'message' to be present")
	}
	return nil
}

// lookupLocked finds the executor that a call comes from.
func (a *Agent) lookupLocked(call *execapi.Call) (*executor, *refusal) {
	e := a.executors[executorKey{call.FrameworkID.Value, call.ExecutorID.Value}]
	switch {
	case a.frameworks[call.FrameworkID.Value] == nil && e == nil:
		return nil, badRequest("Framework cannot be found")
	case e == nil || e.command:
		return nil, badRequest("Executor cannot be found")
	}
	return e, nil
}

// handleExecutorSubscribe keeps the executor's stream; it has no heartbeats and no stream id.
func (a *Agent) handleExecutorSubscribe(w http.ResponseWriter, r *http.Request, call *execapi.Call) {
	media, refused := acceptable(r)
	if refused != nil {
		refused.write(w)
		return
	}
	c := a.cluster
	s := newStream("", media)
	c.mu.Lock()
	e, refused := a.lookupLocked(call)
	if refused == nil {
		e.subscribeLocked(s, call)
	}
	c.mu.Unlock()
	if refused != nil {
		refused.write(w)
		return
	}
	s.serve(w, r, 0, nil)
	c.mu.Lock()
	if e.stream == s {
		e.stream = nil
	}
	c.mu.Unlock()
}

// subscribeLocked attaches a stream to the executor, first or again, and settles what either side missed.
func (e *executor) subscribeLocked(s *stream, call *execapi.Call) {
	a := e.agent
	if e.stream != nil {
		e.stream.end()
	}
	e.stream = s
	if e.timer != nil && !e.terminating {
		e.timer.Stop()
	}
	info, framework := clone(e.info), a.frameworks[e.key.framework]
	if framework == nil {
		framework = &mesos.FrameworkInfo{ID: &mesos.FrameworkID{Value: e.key.framework}}
	}
	s.send(&execapi.Event{Type: execapi.Event_SUBSCRIBED, Subscribed: &execapi.Event_Subscribed{
		ExecutorInfo: *info, FrameworkInfo: *framework, AgentInfo: a.infoLocked(), ContainerID: &mesos.ContainerID{Value: e.container},
	}})
	a.cluster.log.Info("executor subscribed", "executor_id", e.id, "hostname", a.opts.Hostname)
	if e.terminating {
		s.send(&execapi.Event{Type: execapi.Event_SHUTDOWN})
		return
	}
	listed := map[string]bool{}
	for _, task := range call.Subscribe.UnacknowledgedTasks {
		listed[task.TaskID.Value] = true
	}
	for _, update := range call.Subscribe.UnacknowledgedUpdates {
		listed[update.Status.TaskID.Value] = true
		e.updateLocked(update.Status)
	}
	// A task that was on its way when the agent went down, and that the executor does not know of, never arrived.
	for _, key := range e.taskKeysLocked() {
		task := a.tasks[key]
		if a.recovery != nil && task.launched && task.last == nil && !listed[key.task] {
			a.updateLocked(key, a.agentStatus(task, lostOr(framework, mesos.TASK_DROPPED), mesos.REASON_AGENT_RESTARTED,
				"Task launched during agent restart"))
		}
	}
	for _, key := range e.queued {
		e.deliverLocked(key)
	}
	e.queued = nil
	a.recoveredLocked()
}

func (a *Agent) dispatch(call *execapi.Call) *refusal {
	c := a.cluster
	c.mu.Lock()
	defer c.mu.Unlock()
	e, refused := a.lookupLocked(call)
	if refused != nil {
		return refused
	}
	if e.stream == nil {
		return forbidden("Executor is not subscribed")
	}
	switch call.Type {
	case execapi.Call_UPDATE:
		e.updateLocked(call.Update.Status)
	case execapi.Call_MESSAGE:
		e.frameworkMessageLocked(call.Message.Data)
	default:
		return &refusal{status: http.StatusNotImplemented, text: "mesostest does not implement " + call.Type.String()}
	}
	return nil
}

// updateLocked takes an executor's update and tells it that the agent has it safely.
func (e *executor) updateLocked(status mesos.TaskStatus) {
	a := e.agent
	status = *clone(&status)
	id := status.UUID
	status.AgentID = &mesos.AgentID{Value: a.id}
	status.ExecutorID = &mesos.ExecutorID{Value: e.id}
	if status.Timestamp == nil {
		status.Timestamp = ptr(now())
	}
	status.ContainerStatus = e.containerStatusLocked()
	a.updateLocked(taskKey{e.key.framework, status.TaskID.Value}, status)
	if e.stream != nil {
		e.stream.send(&execapi.Event{Type: execapi.Event_ACKNOWLEDGED, Acknowledged: &execapi.Event_Acknowledged{
			TaskID: status.TaskID, UUID: id,
		}})
	}
}

func (e *executor) containerStatusLocked() *mesos.ContainerStatus {
	status := &mesos.ContainerStatus{
		ContainerID: &mesos.ContainerID{Value: e.container},
		NetworkInfos: []mesos.NetworkInfo{{IPAddresses: []mesos.NetworkInfo_IPAddress{{
			Protocol: mesos.IPv4.Enum(), IPAddress: &e.agent.opts.IP,
		}}}},
	}
	if e.process != nil {
		status.ExecutorPID = ptr(uint32(e.process.pid))
	}
	return status
}

// frameworkMessageLocked passes an executor's message on, or loses it.
func (e *executor) frameworkMessageLocked(data []byte) {
	a := e.agent
	m := a.cluster.master
	if m == nil || m.agents[a.id] == nil || !m.agents[a.id].active {
		return
	}
	if f := m.frameworks[e.key.framework]; f != nil {
		f.send(&scheduler.Event{Type: scheduler.Event_MESSAGE, Message: &scheduler.Event_Message{
			AgentID: mesos.AgentID{Value: a.id}, ExecutorID: mesos.ExecutorID{Value: e.id}, Data: data,
		}})
	}
}
