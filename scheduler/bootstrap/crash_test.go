package bootstrap_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/internal/coretest"
)

// ending is what must be the same whatever happened on the way.
type ending struct {
	Cluster model.Cluster
	Plans   map[string]model.NodePlan
	States  map[string]string

	Members  []string
	Mode     string
	Created  int
	SDS      map[string]string
	Devices  map[string]string
	Spare    map[string]int
	Restarts []string
}

func (st *stage) ending() ending {
	cluster, plans := st.records()
	e := ending{
		Cluster: *cluster, Plans: make(map[string]model.NodePlan), States: make(map[string]string),
		Members: slices.Sorted(slices.Values(st.site.members)), Mode: st.site.mode, Created: st.site.created,
		SDS: st.site.sds, Devices: st.site.devices, Spare: st.site.spare, Restarts: slices.Sorted(slices.Values(st.site.restarts)),
	}
	for key, step := range cluster.Steps {
		e.States[key] = string(step.State) + " " + step.Reason
	}
	for host, plan := range plans {
		for key, step := range plan.Steps {
			e.States[host+"/"+key] = string(step.State) + " " + step.Reason
		}
		plan.Steps = nil
		e.Plans[host] = *plan
	}
	// Drawn from the term's entropy, or a time.
	e.Cluster.UUID, e.Cluster.Placed, e.Cluster.Steps = "", time.Time{}, nil
	return e
}

// moment is where a leader dies: before the commit of a unit, or after it with
// some of its effects performed.
type moment struct{ unit, performed int }

const beforeCommit = -1

// dieAt runs a whole bootstrap with one crash and returns how it ended, and the
// number of effects of each unit.
func dieAt(t *testing.T, at *moment) (*stage, []int) {
	s := newSite("a", "b", "c")
	st := newStage(t, options(), s)
	st.Check = nil // the histories that are not told here check each unit
	var effects []int
	st.Start()
	for n := 0; len(st.Pending) > 0; n++ {
		event := st.Pending[0]
		st.Pending = st.Pending[1:]
		st.World.Now = st.World.Now.Add(time.Millisecond)
		if at != nil && n == at.unit {
			if at.performed != beforeCommit {
				st.Deliver(event, at.performed)
			}
			st.Start()
			continue
		}
		unit := st.World.Apply(event)
		effects = append(effects, len(unit.Effects))
		for _, effect := range unit.Effects {
			st.Post(s.Perform(st.World.Now, effect)...)
		}
	}
	st.Settle(time.Minute)
	require.Empty(t, s.violations)
	return st, effects
}

// The leader is killed before and after each commit and each effect of a whole
// bootstrap: the end is the same, and nothing is done twice.
func TestTheEndIsTheSameWhereverTheLeaderDies(t *testing.T) {
	t.Parallel()
	baseline, effects := dieAt(t, nil)
	require.True(t, baseline.view().Complete)
	want := baseline.ending()
	require.Greater(t, len(effects), 90)
	// Another share of the deaths each time, where not all are tried; the
	// failure names its death, which a run without the race detector repeats.
	deaths, offset := 0, rand.IntN(stride)
	t.Logf("every death whose number is %d modulo %d", offset, stride)
	for unit, count := range effects {
		for performed := beforeCommit; performed <= count; performed++ {
			if deaths++; deaths%stride != offset {
				continue
			}
			st, _ := dieAt(t, &moment{unit, performed})
			require.Equal(t, want, st.ending(), "death in unit %d after %d effects", unit, performed)
			require.Len(t, st.site.volumes, 1)
		}
	}
}

// witness remembers every effect that was committed.
type witness struct {
	*site
	released []core.Effect
}

func (w *witness) Perform(now time.Time, effect core.Effect) []core.Event {
	switch effect.(type) {
	case core.SendCommand, core.GatewayCall:
		w.released = append(w.released, effect)
	}
	return w.site.Perform(now, effect)
}

// A paused ex-leader may perform any committed effect at any later time (R10):
// whatever it does, and whatever comes of it, the end is the same.
func TestCommittedEffectsMayBePerformedLater(t *testing.T) {
	t.Parallel()
	baseline, _ := dieAt(t, nil)
	want := baseline.ending()
	rapid.Check(t, func(t *rapid.T) {
		st := newStage(t, options(), newSite("a", "b", "c"))
		w := &witness{site: st.site}
		st.Outside = w
		st.Start()
		for range rapid.IntRange(0, 150).Draw(t, "units") {
			if len(st.Pending) == 0 {
				break
			}
			event := st.Pending[0]
			st.Pending = st.Pending[1:]
			st.World.Now = st.World.Now.Add(time.Millisecond)
			st.Deliver(event, -1)
			if len(w.released) > 0 && rapid.IntRange(0, 4).Draw(t, "wakes") == 0 {
				old := w.released[rapid.IntRange(0, len(w.released)-1).Draw(t, "which")]
				st.Post(st.site.Perform(st.World.Now, old)...)
			}
		}
		st.Settle(2 * time.Minute)
		for _, old := range slices.Clone(w.released) {
			st.Post(st.site.Perform(st.World.Now, old)...)
		}
		st.Settle(2 * time.Minute)
		require.Equal(t, want, st.ending())
	})
}

// Events are doubled, delayed and reordered, steps fail or are interrupted at
// random, leaders die: the system is built all the same.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	baseline, _ := dieAt(t, nil)
	want := baseline.ending()
	rapid.Check(t, func(t *rapid.T) {
		o := options()
		o.MaxFailures = 1000 // random failures shall not end in stuck
		o.ReplaceAfter = 24 * time.Hour
		st := newStage(t, o, newSite("a", "b", "c"))
		failures := rapid.SliceOfN(rapid.IntRange(0, 9), 50, 50).Draw(t, "failures")
		calls := 0
		st.site.faulty = func(string, string, int) *nodeproto.Report {
			calls++
			if calls > len(failures) || failures[calls-1] > 1 {
				return nil
			}
			return &nodeproto.Report{State: nodeproto.Failed, Error: "bad luck", Interrupted: failures[calls-1] == 0}
		}
		st.Start()
		for range rapid.IntRange(20, 120).Draw(t, "steps") {
			st.Step(t)
		}
		st.Start()
		st.Settle(time.Hour)
		require.Equal(t, want, st.ending())
		require.Empty(t, st.site.violations)
	})
}

// A thousand hosts that may start a step at once do so in many small commits.
func TestManyHostsAreServedInSmallUnits(t *testing.T) {
	t.Parallel()
	s := newSite()
	for i := range manyHosts {
		s.add(fmt.Sprintf("h%03d", i), nil)
	}
	o := options()
	o.Settle = time.Second
	o.Isolator = "none"
	st := newStage(t, o, s)
	largest := 0
	st.Check = func(u coretest.Unit) {
		size := 0
		for _, change := range u.Changes {
			size += len(change.After)
		}
		largest = max(largest, size)
		require.LessOrEqual(t, len(u.Changes), 40)
	}
	st.install()
	require.Less(t, largest, 400<<10)
	view := st.view()
	require.True(t, view.Complete, "%v", view.Counts)
	require.Equal(t, 10, s.spare["default"])
	require.Len(t, slices.Collect(maps.Keys(s.devices)), manyHosts)
}
