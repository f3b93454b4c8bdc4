package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// beginAnew forgets everything that a framework keeps; the hosts and the
// ScaleIO system stay as they are, with their disks in use.
func beginAnew(t *testing.T, s *site) *stage {
	for _, h := range s.hosts {
		h.running, h.boot = false, h.boot+1
		for i := range h.disks {
			if h.disks[i].Free {
				h.disks[i].Free, h.disks[i].Why = false, "something unknown is written on it, at byte 0"
			}
		}
	}
	s.volumes = map[string]bool{} // their names hold the framework's UUID
	return newStage(t, options(), s)
}

func TestAFrameworkThatBeginsAnewFindsTheDevices(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c", "d"))
	st.install()
	require.True(t, st.view().Complete)
	devices := len(st.site.devices)

	st = beginAnew(t, st.site)
	st.install()
	require.True(t, st.view().Complete, "%v", st.view().Problems)
	require.Empty(t, st.view().Problems)
	require.Len(t, st.site.devices, devices, "none is added")
	_, plans := st.records()
	require.Equal(t, []model.Device{{Name: "a-sdb", Path: "/dev/disk/by-id/x", Size: 200e9, ID: "dev-a-sdb", Found: true}}, plans["a"].Devices)
	step := st.step("a", core.StepAddDevices)
	require.Equal(t, model.Done, step.State)
	require.Contains(t, step.Reason, "found in use: /dev/disk/by-id/x; left alone: /dev/sda: it is mounted at /")
}

// A disk that was freed by hand enters by an order, beside those that were
// found; a device of a growth of ours is no part of the plan.
func TestAFreedDiskEntersBesideTheFoundOnes(t *testing.T) {
	s := newSite("a", "b", "c")
	newStage(t, options(), s).install()
	s.devices["a/vol-0a"] = "/dev/nvme1n1"
	st := beginAnew(t, s)
	s.hosts["a"].disks = append(s.hosts["a"].disks, model.Disk{Path: "/dev/sdc", Device: "/dev/sdb", Size: 200e9, Why: "blkid finds a signature: ext4"})
	st.World.Put("/growth/g1", []byte(`{"id":"g1","state":"done","slots":[{"index":0,"state":"done","volume_id":"vol-0a"}]}`))
	st.install()
	require.Contains(t, st.step("a", core.StepAddDevices).Reason, "blkid finds a signature: ext4")

	s.hosts["a"].disks[2].Free = true
	st.Post(s.nodeUp("a"))
	st.Settle(time.Second)
	require.Equal(t, 1, st.step("a", core.StepAddDevices).Attempt)
	require.Empty(t, st.order("1", `{"verb":"retry","host":"a","step":"add-devices"}`))
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
	_, plans := st.records()
	require.Equal(t, []model.Device{
		{Name: "a-sdb", Path: "/dev/disk/by-id/x", Size: 200e9, ID: "dev-a-sdb", Found: true},
		{Name: "a-sdb-2", Path: "/dev/sdc", Size: 200e9, ID: "dev-a-sdb-2"},
	}, plans["a"].Devices, "the new one has a name of its own")
	require.Equal(t, "/dev/sdc", s.devices["a/a-sdb-2"])
}

// An older pool's spare is told, where it is not the planned one.
func TestAnOlderPoolsSpareIsTold(t *testing.T) {
	for result, want := range map[string]string{
		`{"id":"p","percent":50}`:          "the pool keeps 50 % spare, one fault unit needs 34 %: left as it is",
		`{"id":"p","percent":34,"was":10}`: "the pool had devices and kept 10 % spare: raised to 34 %",
		`{"id":"p","percent":34}`:          "",
		`{"id":"p"}`:                       "",
	} {
		for _, st := range []*stage{
			newStage(t, options(), newSite("a", "b", "c")),
			newStage(t, options4(), newSite4("a", "b", "c")), // by scli
		} {
			st.site.spareAnswer = result
			st.install()
			step := st.step("", core.StepSparePolicy+"/default/default")
			require.Equal(t, model.Done, step.State)
			require.Equal(t, want, step.Reason)
			require.True(t, st.view().Complete)
		}
	}
}

// Another system than the recorded one is a reason to stop.
func TestAnotherSystemThanBeforeIsRefused(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.install()
	st.site.system = "other"
	require.Empty(t, st.order("1", `{"verb":"retry","step":"create-cluster"}`))
	st.Settle(10 * time.Minute)
	step := st.step("", nodeproto.StepCreateCluster)
	require.Equal(t, model.Stuck, step.State)
	require.Contains(t, step.Error, "the MDMs belong to system other, and /cluster says that it was sys")
	cluster, _ := st.records()
	require.Equal(t, "sys", cluster.SystemID)
}
