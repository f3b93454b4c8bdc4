package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

func TestSpareIsReportedAndRaisedOnlyByPolicy(t *testing.T) {
	s := growthtest.New(3, 0.5)
	s.Pools["default/default"].Spare = 10
	st := newStage(t, s, eager())
	st.start()
	st.run(10 * time.Minute)
	require.Equal(t, 34, st.view().Pools[0].SpareNeeded)
	require.Equal(t, 10, s.Pools["default/default"].Spare)
	st.options.Policy.AdjustSpare = true
	st.start()
	st.run(10 * time.Minute)
	require.Equal(t, 34, s.Pools["default/default"].Spare)
	require.Zero(t, st.view().Pools[0].SpareNeeded)
}

// What bootstrap tells after its first term is enough to begin.
func TestAClusterThatIsMadeLater(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	cluster := st.stored[leader.PathCluster]
	delete(st.stored, leader.PathCluster)
	st.start()
	st.run(10 * time.Minute)
	require.Empty(t, st.growths())
	require.Contains(t, st.view().Problem, "no gateway is known yet")
	st.stored[leader.PathCluster] = cluster
	st.post(core.ClusterKnown{UUID: uuid, Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}})
	st.run(10 * time.Minute)
	requireGrown(t, st, "in the same term")
}

// A release without gateways tells no figures: nothing is read, nothing grows,
// and the reason is told (R8).
func TestAReleaseWithoutGateways(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.95), eager())
	delete(st.stored, leader.PathCluster)
	st.start()
	st.post(core.ClusterKnown{UUID: uuid, Release: "4.5-2100.105"})
	st.run(10 * time.Minute)
	require.Empty(t, st.growths())
	require.Contains(t, st.view().Problem, "pools of release 4.5-2100.105 are neither read nor grown: that takes a gateway")
	require.Contains(t, st.view().Problem, "--gateway.management-platform")

	// A management platform is one.
	st.post(core.ClusterKnown{UUID: uuid, Release: "4.5-2100.105", Gateways: []model.Gateway{{URL: "https://p", SystemID: "1"}}})
	st.run(10 * time.Minute)
	require.Empty(t, st.view().Problem)
	requireGrown(t, st, "through the platform")
}

// A problem that is over is told at once, however young the status is.
func TestAProblemThatIsOverIsNotTold(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.3), options())
	delete(st.stored, leader.PathCluster)
	st.start()
	st.run(5 * time.Second)
	require.Contains(t, st.view().Problem, "no gateway is known yet")
	st.post(core.ClusterKnown{UUID: uuid, Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}})
	st.run(time.Second)
	require.Empty(t, st.view().Problem)
}

// That data has only one copy is told with the reading that says so, and so is
// the end of it.
func TestAPoolThatIsNotWholeIsToldAtOnce(t *testing.T) {
	for _, fail := range []func(*growthtest.Pool, bool){
		func(p *growthtest.Pool, on bool) { p.Degraded = on },
		func(p *growthtest.Pool, on bool) { p.Rebuilding = on },
	} {
		s := growthtest.New(3, 0.3)
		o := options()
		o.Policy.Interval = 10 * time.Second
		st := newStage(t, s, o)
		st.start()
		st.run(95 * time.Second)
		for _, on := range []bool{true, false} {
			fail(s.Pools["default/default"], on)
			st.run(11 * time.Second)
			pool := st.view().Pools[0]
			require.Equal(t, on, pool.Degraded || pool.Rebuilding)
		}
	}
}

// A record that cannot be read is left alone, and reports of strangers are
// ignored.
func TestWhatIsNotOurs(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	st.stored[leader.PathGrowth+"/bad"] = leader.Entry{Data: []byte(`{"id":"bad","state":"dreaming"}`)}
	c, err := storagegrowth.New(st.options)
	require.NoError(t, err)
	unreadable, err := c.Load(st.stored)
	require.NoError(t, err)
	require.ErrorContains(t, unreadable[leader.PathGrowth+"/bad"], "dreaming")
	delete(st.stored, leader.PathGrowth+"/bad")
	st.start()
	for _, event := range []core.Event{
		core.NodeReported{Host: "h1", Report: nodeproto.Report{Step: "locate/vol-9", State: nodeproto.Done, Attempt: 1}},
		core.NodeReported{Host: "h1", Report: nodeproto.Report{Step: "sds-package", State: nodeproto.Done, Attempt: 1}},
		core.GatewayAnswered{Step: "add-devices/none/7", Attempt: 1},
		core.GatewayAnswered{Step: "add-devices", Host: "h1", Attempt: 1},
		core.CloudAnswered{Op: core.CloudCreate, Growth: "none", Slot: -4},
		core.CloudAnswered{Op: core.CloudDelete, Growth: "orphans/vol-9"},
		core.CloudAnswered{Op: core.CloudLook},
		core.NodeDown{Host: "stranger"},
		core.TimerFired{Key: "growth/slots/none"},
		core.TimerFired{Key: "settle"},
		core.PoolsRead{Err: "no gateway answers"},
	} {
		st.deliver(event)
	}
	st.run(10 * time.Minute)
	requireGrown(t, st, "all the same")
}

// A spare percentage that the gateway does not take is told with its reason.
func TestARefusedSpareIsTold(t *testing.T) {
	s := growthtest.New(3, 0.5)
	s.Pools["default/default"].Spare = 10
	s.SpareErr = "the pool has no room for it"
	o := eager()
	o.Policy.AdjustSpare = true
	st := newStage(t, s, o)
	st.start()
	st.run(30 * time.Minute)
	require.Contains(t, string(st.stored[storagegrowth.PathStatus].Data), "the pool has no room for it")
}
