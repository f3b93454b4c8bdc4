package storagegrowth_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

const uuid = "11111111-2222-3333-4444-555555555555"

// stage runs the core as the engine does, without an engine: changes of a unit
// are stored, then its effects are performed, then what came of them waits.
type stage struct {
	t       require.TestingT
	options storagegrowth.Options
	site    *growthtest.Site
	core    *storagegrowth.Core
	now     time.Time
	stored  leader.Snapshot
	timers  map[string]time.Time
	pending []core.Event
	// released are all effects on the world that were committed, ever.
	released []core.Effect
	// performs says whether an effect is performed, and whether its answer
	// comes; nil performs all.
	performs func(core.Effect) (done, answered bool)
	units    int
}

func options() storagegrowth.Options {
	o := storagegrowth.DefaultOptions()
	o.Policy.For = 2 * time.Minute
	return o
}

func newStage(t require.TestingT, s *growthtest.Site, o storagegrowth.Options) *stage {
	st := &stage{t: t, options: o, site: s, now: time.Date(2026, 3, 1, 6, 0, 0, 0, time.UTC), stored: leader.Snapshot{}}
	cluster := model.Cluster{UUID: uuid, SystemName: "s", Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}}
	data, err := model.Encode(cluster, nil)
	require.NoError(t, err)
	st.stored[leader.PathCluster] = leader.Entry{Data: data}
	return st
}

// start begins a term; what was on its way to the old leader is lost.
func (st *stage) start() {
	st.load()
	st.pending = append(st.site.NodesUp(), st.pending...)
}

func (st *stage) load() {
	c, err := storagegrowth.New(st.options)
	require.NoError(st.t, err)
	st.core, st.timers, st.pending = c, make(map[string]time.Time), nil
	unreadable, err := c.Load(maps.Clone(st.stored))
	require.NoError(st.t, err)
	require.Empty(st.t, unreadable)
	st.deliver(core.TermStarted{Epoch: 1})
}

func (st *stage) post(events ...core.Event) { st.pending = append(st.pending, events...) }

// apply decides on an event and stores what it changes.
func (st *stage) apply(event core.Event) []core.Effect {
	st.units++
	var out core.Output
	st.core.Apply(st.now, event, &out)
	size := 0
	for _, change := range out.Changes {
		if change.Record == nil {
			delete(st.stored, change.Path)
			continue
		}
		data, err := model.Encode(change.Record, nil)
		require.NoError(st.t, err, change.Path)
		size += len(data)
		if id, ok := strings.CutPrefix(change.Path, leader.PathGrowth+"/"); ok {
			_, err := model.Decode[model.Growth](data)
			require.NoError(st.t, err, "growth %s", id)
		}
		if change.Path == storagegrowth.PathTotals {
			requireNoLess(st.t, st.view().Totals, storagegrowth.Describe(leader.Snapshot{change.Path: {Data: data}}).Totals)
		}
		st.stored[change.Path] = leader.Entry{Data: data, Version: st.stored[change.Path].Version + 1}
	}
	require.Less(st.t, size, 480<<10, "a unit fits into one commit")
	for _, e := range out.Effects {
		if timer, ok := e.(core.Timer); ok {
			st.timers[timer.Key] = st.now.Add(timer.After)
		}
	}
	st.checkIntents(out.Effects)
	return out.Effects
}

// checkIntents finds for every effect the record that says it.
func (st *stage) checkIntents(effects []core.Effect) {
	for _, effect := range effects {
		call, ok := effect.(core.CloudCall)
		if !ok || call.Op == core.CloudLook || strings.HasPrefix(call.Growth, "orphans/") {
			continue
		}
		g := st.growth(call.Growth)
		require.NotNil(st.t, g, "%s", call)
		s := g.Slots[call.Slot]
		switch call.Op {
		case core.CloudCreate:
			require.Equal(st.t, s.Request, call.Request)
			require.Equal(st.t, model.SlotPlanned, s.State)
		case core.CloudAttach:
			require.False(st.t, s.Detaching, "a volume with a detach intent is never attached again")
			require.Equal(st.t, []string{s.VolumeID, s.InstanceID, s.Device}, []string{call.VolumeID, call.InstanceID, call.Device})
		case core.CloudDetach:
			require.True(st.t, s.Detaching)
		case core.CloudDelete:
			require.Equal(st.t, model.SlotRollingBack, s.State)
		}
	}
}

func (st *stage) perform(effect core.Effect) {
	done, answered := true, true
	switch effect.(type) {
	case core.Timer:
		return
	case core.CloudCall, core.GatewayCall:
		st.released = append(st.released, effect)
	}
	if st.performs != nil {
		done, answered = st.performs(effect)
	}
	if !done {
		return
	}
	events := st.site.Perform(st.now, effect)
	if answered {
		st.post(events...)
	}
}

func (st *stage) deliver(event core.Event) {
	for _, effect := range st.apply(event) {
		st.perform(effect)
	}
	require.Empty(st.t, st.site.Violations)
}

// next delivers what waits, or fires the next timer up to a time; false when
// there is nothing.
func (st *stage) next(until time.Time) (core.Event, bool) {
	if len(st.pending) > 0 {
		event := st.pending[0]
		st.pending = st.pending[1:]
		return event, true
	}
	key := ""
	for _, k := range slices.Sorted(maps.Keys(st.timers)) {
		if key == "" || st.timers[k].Before(st.timers[key]) {
			key = k
		}
	}
	if key == "" || st.timers[key].After(until) {
		return nil, false
	}
	if at := st.timers[key]; at.After(st.now) {
		st.now = at
	}
	delete(st.timers, key)
	return core.TimerFired{Key: key}, true
}

// run lets time pass.
func (st *stage) run(d time.Duration) {
	until := st.now.Add(d)
	for n := 0; ; n++ {
		require.Less(st.t, n, 20_000, "it never comes to rest")
		event, ok := st.next(until)
		if !ok {
			st.now = until
			return
		}
		st.deliver(event)
	}
}

func (st *stage) growths() []*model.Growth {
	var all []*model.Growth
	for _, path := range slices.Sorted(maps.Keys(st.stored)) {
		if id, ok := strings.CutPrefix(path, leader.PathGrowth+"/"); ok {
			all = append(all, st.growth(id))
		}
	}
	return all
}

func (st *stage) growth(id string) *model.Growth {
	entry, ok := st.stored[leader.PathGrowth+"/"+id]
	if !ok {
		return nil
	}
	g, err := model.Decode[model.Growth](entry.Data)
	require.NoError(st.t, err)
	return g
}

func (st *stage) view() storagegrowth.View { return storagegrowth.Describe(st.stored) }

// order gives an order and lets a minute pass; it returns the reason of its
// refusal.
func (st *stage) order(seq string, order model.Order) string {
	raw, err := json.Marshal(order)
	require.NoError(st.t, err)
	path := leader.PathOrders + "/" + seq
	st.stored[path] = leader.Entry{Data: raw}
	st.post(core.OrderReceived{Path: path, Raw: raw})
	st.run(time.Minute)
	require.NotContains(st.t, st.stored, path)
	entry, ok := st.stored[leader.PathOrdersRefused+"/"+seq]
	if !ok {
		return ""
	}
	var refused model.RefusedOrder
	require.NoError(st.t, json.Unmarshal(entry.Data, &refused))
	require.NotEmpty(st.t, refused.Reason)
	return refused.Reason
}
