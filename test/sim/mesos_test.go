package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
)

// retryAfter is how long a Mesos agent waits for an acknowledgement.
const retryAfter = 10 * time.Second

// mesos is a master with one agent on each host.
type mesos struct {
	w          *world
	subscribed *term
	suppressed bool
	agents     map[string]*mesosAgent // by agent id
	tasks      map[string]*task
	offers     map[string]string // offer -> agent id
	filters    map[string]time.Time
	counter    int
	// launches are all launches that a process came of.
	launches map[string]int // by host
}

type mesosAgent struct {
	id string
	*host
	used resources
	// lost agents are out of the master's reach.
	lost bool
	gone bool // an operator said so
}

type resources struct{ cpus, mem float64 }

type task struct {
	id    string
	agent *mesosAgent
	lives bool
	need  resources
	last  string
	// queue are the updates that are not acknowledged; only the first is sent.
	queue []core.TaskUpdated
}

func newMesos(w *world) *mesos {
	return &mesos{
		w: w, agents: make(map[string]*mesosAgent), tasks: make(map[string]*task), offers: make(map[string]string),
		filters: make(map[string]time.Time), launches: make(map[string]int),
	}
}

func (m *mesos) next(kind string) string {
	m.counter++
	return fmt.Sprintf("%s%d", kind, m.counter)
}

func (m *mesos) addAgent(host string) {
	m.agents["S-"+host] = &mesosAgent{id: "S-" + host, host: m.w.hosts[host]}
}

func (m *mesos) agentIDs() []string { return sortedKeys(m.agents) }

// send gives an event to whoever is subscribed.
func (m *mesos) send(event core.Event) {
	if m.subscribed != nil {
		m.w.deliver(m.subscribed, event)
	}
}

// subscribe takes the stream from whoever has it: the other one is told that
// the framework failed over, and tries again after a second (R7).
func (m *mesos) subscribe(t *term, id string) {
	if t.dead {
		return
	}
	if known := m.w.intents.framework; id != known {
		m.w.violate("subscription as %s, the committed framework id is %s", id, known)
	}
	if old := m.subscribed; old != nil && old != t {
		m.w.note("Mesos: term %d takes the subscription of term %d", t.epoch, old.epoch)
		m.w.deliver(old, core.MesosDisconnected{Reason: "Framework failed over"})
		m.again(old, time.Second)
	}
	m.subscribed = t
	clear(m.offers)
	clear(m.filters)
	m.suppressed = false
	m.w.deliver(t, core.MesosSubscribed{FrameworkID: id, Master: "m1:5050"})
	for _, id := range sortedKeys(m.tasks) {
		m.sendFirst(m.tasks[id])
	}
	m.offer()
}

// hangUp notices that a leader's connection broke.
func (m *mesos) hangUp(t *term) {
	if m.subscribed == t {
		m.subscribed = nil
		clear(m.offers)
	}
}

// failover replaces the master; the leader's client subscribes again.
func (m *mesos) failover() {
	if t := m.subscribed; t != nil {
		m.w.deliver(t, core.MesosDisconnected{Reason: "EOF"})
		m.hangUp(t)
		m.again(t, 500*time.Millisecond)
	}
}

// again lets a leader's client subscribe once more. Whoever has a fence proves
// that it holds before (R7).
func (m *mesos) again(t *term, after time.Duration) {
	m.w.after(after, func() {
		switch {
		case t.dead || m.subscribed == t:
		case t.affirm != nil:
			t.affirm()
		default:
			m.subscribe(t, m.w.intents.framework)
		}
	})
}

func (m *mesos) perform(t *term, effect core.Effect) {
	switch e := effect.(type) {
	case core.Accept:
		m.accept(e)
	case core.Decline:
		m.decline(e)
	case core.Revive:
		clear(m.filters)
		m.suppressed = false
		m.offer()
	case core.Suppress:
		if !m.w.paused {
			m.w.violate("term %d suppresses offers although nobody paused it", t.epoch)
		}
		m.suppressed = true
	case core.Reconcile:
		m.reconcile(e)
	case core.Acknowledge:
		m.acknowledge(e)
	case core.Kill:
		if task := m.tasks[e.TaskID]; task != nil && task.lives {
			m.w.violate("%s is killed while it lives", e.TaskID)
			task.agent.stop()
			m.end(task, "TASK_KILLED")
		}
	}
}

func (m *mesos) decline(e core.Decline) {
	for _, id := range e.OfferIDs {
		if agent, ok := m.offers[id]; ok {
			m.filters[agent] = time.Now().Add(e.Refuse)
			delete(m.offers, id)
			m.w.after(e.Refuse+time.Millisecond, m.offer)
		}
	}
}

// offer offers what is free, to nobody twice.
func (m *mesos) offer() {
	if m.subscribed == nil {
		return
	}
	out := make(map[string]bool)
	for _, agent := range m.offers {
		out[agent] = true
	}
	var offers []core.Offer
	for _, id := range m.agentIDs() {
		agent := m.agents[id]
		if out[id] || agent.lost || m.suppressed || time.Now().Before(m.filters[id]) {
			continue
		}
		o := core.Offer{ID: m.next("o"), AgentID: id, Hostname: agent.name, CPUs: agent.cpus - agent.used.cpus, MemoryMB: agent.mem - agent.used.mem}
		m.offers[o.ID] = id
		offers = append(offers, o)
	}
	if len(offers) > 0 {
		m.send(core.OffersReceived{Offers: offers})
	}
}

