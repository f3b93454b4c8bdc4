package fleet_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/internal/coretest"
)

// placement wants a node agent on every host it hears of, and says so again at
// the start of a term, as bootstrap does.
type placement struct{ known map[string]bool }

func (*placement) Name() string { return "placement" }

func (p *placement) Load(stored leader.Snapshot) (map[string]error, error) {
	p.known = make(map[string]bool)
	for path := range stored {
		if host, ok := strings.CutPrefix(path, "/nodes/"); ok {
			p.known[host] = true
		}
	}
	return nil, nil
}

func (p *placement) Apply(_ time.Time, event core.Event, out *core.Output) {
	switch e := event.(type) {
	case core.TermStarted:
		for _, host := range slices.Sorted(maps.Keys(p.known)) {
			out.Tell(core.HostWanted{Host: host, Persona: model.Storage, CPUs: 1, MemoryMB: 512})
		}
	case core.HostSeen:
		out.Tell(core.HostWanted{Host: e.Host, Persona: model.Storage, CPUs: 1, MemoryMB: 512})
	}
}

// history is one run: the core, the simulated Mesos, and what must hold.
type history struct {
	t        coretest.T
	chaos    *coretest.Chaos
	mesos    *mesos
	accepted map[string]bool
	up       map[string]bool
}

func newHistory(t coretest.T) *history {
	h := &history{t: t, mesos: newMesos("a", "b", "c"), accepted: make(map[string]bool), up: make(map[string]bool)}
	h.chaos = &coretest.Chaos{
		World: coretest.NewWorld(t, func() []core.Core {
			clear(h.up)
			return []core.Core{newFleet(t), &placement{}}
		}),
		Outside: h.mesos,
		Check:   h.check,
	}
	h.chaos.Start()
	return h
}

func (h *history) node(host string) model.Node {
	var node model.Node
	require.NoError(h.t, json.Unmarshal(h.chaos.World.Stored()["/nodes/"+host].Data, &node))
	return node
}

// check holds each unit against the rules.
func (h *history) check(unit coretest.Unit) {
	for _, change := range unit.Changes {
		require.NotEqual(h.t, string(change.Before), string(change.After), "%s: %s is stored unchanged", unit.Event, change.Path)
	}
	var acknowledged []string
	for _, effect := range unit.Effects {
		switch e := effect.(type) {
		case core.Accept:
			require.False(h.t, h.accepted[e.Launch.TaskID], "task id %s is used twice", e.Launch.TaskID)
			h.accepted[e.Launch.TaskID] = true
			require.Equal(h.t, *h.node(e.Host).Launch, e.Launch, "a launch without its record")
		case core.Subscribe:
			require.Contains(h.t, string(h.chaos.World.Stored()["/framework"].Data), `"id": "`+e.FrameworkID+`"`)
			require.Equal(h.t, "entropy-1-scaleio", e.FrameworkID, "the id of the first term stays")
		case core.Acknowledge:
			acknowledged = append(acknowledged, string(e.UUID))
		}
	}
	var due []string
	if update, ok := unit.Event.(core.TaskUpdated); ok && len(update.UUID) > 0 {
		due = []string{string(update.UUID)}
	}
	require.Equal(h.t, due, acknowledged, "%s", unit.Event)
	for _, event := range unit.Told {
		switch e := event.(type) {
		case core.NodeUp:
			h.up[e.Host] = true
			require.Equal(h.t, "key of "+h.node(e.Host).Launch.TaskID, e.Address.PublicKey, "a key of another process")
		case core.NodeDown:
			require.True(h.t, h.up[e.Host], "%s is told down and was not up", e.Host)
			h.up[e.Host] = false
		}
	}
}

func (h *history) checkMesos() {
	require.Empty(h.t, h.mesos.overlap, "a launch beside a living task")
	require.Empty(h.t, h.mesos.doubled, "a task id was used again")
}

