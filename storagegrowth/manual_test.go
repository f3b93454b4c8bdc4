package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
	"scaleio-framework/storagegrowth/growthtest"
)

// Without a cloud the operator is asked for disks, and the growth goes on when
// they are there. Disks that were there before are not taken.
func TestManualGrowth(t *testing.T) {
	s := growthtest.New(3, 0.85)
	for _, i := range s.Instances {
		i.Disks = []model.Disk{{Path: "/dev/disk/by-id/old", Size: 1000 * growthtest.GiB, Free: true}}
	}
	o := eager()
	o.Policy.Provider = storagegrowth.ProviderManual
	st := newStage(t, s, o)
	st.start()
	st.run(3 * time.Hour)
	require.Len(t, st.growths(), 1)
	g := st.growths()[0]
	require.Equal(t, model.GrowthOpen, g.State)
	require.Equal(t, "waits for an empty disk of at least 104 GiB on host h1: add it, nothing else is to be done", g.Slots[0].Error)
	require.Empty(t, s.Calls)
	for _, name := range []string{"h1", "h2", "h3"} {
		i := s.Instances[name]
		i.Disks = append(i.Disks, model.Disk{Path: "/dev/disk/by-id/small", Size: 50 * growthtest.GiB, Free: true},
			model.Disk{Path: "/dev/disk/by-id/full", Size: 200 * growthtest.GiB, Why: "ext4"},
			model.Disk{Path: "/dev/disk/by-id/new", Size: 200 * growthtest.GiB, Free: true})
		st.post(s.NodeUp(i))
		st.run(time.Minute)
	}
	st.run(5 * time.Minute)
	require.Equal(t, model.GrowthDone, st.growths()[0].State)
	pool := s.Pools["default/default"]
	require.Len(t, pool.Devices, 6)
	for _, d := range pool.Devices[3:] {
		require.Equal(t, "/dev/disk/by-id/new", d.Path)
		require.LessOrEqual(t, len(d.Name), 31)
	}
	require.LessOrEqual(t, pool.Fullness(), 0.65)
}

// A growth by hand that nobody brings disks for ends by an order; what has its
// disk already is kept.
func TestAGrowthByHandIsDeclined(t *testing.T) {
	for name, c := range map[string]struct {
		disks   []string
		want    model.GrowthState
		devices int
	}{
		"before any disk":  {nil, model.GrowthDeclined, 3},
		"after one of two": {[]string{"h2"}, model.GrowthPartial, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := growthtest.New(3, 0.85)
			o := eager()
			o.Policy.Provider = storagegrowth.ProviderManual
			st := newStage(t, s, o)
			st.start()
			st.run(time.Hour)
			id := st.growths()[0].ID
			for _, host := range c.disks {
				i := s.Instances[host]
				i.Disks = append(i.Disks, model.Disk{Path: "/dev/disk/by-id/new", Size: 200 * growthtest.GiB, Free: true})
				st.post(s.NodeUp(i))
			}
			st.run(5 * time.Minute)
			require.Empty(t, st.order("1", model.Order{Verb: model.GrowthDecline, Growth: id, By: "ann"}))
			st.run(time.Minute)
			g := st.growths()[0]
			require.Equal(t, c.want, g.State)
			require.Len(t, s.Pools["default/default"].Devices, c.devices)
			require.Contains(t, g.Reason+g.Slots[0].Error, "declined by ann")
			require.Contains(t, st.order("2", model.Order{Verb: model.GrowthDecline, Growth: id}), "one can be declined while it waits for approval or, by hand, for disks")

			// The next leader lets it rest, too, until the cool-down is over.
			st.start()
			st.run(time.Minute)
			require.Len(t, st.growths(), 1)
			require.Equal(t, c.want, st.growths()[0].State)
		})
	}
}
