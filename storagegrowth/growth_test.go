package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth/growthtest"
)

// A pool that is nearly full grows below its target, by equal volumes on each
// fault unit, and then stays as it is.
func TestAFullPoolGrows(t *testing.T) {
	s := growthtest.New(3, 0.85)
	st := newStage(t, s, options())
	st.start()
	st.run(30 * time.Minute)
	growths := st.growths()
	require.Len(t, growths, 1)
	g := growths[0]
	require.Equal(t, model.GrowthDone, g.State)
	require.Len(t, g.Slots, 3)
	require.Len(t, s.Volumes, 3)
	require.Equal(t, 3, s.Made)
	require.LessOrEqual(t, s.Pools["default/default"].Fullness(), 0.65)
	require.InDelta(t, g.UsedAfter, s.Pools["default/default"].Fullness(), 1e-9)
	for _, slot := range g.Slots {
		v := s.Volumes[slot.VolumeID]
		require.Equal(t, "i-"+slot.Host, v.Instance)
		require.Equal(t, uuid, v.Request.Tags["scaleio-framework"])
		require.True(t, s.IsDevice(slot.VolumeID))
		require.Len(t, v.EverWas, 1)
	}
	st.run(24 * time.Hour)
	require.Len(t, st.growths(), 1, "it does not grow again")
}
