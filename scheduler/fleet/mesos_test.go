package fleet_test

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"scaleio-framework/internal/core"
)

// mesos is a master with agents, as the core sees them: what it was told to
// do, what it would send by itself, what it sends again.
type mesos struct {
	agents     map[string]*mesosAgent
	tasks      map[string]*mesosTask
	offers     map[string]string // offer -> agent
	filters    map[string]time.Time
	subscribed bool
	// deaf counts the explicit questions that stay without an answer, as they
	// do after a failover of the master.
	deaf    int
	counter int
	// overlap names a launch beside a living task; doubled one whose id was used.
	overlap, doubled string
}

type mesosAgent struct {
	id, host   string
	lost, gone bool
	replaced   bool // the host has registered anew: this one never comes back
}

type mesosTask struct {
	id    string
	agent *mesosAgent
	lives bool
	seq   int
	last  string
	// queue are the updates that are not acknowledged; only the first is sent.
	queue []core.TaskUpdated
}

func newMesos(hosts ...string) *mesos {
	m := &mesos{
		agents:  make(map[string]*mesosAgent),
		tasks:   make(map[string]*mesosTask),
		offers:  make(map[string]string),
		filters: make(map[string]time.Time),
	}
	for _, host := range hosts {
		m.addAgent(host)
	}
	return m
}

func (m *mesos) next(kind string) string {
	m.counter++
	return fmt.Sprintf("%s%d", kind, m.counter)
}

func (m *mesos) addAgent(host string) {
	id := m.next("S")
	m.agents[id] = &mesosAgent{id: id, host: host}
}

// Lost implements coretest.Outside.
func (m *mesos) Lost() { m.subscribed = false }

// Perform implements coretest.Outside.
func (m *mesos) Perform(now time.Time, effect core.Effect) []core.Event {
	events := m.perform(now, effect)
	if m.subscribed {
		events = append(events, m.offer(now)...)
	}
	return events
}

func (m *mesos) perform(now time.Time, effect core.Effect) []core.Event {
	switch e := effect.(type) {
	case core.Subscribe:
		return m.subscribe(e.FrameworkID)
	case core.Accept:
		return m.accept(e)
	case core.Decline:
		for _, id := range e.OfferIDs {
			if agent, ok := m.offers[id]; ok {
				m.filters[agent] = now.Add(e.Refuse)
				delete(m.offers, id)
			}
		}
	case core.Revive:
		clear(m.filters)
	case core.Reconcile:
		return m.reconcile(e)
	case core.Acknowledge:
		task := m.tasks[e.TaskID]
		if task != nil && len(task.queue) > 0 && string(task.queue[0].UUID) == string(e.UUID) {
			task.queue = task.queue[1:]
			return m.send(task)
		}
	case core.Kill:
		if task := m.tasks[e.TaskID]; task != nil && task.lives {
			task.lives = false
			return m.update(task, "TASK_KILLED", nil)
		}
	}
	return nil
}

// subscribe voids the offers and sends again what is not acknowledged.
func (m *mesos) subscribe(id string) []core.Event {
	m.subscribed = true
	clear(m.offers)
	clear(m.filters)
	events := []core.Event{core.MesosSubscribed{FrameworkID: id, Master: "m1:5050"}}
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		events = append(events, m.send(m.tasks[id])...)
	}
	return events
}

func (m *mesos) offer(now time.Time) []core.Event {
	var offers []core.Offer
	open := make(map[string]bool)
	for _, agent := range m.offers {
		open[agent] = true
	}
	for _, id := range slices.Sorted(maps.Keys(m.agents)) {
		agent := m.agents[id]
		if agent.lost || agent.gone || open[id] || now.Before(m.filters[id]) {
			continue
		}
		offer := core.Offer{ID: m.next("o"), AgentID: id, Hostname: agent.host, CPUs: 4, MemoryMB: 8192}
		m.offers[offer.ID] = id
		offers = append(offers, offer)
	}
	if len(offers) == 0 {
		return nil
	}
	return []core.Event{core.OffersReceived{Offers: offers}}
}

func (m *mesos) accept(e core.Accept) []core.Event {
	if m.tasks[e.Launch.TaskID] != nil {
		m.doubled = e.Launch.TaskID
	}
	agent, valid := m.offers[e.Launch.OfferID]
	if !valid || !m.subscribed {
		return []core.Event{core.TaskUpdated{
			TaskID: e.Launch.TaskID, AgentID: e.Launch.AgentID,
			State: "TASK_DROPPED", Source: "SOURCE_MASTER", Reason: "REASON_INVALID_OFFERS",
		}}
	}
	for _, task := range m.tasks {
		if task.lives && task.agent.host == e.Host {
			m.overlap = e.Launch.TaskID + " beside " + task.id
		}
	}
	delete(m.offers, e.Launch.OfferID)
	task := &mesosTask{id: e.Launch.TaskID, agent: m.agents[agent], lives: true}
	m.tasks[task.id] = task
	return m.inventory(task)
}

func (m *mesos) inventory(task *mesosTask) []core.Event {
	task.seq++
	return m.update(task, "TASK_RUNNING", fmt.Appendf(nil, `{"v":1,"epoch":1,"seq":%d,"inventory":{"hostname":%q,`+
		`"machine_id":"m","os":{"id":"centos","version":"7","family":"rpm"},"kernel":"%d","address":"10.0.0.1","public_key":%q}}`,
		task.seq, task.agent.host, task.seq, "key of "+task.id))
}

// update queues a status update of the agent.
func (m *mesos) update(task *mesosTask, state string, data []byte) []core.Event {
	task.last = state
	task.queue = append(task.queue, core.TaskUpdated{
		TaskID: task.id, AgentID: task.agent.id, ExecutorID: "scaleio-" + task.agent.host,
		State: state, Source: "SOURCE_EXECUTOR", UUID: []byte(m.next("u")), Data: data,
	})
	if len(task.queue) > 1 {
		return nil
	}
	return m.send(task)
}

func (m *mesos) send(task *mesosTask) []core.Event {
	if len(task.queue) == 0 || !m.subscribed || task.agent.lost || task.agent.gone {
		return nil
	}
	return []core.Event{task.queue[0]}
}

func (m *mesos) reconcile(e core.Reconcile) []core.Event {
	if !m.subscribed {
		return []core.Event{core.CallRefused{Effect: e, Err: "403 Framework is not subscribed"}}
	}
	var events []core.Event
	if len(e.Tasks) == 0 {
		for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
			if m.tasks[id].lives {
				events = append(events, m.status(id, m.tasks[id].agent.id))
			}
		}
		return events
	}
	if m.deaf > 0 {
		m.deaf--
		return nil
	}
	for _, ref := range e.Tasks {
		events = append(events, m.status(ref.TaskID, ref.AgentID))
	}
	return events
}

func (m *mesos) status(id, agentID string) core.Event {
	status := core.TaskUpdated{TaskID: id, AgentID: agentID, Source: "SOURCE_MASTER", Reason: "REASON_RECONCILIATION"}
	task := m.tasks[id]
	switch {
	case task == nil:
		status.State = "TASK_UNKNOWN"
	case task.agent.gone:
		status.State = "TASK_GONE_BY_OPERATOR"
	case task.agent.lost:
		status.State = "TASK_UNREACHABLE"
	case task.lives:
		status.State = "TASK_RUNNING"
	case len(task.queue) > 0:
		status.State = task.last
	default:
		status.State = "TASK_UNKNOWN"
	}
	return status
}
