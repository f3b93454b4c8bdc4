package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// In the middle of a bootstrap there is a gateway and no pool. The plan's last
// step has proven one: it is read and shown at once, not an interval later.
func TestPoolsAreReadWhenThePlanHasProvenThem(t *testing.T) {
	site := growthtest.New(3, 0.5)
	pools := site.Pools
	site.Pools = make(map[string]*growthtest.Pool)
	st := newStage(t, site, options())
	st.start()
	st.run(time.Second)
	require.Empty(t, st.view().Pools)

	site.Pools = pools
	st.post(core.GatewayAnswered{Step: core.StepVerify, Attempt: 1, Err: "not unmapped"})
	st.run(100 * time.Millisecond)
	require.Empty(t, st.view().Pools, "nothing was proven")
	st.post(core.GatewayAnswered{Step: core.StepVerify, Attempt: 2})
	st.run(100 * time.Millisecond)
	require.Len(t, st.view().Pools, 1)
	require.InDelta(t, 0.5, st.view().Pools[0].Fullness, 0.01)
}

// A pool that is read while it has no device is unreadable; that it can be read
// is not held back for the time between two changes of the record, and neither
// is that it cannot any more.
func TestThatAPoolCanBeReadIsToldAtOnce(t *testing.T) {
	site := growthtest.New(3, 0.5)
	pool := site.Pools["default/default"]
	devices := pool.Devices
	st := newStage(t, site, options())
	st.start()
	st.run(time.Second)
	for _, c := range []struct {
		devices []growthtest.Device
		want    storagegrowth.Verdict
	}{
		{nil, storagegrowth.VerdictUnreadable},
		{devices, storagegrowth.VerdictFine},
		{nil, storagegrowth.VerdictUnreadable},
	} {
		pool.Devices = c.devices
		pool.Fill(0.5)
		st.post(core.GatewayAnswered{Step: core.StepVerify, Attempt: 1})
		st.run(100 * time.Millisecond)
		require.Len(t, st.view().Pools, 1)
		require.Equal(t, c.want, st.view().Pools[0].Verdict, st.view().Pools[0].Decision)
	}
}

// A reading that was asked for before the plan was proven does not stand for
// the one after it.
func TestAReadingUnderWayIsNotTheOneThatIsWanted(t *testing.T) {
	site := growthtest.New(3, 0.5)
	pools := site.Pools
	site.Pools = make(map[string]*growthtest.Pool)
	st := newStage(t, site, options())
	reads := 0
	st.performs = func(e core.Effect) (done, answered bool) {
		if _, ok := e.(core.ReadPools); ok {
			reads++
			return reads > 1, true
		}
		return true, true
	}
	st.start()
	st.run(time.Second)
	require.Equal(t, 1, reads)
	st.post(core.GatewayAnswered{Step: core.StepVerify, Attempt: 1})
	st.run(100 * time.Millisecond)
	require.Equal(t, 1, reads, "one at a time")
	site.Pools = pools
	st.post(core.PoolsRead{At: st.now.Add(-time.Millisecond)})
	st.run(100 * time.Millisecond)
	require.Equal(t, 2, reads)
	require.Len(t, st.view().Pools, 1)
}

// Of many hosts that join, the disks are seen within seconds, and no host costs
// a reading.
func TestPoolsAreReadSoonAfterAHostHasJoined(t *testing.T) {
	site := growthtest.New(3, 0.5)
	st := newStage(t, site, options())
	st.start()
	st.run(5 * time.Second)
	reads := 0
	st.performs = func(e core.Effect) (done, answered bool) {
		if _, ok := e.(core.ReadPools); ok {
			reads++
		}
		return true, true
	}
	for range 20 {
		st.post(core.GatewayAnswered{Host: "h9", Step: core.StepAddDevices, Attempt: 1})
	}
	st.run(2 * time.Second)
	require.Equal(t, 1, reads)
	st.run(30 * time.Second)
	require.Equal(t, 1, reads)
}
