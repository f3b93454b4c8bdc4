package storagegrowth_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// A call whose outcome stays unknown, or that is throttled for ever, is not
// counted; but the slot says what it waits for.
func TestWhatIsRepeatedForEverIsTold(t *testing.T) {
	for _, op := range []core.CloudOp{core.CloudCreate, core.CloudAttach} {
		for _, kind := range []core.CloudError{core.CloudUnknown, core.CloudThrottled, core.CloudNotFound, core.CloudVolumeInUse} {
			st := faulty(t, always(op, 0, kind))
			st.run(time.Hour)
			require.Contains(t, st.growths()[0].Slots[0].Error, "injected "+string(kind), "%s", op)
			st.site.Fault = nil
			st.run(10 * time.Minute)
			if st.growths()[0].State != model.GrowthPartial { // some creations are given up
				requireGrown(t, st, "in the end")
				require.Empty(t, st.growths()[0].Slots[0].Error)
			}
		}
	}
}

// A detachment that never ends, or is taken and never happens, is given up with
// words, so that the growth does not stay open for ever.
func TestADetachmentThatDoesNotEndIsGivenUp(t *testing.T) {
	for _, state := range []string{"detaching", "attaching"} {
		s := growthtest.New(3, 0.85)
		s.Stuck["/dev/sdf"] = true
		s.StuckDetaching = state == "detaching"
		o := eager()
		o.Policy.Cooldown = 24 * time.Hour
		st := newStage(t, s, o)
		if !s.StuckDetaching {
			s.Fault = always(core.CloudDetach, 0, core.CloudNotFound)
		}
		st.start()
		st.run(time.Hour)
		g := st.growths()[0]
		require.Equal(t, model.GrowthPartial, g.State)
		require.Equal(t, model.SlotFailed, g.Slots[0].State)
		require.Contains(t, g.Slots[0].Error, "is still "+state+" after 10m0s: force the detachment in EC2")
		require.Contains(t, s.Volumes, g.Slots[0].VolumeID, "it is not deleted")
		s.StuckDetaching, s.Fault = false, nil
		require.Empty(t, st.order("1", model.Order{Verb: model.GrowthRetry, Growth: g.ID}))
		st.run(20 * time.Minute)
		requireGrown(t, st, "after a retry")
	}
}

// A volume that somebody attached elsewhere while it was to be removed is left
// to him, and the growth ends.
func TestAVolumeTakenDuringItsRollbackIsLeftAlone(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.Fault = always(core.CloudAttach, 0, core.CloudUnauthorized)
	st := newStage(t, s, eager())
	st.performs = func(e core.Effect) (bool, bool) {
		if c, ok := e.(core.CloudCall); ok && c.Op == core.CloudDelete {
			v := s.Volumes[c.VolumeID]
			v.Instance, v.Device = "i-h2", "/dev/sdz"
			s.Instances["h2"].Devices["/dev/sdz"] = v.ID
		}
		return true, true
	}
	st.start()
	st.run(time.Hour)
	g := st.growths()[0]
	require.Equal(t, model.GrowthPartial, g.State)
	require.Equal(t, model.SlotFailed, g.Slots[0].State)
	require.Contains(t, g.Slots[0].Error, "is attached to instance i-h2, not to i-h1: detach it there, then order growth-retry")
	require.Contains(t, s.Volumes, g.Slots[0].VolumeID)
}

// A volume that EC2 does not finish is waited for with words.
func TestACreationThatDoesNotEndIsTold(t *testing.T) {
	s := growthtest.New(3, 0.85)
	s.CreateTakes = 2 * time.Hour
	st := newStage(t, s, eager())
	st.start()
	st.run(time.Hour)
	require.Contains(t, st.growths()[0].Slots[0].Error, "still shows volume vol-0001 as creating")
	st.run(2 * time.Hour)
	requireGrown(t, st, "in the end")
}

// Many large pools that are full at once, as after a change of leaders, grow in
// several commits.
func TestManyPoolsGrowInSeveralCommits(t *testing.T) {
	s := growthtest.New(100, 0.3)
	for i := range 8 {
		s.AddPool("default", fmt.Sprintf("pool%d", i), slices.Sorted(maps.Keys(s.Instances)), 0.85)
	}
	o := options()
	o.Policy.Provider, o.Policy.MaxGiBPerDay = storagegrowth.ProviderManual, 0
	o.Policy.MaxVolumesPerNode = 0
	st := newStage(t, s, o)
	st.start()
	st.run(10 * time.Minute)
	require.Len(t, st.view().Growths, 8)
}
