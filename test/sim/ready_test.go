package sim_test

import (
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth/growthtest"
)

// readied holds the world in which three hosts were installed, as a template.
var readied *world

// prepare installs the template, outside of any bubble.
func prepare(t *testing.T) {
	t.Helper()
	if readied != nil {
		return
	}
	synctest.Test(t, func(t *testing.T) {
		w := run(fresh, scenario{})
		if len(w.wrong) > 0 {
			t.Fatal(w.tell())
		}
		w.begun = time.Now() // when it ended
		readied = w
	})
}

// inherit takes over what an installed world has made. Records hold times, so
// the new world goes on when the old one ended.
func (w *world) inherit(from *world) {
	if w.keeper == nil {
		w.store.Elect("installer", nil) // its epoch is in the hosts' memory
		for path, entry := range from.tree() {
			if path != leader.PathVersion && path != leader.PathEpoch {
				w.store.Put(path, entry.Data)
			}
		}
	}
	w.intents.inherit(from.intents)
	w.system.inherit(from.system)
	w.cloud.SDSs = maps.Clone(from.cloud.SDSs)
	for key, pool := range from.cloud.Pools {
		w.cloud.Pools[key] = &growthtest.Pool{Domain: pool.Domain, Name: pool.Name, Spare: pool.Spare, Devices: slices.Clone(pool.Devices)}
	}
	for _, name := range from.hostNames() {
		w.hosts[name].inherit(from.hosts[name])
	}
	w.mesos.counter = from.mesos.counter
	w.changed = true
}

func (i *intents) inherit(from *intents) {
	i.framework, i.members = from.framework, slices.Clone(from.members)
	i.launches, i.keys = maps.Clone(from.launches), maps.Clone(from.keys)
	i.begun, i.over = maps.Clone(from.begun), maps.Clone(from.over)
	i.steps, i.ends, i.ranTo = maps.Clone(from.steps), maps.Clone(from.ends), maps.Clone(from.ranTo)
}

func (s *system) inherit(from *system) {
	s.members, s.mode, s.name = maps.Clone(from.members), from.mode, from.name
	s.objects, s.made, s.removed = maps.Clone(from.objects), maps.Clone(from.made), maps.Clone(from.removed)
}

// inherit takes over a host with the node agent that runs on it.
func (h *host) inherit(from *host) {
	h.epoch, h.boot, h.seq = from.epoch, from.boot, from.seq
	h.journal, h.executed = maps.Clone(from.journal), maps.Clone(from.executed)
	h.failed, h.effects = maps.Clone(from.failed), maps.Clone(from.effects)
	m := h.w.mesos
	m.launches[h.name] = 1
	agent := m.agents["S-"+h.name]
	k := &task{id: from.task.id, agent: agent, lives: true, need: from.task.need, last: from.task.last}
	m.tasks[k.id], agent.used, h.task = k, k.need, k
	h.alive(k)
}
