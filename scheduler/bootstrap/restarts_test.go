package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/internal/coretest"
)

// filled is a pool that holds data.
func filled(change func(*core.PoolReading)) core.PoolReading {
	p := core.PoolReading{ProtectionDomain: "default", StoragePool: "default", Units: []core.FaultUnit{{Name: "u"}}}
	change(&p)
	return p
}

// No agent restarts while the redundancy is not known to be whole; when it is,
// all go on by themselves.
func TestNoAgentRestartsWithoutRedundancy(t *testing.T) {
	pools := func(change func(*core.PoolReading)) core.PoolsRead {
		return core.PoolsRead{Pools: []core.PoolReading{filled(change)}}
	}
	for name, c := range map[string]struct {
		reading core.PoolsRead
		why     string // empty: the agents restart
	}{
		"all is well":         {pools(func(*core.PoolReading) {}), ""},
		"copies are moved":    {pools(func(p *core.PoolReading) { p.Rebalancing = true }), ""},
		"an empty pool":       {core.PoolsRead{Pools: []core.PoolReading{{Implausible: "no capacity"}}}, ""},
		"copies are missing":  {pools(func(p *core.PoolReading) { p.Degraded = true }), "pool default/default is degraded"},
		"copies are made":     {pools(func(p *core.PoolReading) { p.Rebuilding = true }), "pool default/default rebuilds"},
		"senseless figures":   {pools(func(p *core.PoolReading) { p.Implausible = "less than zero" }), "pool default/default: less than zero"},
		"no gateway answers":  {core.PoolsRead{Err: "connection refused"}, "it cannot be read: connection refused"},
		"a MDM is missing":    {core.PoolsRead{MDM: "the MDM cluster is ClusteredDegraded"}, "the MDM cluster is ClusteredDegraded"},
		"no system installed": {core.PoolsRead{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newStage(t, options(), newSite("a", "b", "c"))
			st.site.reading = c.reading
			st.install()
			if c.why != "" {
				require.Empty(t, st.site.restarts)
				require.Equal(t, "waits until the redundancy is whole: "+c.why, st.step("a", nodeproto.StepAgentRestart).Reason)
				st.site.reading = core.PoolsRead{}
				st.Settle(time.Minute)
			}
			require.Equal(t, []string{"a", "b", "c"}, st.site.restarts)
			require.True(t, st.view().Complete)
			require.Empty(t, st.step("a", nodeproto.StepAgentRestart).Reason)
		})
	}
}

// The redundancy is read anew after each restart: one that took it away is the
// last.
func TestARestartThatCostsRedundancyIsTheLast(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.faulty = func(_, step string, _ int) *nodeproto.Report {
		if step == nodeproto.StepAgentRestart {
			st.site.reading = core.PoolsRead{Pools: []core.PoolReading{filled(func(p *core.PoolReading) { p.Degraded = true })}}
		}
		return nil
	}
	st.install()
	require.Equal(t, []string{"a"}, st.site.restarts)
	require.Equal(t, model.Pending, st.step("b", nodeproto.StepAgentRestart).State)
	require.Equal(t, model.Pending, st.step("c", nodeproto.StepAgentRestart).State)
}

// An answer to an earlier question, and one that nobody here asked for, allow
// nothing.
func TestOnlyTheAnswerToTheLastQuestionCounts(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.reading = core.PoolsRead{Err: "not now"}
	st.install()
	for _, asked := range []time.Time{{}, st.World.Now.Add(-time.Hour), st.World.Now.Add(time.Hour)} {
		st.Deliver(core.PoolsRead{Asked: asked}, -1)
		require.Empty(t, st.site.restarts)
	}
}

// Two members of the MDM cluster never restart at once, though they share a
// fault set.
func TestMembersInOneFaultSetRestartOneByOne(t *testing.T) {
	s := newSite()
	for name, set := range map[string]string{"a": "r1", "b": "r1", "c": "r2", "d": "r3"} {
		s.add(name, map[string]string{"scaleio-fault-set": set, "scaleio-persona": map[string]string{"a": "manager", "b": "manager", "c": "tie-breaker", "d": "storage"}[name]})
		s.slow[name+"/"+nodeproto.StepAgentRestart] = true
	}
	st := newStage(t, options(), s)
	st.install()
	require.Equal(t, model.Running, st.step("a", nodeproto.StepAgentRestart).State)
	require.Equal(t, model.Pending, st.step("b", nodeproto.StepAgentRestart).State)
	st.Post(core.NodeReported{Host: "a", Report: nodeproto.Report{Step: nodeproto.StepAgentRestart, Attempt: 1, State: nodeproto.Done}})
	st.Settle(time.Second)
	require.Equal(t, model.Running, st.step("b", nodeproto.StepAgentRestart).State)
}

// The host of the leading scheduler, known by its name or its address, goes
// last, and only under another leader.
func TestTheLeadersHostRestartsLastAfterAHandOver(t *testing.T) {
	for _, here := range []string{"a", "addr-a"} {
		t.Run(here, func(t *testing.T) {
			o := options()
			o.SchedulerHost = here
			st := newStage(t, o, newSite("a", "b", "c"))
			st.World = coretest.NewWorld(t, func() []core.Core { return cores(t, o)() })
			st.install()
			require.Equal(t, []string{"b", "c"}, st.site.restarts)
			require.Equal(t, 1, st.site.handedOver)
			require.Contains(t, st.step("a", nodeproto.StepAgentRestart).Reason, "another scheduler")
			o.SchedulerHost = "b"
			st.install()
			require.Equal(t, []string{"b", "c", "a"}, st.site.restarts)
			require.Equal(t, 1, st.site.handedOver, "the next leader's host was restarted before")
			require.True(t, st.view().Complete)
			_, plans := st.records()
			require.Nil(t, plans["a"].HandedOver)
		})
	}
}

