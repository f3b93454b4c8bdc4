package mesostest

import (
	"fmt"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

// acceptLocked uses offers to launch tasks. What is wrong with a task is told by an UPDATE, never by the HTTP status.
func (c *Cluster) acceptLocked(m *master, f *framework, call *scheduler.Call_Accept) {
	var (
		agent *Agent
		first *offer
		free  mesos.Resources
		wrong string
	)
	for _, id := range call.OfferIDs {
		o := m.offers[id.Value]
		switch {
		case o == nil || o.framework != f.id:
			wrong = fmt.Sprintf("Offer %s is no longer valid", id.Value)
			continue
		case agent != nil && agent != o.agent:
			wrong = "Aggregated offers must belong to one single agent. Offer " + id.Value + " uses another one"
		case first == nil:
			first, agent = o, o.agent
		}
		delete(m.offers, o.id)
		free.Add(o.resources.Clone()...)
	}
	if len(call.OfferIDs) == 0 {
		wrong = "No offers specified"
	}
	for _, op := range call.Operations {
		if op.Type != mesos.Offer_Operation_LAUNCH || op.Launch == nil {
			c.log.Warn("operation ignored, the double knows only LAUNCH", "operation", op.Type.String())
			continue
		}
		for i := range op.Launch.TaskInfos {
			task := &op.Launch.TaskInfos[i]
			if wrong != "" {
				state := lostOr(f.info, mesos.TASK_DROPPED)
				c.masterUpdateLocked(f, masterStatus(task.TaskID, &task.AgentID, state, mesos.REASON_INVALID_OFFERS,
					"Task launched with invalid offers: "+wrong))
				continue
			}
			c.launchLocked(m, f, first, task, &free)
		}
	}
	if first != nil && wrong == "" {
		c.refuseLocked(f, first, free, call.Filters)
	}
	c.allocateLocked()
}

// launchLocked validates one task, takes its resources from free and hands it to the agent.
func (c *Cluster) launchLocked(m *master, f *framework, o *offer, task *mesos.TaskInfo, free *mesos.Resources) {
	need, text := c.validateTaskLocked(m, f, o, task, *free)
	if text != "" {
		c.masterUpdateLocked(f, masterStatus(task.TaskID, &task.AgentID, mesos.TASK_ERROR, mesos.REASON_TASK_INVALID, text))
		return
	}
	free.Subtract(need...)
	allocate(task.Resources, o.role)
	executor := task.TaskID.Value
	if task.Executor != nil {
		executor = task.Executor.ExecutorID.Value
		task.Executor.FrameworkID = &mesos.FrameworkID{Value: f.id}
		if task.Executor.Type == mesos.ExecutorInfo_UNKNOWN {
			task.Executor.Type = mesos.ExecutorInfo_CUSTOM
		}
		allocate(task.Executor.Resources, o.role)
		nameVariableTypes(task.Executor.Command)
	}
	nameVariableTypes(task.Command)
	key := taskKey{f.id, task.TaskID.Value}
	m.agents[o.agent.id].tasks[key] = &masterTask{
		info: *task, executor: executor,
		status: mesos.TaskStatus{TaskID: task.TaskID, AgentID: &task.AgentID, State: mesos.TASK_STAGING.Enum()},
	}
	c.counters.launches[task.TaskID.Value]++
	c.log.Info("task launched", "task_id", task.TaskID.Value, "framework_id", f.id, "agent_id", o.agent.id)
	o.agent.launchLocked(f, task)
}

// nameVariableTypes fills the type that a master adds to environment variables.
func nameVariableTypes(command *mesos.CommandInfo) {
	if command == nil || command.Environment == nil {
		return
	}
	for i := range command.Environment.Variables {
		if v := &command.Environment.Variables[i]; v.Type == nil {
			v.Type = mesos.Environment_Variable_VALUE.Enum()
		}
	}
}

// validateTaskLocked returns what the task takes from the offer, or the text of a TASK_ERROR.
func (c *Cluster) validateTaskLocked(m *master, f *framework, o *offer, task *mesos.TaskInfo, free mesos.Resources) (
	mesos.Resources, string,
) {
	if text := validateID(task.TaskID.Value); text != "" {
		return nil, text
	}
	if (task.Command == nil) == (task.Executor == nil) {
		return nil, "Task should have at least one (but not both) of CommandInfo or ExecutorInfo present"
	}
	if task.AgentID.Value != o.agent.id {
		return nil, fmt.Sprintf("Task uses invalid agent %s while agent %s is expected", task.AgentID.Value, o.agent.id)
	}
	for _, record := range m.agents {
		if record.unreachable == nil && record.tasks[taskKey{f.id, task.TaskID.Value}] != nil {
			return nil, "Task has duplicate ID: " + task.TaskID.Value
		}
	}
	if len(task.Resources) == 0 {
		return nil, "Task uses no resources"
	}
	need := plain(task.Resources)
	if task.Executor != nil {
		text, extra := o.agent.validateExecutorLocked(f, task.Executor)
		if text != "" {
			return nil, text
		}
		need.Add(extra...)
	}
	if !contains(free, need) {
		return nil, fmt.Sprintf("Total resources %s required by task and its executor is more than available %s",
			describe(need, o.role), describe(free, o.role))
	}
	return need, ""
}