// accept launches on an offer that is still out.
func (m *mesos) accept(e core.Accept) {
	id, valid := m.offers[e.Launch.OfferID]
	if m.subscribed == nil {
		return // 403, and nobody hears of it
	}
	if !valid {
		m.send(core.TaskUpdated{
			TaskID: e.Launch.TaskID, AgentID: e.Launch.AgentID,
			State: "TASK_DROPPED", Source: "SOURCE_MASTER", Reason: "REASON_INVALID_OFFERS",
		})
		return
	}
	agent := m.agents[id]
	delete(m.offers, e.Launch.OfferID)
	if m.tasks[e.Launch.TaskID] != nil {
		m.w.violate("task id %s is used twice", e.Launch.TaskID)
	}
	for _, id := range sortedKeys(m.tasks) {
		other := m.tasks[id]
		if other.lives && other.agent == agent {
			m.w.violate("%s is launched beside %s", e.Launch.TaskID, other.id)
		}
	}
	k := &task{id: e.Launch.TaskID, agent: agent, lives: true, need: resources{e.Launch.CPUs, e.Launch.MemoryMB}}
	m.tasks[k.id] = k
	agent.used = k.need
	m.launches[agent.name]++
	m.w.after(5*time.Millisecond, func() {
		if agent.lost {
			k.lives = false // the launch never reaches it
			return
		}
		agent.start(k)
	})
}

// update queues a status update of a task and sends it when it is the first.
func (m *mesos) update(k *task, state string, envelope *nodeproto.Envelope) {
	var data []byte
	if envelope != nil {
		data = m.encode(*envelope)
	}
	k.last = state
	u := core.TaskUpdated{
		TaskID: k.id, AgentID: k.agent.id, ExecutorID: "scaleio-" + k.agent.name,
		State: state, Source: "SOURCE_EXECUTOR", UUID: []byte(m.next("u")), Data: data,
	}
	k.queue = append(k.queue, u)
	m.w.intents.told(string(u.UUID), k.agent.name, envelope)
	if len(k.queue) == 1 {
		m.sendFirst(k)
	}
}

func (m *mesos) encode(e nodeproto.Envelope) []byte {
	data, err := json.Marshal(e)
	if err != nil {
		m.w.violate("encode: %v", err)
	}
	return data
}

// sendFirst sends what waits for an acknowledgement, and again until it comes.
func (m *mesos) sendFirst(k *task) {
	if len(k.queue) == 0 || k.agent.deaf || k.agent.lost {
		return
	}
	first := k.queue[0]
	m.send(first)
	m.w.after(retryAfter, func() {
		if len(k.queue) > 0 && string(k.queue[0].UUID) == string(first.UUID) {
			m.sendFirst(k)
		}
	})
}

func (m *mesos) acknowledge(e core.Acknowledge) {
	k := m.tasks[e.TaskID]
	if k == nil || len(k.queue) == 0 || string(k.queue[0].UUID) != string(e.UUID) {
		return
	}
	k.queue = k.queue[1:]
	m.sendFirst(k)
}

// end notes that a task's process ended.
func (m *mesos) end(k *task, state string) {
	k.lives = false
	k.agent.used = resources{}
	m.send(core.AgentFailed{AgentID: k.agent.id, ExecutorID: "scaleio-" + k.agent.name, Status: 9})
	m.update(k, state, nil)
	m.offer()
}

// message brings a command to a node agent, or loses it.
func (m *mesos) message(t *term, e core.SendCommand) {
	agent := m.agents[e.Address.AgentID]
	if agent == nil || agent.deaf || agent.lost || agent.task == nil {
		return
	}
	command := e.Command
	command.V, command.Epoch = nodeproto.Version, t.epoch
	agent.take(command, e.Address.PublicKey, len(e.Secrets) > 0)
}

// say brings a node agent's message to the leader, or loses it.
func (m *mesos) say(h *host, e nodeproto.Envelope) {
	if h.task == nil || h.deaf || h.task.agent.lost {
		return
	}
	m.send(core.MessageReceived{AgentID: h.task.agent.id, ExecutorID: "scaleio-" + h.name, Data: m.encode(e)})
}

func (m *mesos) reconcile(e core.Reconcile) {
	if len(e.Tasks) == 0 {
		for _, id := range sortedKeys(m.tasks) {
			if m.tasks[id].lives {
				m.send(m.status(id, m.tasks[id].agent.id))
			}
		}
		return
	}
	for _, ref := range e.Tasks {
		m.send(m.status(ref.TaskID, ref.AgentID))
	}
}

func (m *mesos) status(id, agentID string) core.Event {
	s := core.TaskUpdated{TaskID: id, AgentID: agentID, State: "TASK_UNKNOWN", Source: "SOURCE_MASTER", Reason: "REASON_RECONCILIATION"}
	k := m.tasks[id]
	switch {
	case k == nil:
	case k.agent.gone:
		s.State, s.Reason = "TASK_GONE_BY_OPERATOR", "REASON_AGENT_REMOVED_BY_OPERATOR"
	case k.agent.lost:
		s.State, s.Reason = "TASK_UNREACHABLE", "REASON_RECONCILIATION"
	case k.lives && k.agent.task == k:
		s.State = "TASK_RUNNING"
	case k.lives:
		s.State = "TASK_STAGING"
	case len(k.queue) > 0:
		s.State = k.last
	}
	return s
}

// unacknowledged are the tasks with updates that nobody confirmed.
func (m *mesos) unacknowledged() []string {
	var ids []string
	for id, k := range m.tasks {
		if len(k.queue) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}