// A scheduler without a standby elsewhere leads again on the same host: it
// hands over once, and a death between the record and the deed asks for no more.
func TestALoneSchedulerHandsOverOnce(t *testing.T) {
	o := options()
	o.SchedulerHost = "a"
	st := newStage(t, o, newSite("a", "b", "c"))
	st.install()
	require.Equal(t, 1, st.site.handedOver)
	st.install()
	require.Equal(t, 1, st.site.handedOver)
	require.Equal(t, []string{"b", "c", "a"}, st.site.restarts)
	require.True(t, st.view().Complete)
}

// A host that an operator has to look at, and one that is away without a part in
// the storage, do not keep the leader's waiting.
func TestTheLeadersHostDoesNotWaitForTheStuck(t *testing.T) {
	o := options()
	o.SchedulerHost = "a"
	o.MaxFailures = 1
	st := newStage(t, o, newSite("a", "b", "c", "d"))
	st.site.faulty = func(host, step string, _ int) *nodeproto.Report {
		if host == "d" && step == nodeproto.StepVolumeDriver {
			return &nodeproto.Report{State: nodeproto.Failed, Error: "no space"}
		}
		return nil
	}
	st.install()
	require.Equal(t, 1, st.site.handedOver)
	st.install()
	require.Equal(t, []string{"b", "c", "a"}, st.site.restarts)
}

// Whatever comes twice, late or not at all, and whoever dies in between: an
// agent restarts only on a good reading that was asked for after the end of the
// last restart.
func TestRestartsKeepTheRedundancyInAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSite("a", "b", "c", "d")
		o := options()
		o.SchedulerHost = rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "scheduler")
		st := newStage(t, o, s)
		watch := &redundancyWatch{stage: st}
		st.Outside = watch
		st.Check = func(u coretest.Unit) { st.check(u); watch.check(u) }
		st.Start()
		for range rapid.IntRange(0, 120).Draw(t, "steps") {
			s.reading.MDM = rapid.SampledFrom([]string{"", "", "the MDM cluster is ClusteredDegraded"}).Draw(t, "mdm")
			st.Step(t)
		}
		s.reading.MDM = ""
		st.Start()
		st.Settle(time.Hour)
		st.Start()
		st.Settle(time.Hour)
		require.True(t, st.view().Complete, "%v", st.view().Counts)
	})
}

// redundancyWatch sees what was read when, and when restarts began and ended.
type redundancyWatch struct {
	*stage
	good  time.Time // when the last good reading was asked for
	moved time.Time // when a restart last began or ended
}

func (w *redundancyWatch) Lost() {}

func (w *redundancyWatch) Perform(now time.Time, effect core.Effect) []core.Event {
	events := w.site.Perform(now, effect)
	if _, ok := effect.(core.ReadPools); ok && w.site.reading.MDM == "" {
		w.good = now
	}
	return events
}

func (w *redundancyWatch) check(u coretest.Unit) {
	for _, change := range u.Changes {
		before := w.steps(change.Path, change.Before)[nodeproto.StepAgentRestart]
		after := w.steps(change.Path, change.After)[nodeproto.StepAgentRestart]
		if after.Attempt > before.Attempt {
			require.False(w.t, w.good.IsZero(), "%s: restart on no good reading", change.Path)
			require.False(w.t, w.good.Before(w.moved), "%s: restart on a reading from before the last one", change.Path)
		}
		if after.State != before.State && after.Attempt > 0 {
			w.moved = w.World.Now
		}
	}
}

// An agent that refused its own flags in a removal was given ours again: once the
// cause is mended it can be given its own anew, which no other step of a removal
// that is done can be asked for.
func TestAnAgentThatRefusedItsOwnFlagsCanBeGivenThemAgain(t *testing.T) {
	s := newSite("a", "b", "c")
	st := newStage(t, options(), s)
	st.install()
	s.faulty = func(host, step string, attempt int) *nodeproto.Report {
		if host == "a" && step == nodeproto.StepRestoreAgent && attempt == 1 {
			return &nodeproto.Report{State: nodeproto.Failed, Error: "it was given the framework's again", Hopeless: true}
		}
		return nil
	}
	require.Empty(t, st.order("1", orderUninstall))
	st.Settle(time.Minute)
	require.Equal(t, model.Stuck, st.step("a", nodeproto.StepRestoreAgent).State)
	require.Equal(t, model.Pending, st.step("a", nodeproto.StepRemoveVolumeDriver).State, "an agent with our flags needs it")
	require.Contains(t, st.order("2", `{"verb":"retry","host":"b","step":"restore-agent-flags"}`), "what is removed is not removed again")
	require.Empty(t, st.order("3", `{"verb":"retry","host":"a","step":"restore-agent-flags"}`))
	st.Settle(time.Minute)
	require.Equal(t, 2, st.step("a", nodeproto.StepRestoreAgentFlags).Attempt)
	require.Empty(t, st.order("4", `{"verb":"retry","host":"a","step":"restore-agent"}`))
	st.Settle(time.Minute)
	st.removed(t)
	require.Contains(t, st.order("5", `{"verb":"retry","host":"a","step":"restore-agent-flags"}`), "what is removed is not removed again")
}