// fault does one random thing to the simulated Mesos.
func (h *history) fault(t *rapid.T) {
	m := h.mesos
	ids := slices.Sorted(maps.Keys(m.agents))
	agent := m.agents[rapid.SampledFrom(ids).Draw(t, "agent")]
	var task *mesosTask
	for _, candidate := range m.tasks {
		if candidate.agent == agent && candidate.lives {
			task = candidate
		}
	}
	switch what := rapid.IntRange(0, 9).Draw(t, "fault"); {
	case agent.gone:
	case what == 0 && !agent.lost:
		h.chaos.Post(m.lose(agent)...)
	case what == 1 && agent.lost && !agent.replaced:
		h.chaos.Post(m.heal(agent)...)
	case what == 2 && !agent.replaced:
		h.chaos.Post(m.reboot(agent)...)
	case what == 3 && agent.replaced:
		h.chaos.Post(m.markGone(agent)...)
	case what == 4:
		h.chaos.Post(m.failover()...)
	case task == nil:
	case what == 5:
		h.chaos.Post(m.exit(task)...)
	case what == 6:
		h.chaos.Post(m.inventory(task)...)
	case what == 7:
		h.chaos.Post(m.update(task, "TASK_RUNNING", []byte(`{"v":9}`))...)
	case what == 8 && !agent.lost:
		h.chaos.Post(core.MessageReceived{
			AgentID: agent.id, ExecutorID: "scaleio-" + agent.host, Data: []byte(`{"v":1,"epoch":1,"seq":9,"alive":{}}`),
		})
	}
}

// rest heals everything, lets ten minutes pass, less than any long filter or
// question about all tasks takes, and looks at the end.
func (h *history) rest() {
	m := h.mesos
	for _, id := range slices.Sorted(maps.Keys(m.agents)) {
		agent := m.agents[id]
		switch {
		case agent.gone || !agent.lost:
		case agent.replaced:
			h.chaos.Post(m.markGone(agent)...)
		default:
			h.chaos.Post(m.heal(agent)...)
		}
	}
	h.chaos.Settle(10 * time.Minute)
	h.checkMesos()
	living := make(map[string]string)
	for _, id := range slices.Sorted(maps.Keys(m.tasks)) {
		task := m.tasks[id]
		if !task.agent.gone {
			require.Empty(h.t, task.queue, "updates of %s are not acknowledged", id)
		}
		if task.lives {
			require.Empty(h.t, living[task.agent.host], "two tasks live on %s", task.agent.host)
			living[task.agent.host] = id
		}
	}
	for _, host := range []string{"a", "b", "c"} {
		node := h.node(host)
		require.Equal(h.t, model.TaskRunning, node.State, "%s: %+v", host, node)
		require.Equal(h.t, node.Launch.TaskID, living[host], host)
		require.Equal(h.t, "key of "+living[host], node.Inventory.PublicKey)
		require.True(h.t, h.up[host], "%s is not told up", host)
	}
}

// Whatever is lost, doubled or late: one node agent a host, no task id twice,
// every update acknowledged, no effect without its record, and in the end all
// run.
func TestEveryHistoryEndsWithOneNodeAgentAHost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t)
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			if rapid.IntRange(0, 7).Draw(t, "kind") == 0 {
				h.fault(t)
			} else {
				h.chaos.Step(t)
			}
			h.checkMesos()
		}
		h.rest()
	})
}

// A leader that dies at any event, with any part of its last effects
// performed, leaves a record from which the next one comes to the same end.
func TestACrashAtEachEventComesToTheSameEnd(t *testing.T) {
	for died := 0; ; died++ {
		for performed := range 3 {
			h := newHistory(t)
			for range died {
				if len(h.chaos.Pending) == 0 {
					break
				}
				event := h.chaos.Pending[0]
				h.chaos.Pending = h.chaos.Pending[1:]
				h.chaos.Deliver(event, -1)
			}
			if len(h.chaos.Pending) == 0 {
				require.Greater(t, died, 5, "the history is too short to prove anything")
				return
			}
			event := h.chaos.Pending[0]
			h.chaos.Deliver(event, performed)
			h.chaos.Start()
			h.rest()
			for _, host := range []string{"a", "b", "c"} {
				require.LessOrEqual(t, h.node(host).Launch.Number, 2, "a crash costs at most the launch that was not made")
			}
		}
	}
}
