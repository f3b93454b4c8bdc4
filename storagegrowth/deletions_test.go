package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

func orphan(s *growthtest.Site, id string) {
	s.Volumes[id] = &growthtest.Volume{ID: id, Request: model.VolumeRequest{Zone: "z1", SizeGiB: 100, Tags: map[string]string{
		storagegrowth.TagFramework: uuid, storagegrowth.TagGrowth: "20250101T000000-aaaa", storagegrowth.TagSlot: "0",
	}}}
}

func TestOrphansAreReportedAndDeletedOnlyByOrder(t *testing.T) {
	s := growthtest.New(3, 0.2)
	orphan(s, "vol-lost")
	orphan(s, "vol-used")
	s.Volumes["vol-used"].Instance, s.Volumes["vol-used"].Device = "i-h1", "/dev/sdq"
	orphan(s, "vol-foreign")
	s.Volumes["vol-foreign"].Request.Tags[storagegrowth.TagFramework] = "another installation"
	st := newStage(t, s, eager())
	st.start()
	st.run(3 * time.Hour)
	orphans := st.view().Orphans
	require.Len(t, orphans, 2)
	require.Equal(t, storagegrowth.Orphan{Volume: "vol-lost", SizeGiB: 100, State: "available", Growth: "20250101T000000-aaaa", Slot: "0"}, orphans[0])
	require.Equal(t, "i-h1", orphans[1].Instance)
	require.Len(t, s.Volumes, 3)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-used"}), "attached to instance i-h1")
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-foreign"}), "not ours to delete")
	require.Len(t, s.Volumes, 3)
	deletions := 0
	st.performs = func(e core.Effect) (bool, bool) {
		c, ok := e.(core.CloudCall)
		if ok && c.Op == core.CloudDelete {
			deletions++
			require.Contains(t, string(st.stored[storagegrowth.PathStatus].Data), "vol-lost", "the intent comes first")
			return deletions > 1, deletions > 1
		}
		return true, true
	}
	require.Empty(t, st.order("3", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost", By: "ann"}))
	st.start() // the first call was lost with its leader
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Len(t, s.Volumes, 2)
	require.Empty(t, st.view().Deletions)
	require.Len(t, st.view().Orphans, 1)
}

// refusingDeletions is a site with an orphan that EC2 does not delete.
func refusingDeletions() *growthtest.Site {
	s := growthtest.New(3, 0.2)
	orphan(s, "vol-lost")
	s.Fault = func(c core.CloudCall) (core.CloudError, core.CloudError) {
		if c.Op == core.CloudDelete {
			return core.CloudUnauthorized, ""
		}
		return "", ""
	}
	return s
}

// A deletion that is refused is told, and repeated without haste: EC2 throttles
// the whole account.
func TestARefusedDeletionIsToldAndRepeated(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	st.run(time.Hour)
	require.Equal(t, "delete: injected unauthorized", st.view().Deletions[0].Error)
	require.Less(t, s.Calls[core.CloudDelete], 70)
	require.Less(t, s.Calls[core.CloudLook], 140)
	s.Fault = nil
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Empty(t, st.view().Deletions)
}

// An ordered deletion outlives a change of --growth.provider.
func TestADeletionIsFinishedUnderAnotherProvider(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	s.Fault = nil
	st.options.Policy.Provider = storagegrowth.ProviderManual
	st.start()
	st.run(5 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
}

// Pools that cannot be read at the moment do not say that a volume is in use:
// its deletion waits.
func TestADeletionOutlivesPoolsThatCannotBeRead(t *testing.T) {
	s := refusingDeletions()
	st := newStage(t, s, eager())
	st.start()
	st.run(2 * time.Minute)
	require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-lost"}))
	s.Fault = nil
	st.performs = func(e core.Effect) (bool, bool) {
		_, read := e.(core.ReadPools)
		return !read, !read
	}
	st.start()
	st.run(10 * time.Minute)
	require.Contains(t, s.Volumes, "vol-lost")
	require.Len(t, st.view().Deletions, 1)
	st.performs = nil
	st.run(10 * time.Minute)
	require.NotContains(t, s.Volumes, "vol-lost")
	require.Empty(t, st.view().Deletions)
}

// A volume that is a device is no orphan, however old its growth is.
func TestDevicesAreNeverOrphans(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), eager())
	st.start()
	st.run(20 * time.Minute)
	requireGrown(t, st, "grown")
	g := st.growths()[0]
	delete(st.stored, leader.PathGrowth+"/"+g.ID) // forgotten after a hundred others
	st.start()
	st.run(2 * time.Hour)
	require.Empty(t, st.view().Orphans)
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthDeleteOrphan, Volume: g.Slots[0].VolumeID}), "is a device of a storage pool")
	require.Len(t, st.site.Volumes, 3)
}
