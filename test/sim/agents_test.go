package sim_test

import (
	"fmt"
	"time"

	"scaleio-framework/internal/core"
)

// agentOf is the agent that a host has now.
func (m *mesos) agentOf(host string) *mesosAgent {
	var found *mesosAgent
	for _, id := range m.agentIDs() {
		if m.agents[id].name == host { // a later id sorts behind
			found = m.agents[id]
		}
	}
	return found
}

// tasksOf are the ids of an agent's tasks.
func (m *mesos) tasksOf(agent *mesosAgent) []string {
	var ids []string
	for _, id := range sortedKeys(m.tasks) {
		if m.tasks[id].agent == agent {
			ids = append(ids, id)
		}
	}
	return ids
}

// rescind withdraws what is offered of an agent.
func (m *mesos) rescind(agent *mesosAgent) {
	for _, id := range sortedKeys(m.offers) {
		if m.offers[id] == agent.id {
			delete(m.offers, id)
			m.send(core.OfferRescinded{OfferID: id})
		}
	}
}

// fromMaster tells of an agent's tasks; such updates are not acknowledged.
func (m *mesos) fromMaster(agent *mesosAgent, state, reason string) {
	for _, id := range m.tasksOf(agent) {
		if m.tasks[id].lives {
			m.send(core.TaskUpdated{TaskID: id, AgentID: agent.id, State: state, Source: "SOURCE_MASTER", Reason: reason})
		}
	}
}

// lose separates an agent from the master for a while; what runs there runs on.
func (m *mesos) lose(host string, while time.Duration) {
	agent := m.agentOf(host)
	if agent.lost {
		return
	}
	m.w.note("host %s: the master loses its agent for %s", host, while)
	agent.lost = true
	m.rescind(agent)
	m.fromMaster(agent, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED")
	m.send(core.AgentFailed{AgentID: agent.id})
	m.w.after(while, func() { m.find(agent) })
}

func (m *mesos) find(agent *mesosAgent) {
	m.w.note("host %s: its agent is back", agent.name)
	agent.lost = false
	m.fromMaster(agent, "TASK_RUNNING", "REASON_AGENT_REREGISTERED")
	for _, id := range m.tasksOf(agent) {
		k := m.tasks[id]
		if !k.lives && len(k.queue) == 0 {
			// The master learns that the agent has never had it, or no more.
			m.send(core.TaskUpdated{TaskID: id, AgentID: agent.id, State: "TASK_DROPPED", Source: "SOURCE_MASTER", Reason: "REASON_RECONCILIATION"})
		}
		m.sendFirst(k)
	}
	m.offer()
}

// reboot ends what runs on a host; its agent comes back under another id, and
// what the old one had not delivered is lost with it.
func (m *mesos) reboot(host string, down time.Duration) {
	agent := m.agentOf(host)
	if agent.lost {
		return
	}
	m.w.note("host %s reboots, it is down for %s", host, down)
	agent.lost = true
	agent.stop()
	m.w.system.back(agent.host)
	m.rescind(agent)
	m.w.after(down, func() {
		m.w.note("host %s is up again", host)
		m.fromMaster(agent, "TASK_UNREACHABLE", "REASON_AGENT_REMOVED")
		for _, id := range m.tasksOf(agent) {
			m.tasks[id].lives, m.tasks[id].queue = false, nil
		}
		m.send(core.AgentFailed{AgentID: agent.id})
		fresh := &mesosAgent{id: fmt.Sprintf("S-%s-%d", host, len(m.agents)), host: agent.host}
		m.agents[fresh.id] = fresh
		m.offer()
		m.w.after(goneAfter, func() {
			m.w.note("operator marks the agent %s as gone", agent.id)
			agent.gone = true
			for _, id := range m.tasksOf(agent) {
				m.send(m.status(id, agent.id))
			}
		})
	})
}

// goneAfter is when an operator tells Mesos that a rebooted host's old agent
// does not come back; until then the scheduler must wait for it.
const goneAfter = 25 * time.Second
