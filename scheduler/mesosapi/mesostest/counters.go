package mesostest

import (
	"maps"
	"slices"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// counters survive master failovers.
type counters struct {
	subscribes int
	launches   map[string]int
}

func newCounters() counters { return counters{launches: map[string]int{}} }

// Subscribes counts the SUBSCRIBE calls of schedulers that were accepted.
func (c *Cluster) Subscribes() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counters.subscribes
}

// Launches counts, by task id, the launches that passed validation and went to an agent.
func (c *Cluster) Launches() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.counters.launches)
}

// TaskView is what an agent holds of a task.
type TaskView struct {
	Framework, Agent, Hostname, Executor, Name, ID string
	// State is the last state that the executor, or the agent for it, reported.
	State mesos.TaskState
	// Unacknowledged counts the status updates that the scheduler has yet to acknowledge.
	Unacknowledged int
}

// Tasks lists the tasks on all agents, ended ones only until their last update is acknowledged; ordered by agent and task.
func (c *Cluster) Tasks() []TaskView {
	c.mu.Lock()
	defer c.mu.Unlock()
	var views []TaskView
	for _, agent := range c.agents {
		keys := slices.SortedFunc(maps.Keys(agent.tasks), compareKeys)
		for _, key := range keys {
			task := agent.tasks[key]
			views = append(views, TaskView{
				Framework: key.framework, Agent: agent.id, Hostname: agent.opts.Hostname, Executor: task.executor.id,
				Name: task.info.Name, ID: key.task, State: task.state(), Unacknowledged: len(task.pending),
			})
		}
	}
	return views
}

// Unacknowledged counts the status updates of a task id that no scheduler has acknowledged yet.
func (c *Cluster) Unacknowledged(task string) int {
	n := 0
	for _, view := range c.Tasks() {
		if view.ID == task {
			n += view.Unacknowledged
		}
	}
	return n
}

// FrameworkView is what the leading master knows of a framework.
type FrameworkView struct {
	ID, Name  string
	Connected bool
}

// Frameworks lists the frameworks that the leading master knows, ordered by id.
func (c *Cluster) Frameworks() []FrameworkView {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.master == nil {
		return nil
	}
	var views []FrameworkView
	for _, id := range slices.Sorted(maps.Keys(c.master.frameworks)) {
		f := c.master.frameworks[id]
		views = append(views, FrameworkView{ID: id, Name: f.info.Name, Connected: f.stream != nil})
	}
	return views
}
