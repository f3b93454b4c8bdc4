package fleet_test

import (
	"maps"
	"slices"

	"scaleio-framework/internal/core"
)

// fromMaster makes an update without uuid for the tasks of an agent that the
// master believes to live.
func (m *mesos) fromMaster(agent *mesosAgent, state, reason string, living bool) []core.Event {
	var events []core.Event
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		if task := m.tasks[id]; task.agent == agent && (task.lives || !living) && m.subscribed {
			events = append(events, core.TaskUpdated{
				TaskID: id, AgentID: agent.id, State: state, Source: "SOURCE_MASTER", Reason: reason,
			})
		}
	}
	return events
}

func (m *mesos) rescind(agent *mesosAgent) []core.Event {
	var events []core.Event
	for _, id := range slices.Sorted(maps.Keys(m.offers)) {
		if m.offers[id] == agent.id {
			delete(m.offers, id)
			events = append(events, core.OfferRescinded{OfferID: id})
		}
	}
	return events
}

// lose cuts an agent off; what runs there runs on.
func (m *mesos) lose(agent *mesosAgent) []core.Event {
	agent.lost = true
	events := m.rescind(agent)
	events = append(events, m.fromMaster(agent, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", true)...)
	return append(events, core.AgentFailed{AgentID: agent.id})
}

// heal brings a lost agent back.
func (m *mesos) heal(agent *mesosAgent) []core.Event {
	agent.lost = false
	events := m.fromMaster(agent, "TASK_RUNNING", "REASON_AGENT_REREGISTERED", true)
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		if m.tasks[id].agent == agent {
			events = append(events, m.send(m.tasks[id])...)
		}
	}
	return events
}

// reboot ends what runs on a host; its agent registers with another id, while
// the master still waits for the old one.
func (m *mesos) reboot(agent *mesosAgent) []core.Event {
	for _, task := range m.tasks {
		if task.agent == agent {
			task.lives, task.queue = false, nil
		}
	}
	events := m.rescind(agent)
	if !agent.lost {
		agent.lost = true
		events = append(events, m.fromMaster(agent, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED", false)...)
	}
	agent.replaced = true
	m.addAgent(agent.host)
	return append(events, core.AgentFailed{AgentID: agent.id})
}

// markGone is the operator's word that an agent never comes back.
func (m *mesos) markGone(agent *mesosAgent) []core.Event {
	agent.gone = true
	return m.fromMaster(agent, "TASK_GONE_BY_OPERATOR", "REASON_AGENT_REMOVED_BY_OPERATOR", false)
}

// exit ends an executor.
func (m *mesos) exit(task *mesosTask) []core.Event {
	task.lives = false
	events := []core.Event{core.AgentFailed{AgentID: task.agent.id, ExecutorID: "scaleio-" + task.agent.host, Status: 768}}
	return append(events, m.update(task, "TASK_FAILED", nil)...)
}

// failover replaces the master.
func (m *mesos) failover() []core.Event {
	m.deaf = 2
	events := []core.Event{core.MesosDisconnected{Reason: "EOF"}}
	if m.subscribed {
		events = append(events, m.subscribe("entropy-1-scaleio")...)
	}
	return events
}
