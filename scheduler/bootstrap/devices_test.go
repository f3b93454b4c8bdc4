package bootstrap_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// What is denied is not taken, whatever else says that it may be, and is not
// waited for.
func TestDeniedDevicesAreNeverTaken(t *testing.T) {
	o := options()
	o.DevicePattern, o.DeviceDeny = "/dev/sd*", "/dev/sdb, /dev/disk/by-id/keep-*"
	st := newStage(t, o, newSite("a", "b", "c", "d"))
	st.site.hosts["a"].disks = []model.Disk{
		{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Free: true},
		{Path: "/dev/disk/by-id/keep-1", Device: "/dev/sdc", Size: 200e9, Free: true},
		{Path: "/dev/disk/by-id/take-1", Device: "/dev/sdd", Size: 200e9, Free: true},
	}
	st.site.hosts["b"].disks = []model.Disk{{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Why: "its holders cannot be listed", Unexamined: true}}
	st.install()
	_, plans := st.records()
	require.Equal(t, []model.Device{{Name: "a-sdd", Path: "/dev/disk/by-id/take-1", Size: 200e9, ID: "dev-a-sdd"}}, plans["a"].Devices)
	step := st.step("b", core.StepAddDevices)
	require.Equal(t, model.Skipped, step.State)
	require.Contains(t, step.Reason, "/dev/sdb: among --devices.deny=/dev/sdb, /dev/disk/by-id/keep-*")
}

func TestDevices(t *testing.T) {
	t.Parallel()
	disk := func(device string, size int64, why string) model.Disk {
		return model.Disk{Path: device, Device: device, Size: size, Free: why == "", Why: why}
	}
	unexamined := func(device string) model.Disk {
		return model.Disk{Path: device, Device: device, Size: 200e9, Why: "its holders cannot be listed", Unexamined: true}
	}
	const big = 200e9
	for _, c := range []struct {
		what    string
		pattern string
		disks   []model.Disk
		names   []string
		reason  string
		problem string
	}{
		{"every free disk is taken", "auto", []model.Disk{disk("/dev/sda", big, "it is mounted at /"), disk("/dev/sdb", big, ""), disk("/dev/sdc", big, "")}, []string{"a-sdb", "a-sdc"}, "", ""},
		{"patterns choose", "/dev/sd[c-d], /dev/nvme*", []model.Disk{disk("/dev/sdb", big, ""), disk("/dev/sdc", big, ""), disk("/dev/nvme1n1", big, "")}, []string{"a-sdc", "a-nvme1n1"}, "", ""},
		{"small disks are not taken", "auto", []model.Disk{disk("/dev/sdb", 99_999_999_999, ""), disk("/dev/sdc", 100_000_000_000, "")}, []string{"a-sdc"}, "", ""},
		{"none is free", "auto", []model.Disk{disk("/dev/sda", big, "it is mounted at /"), disk("/dev/sdb", 5, "")}, nil, "/dev/sda: it is mounted at /; /dev/sdb: 5 bytes", ""},
		{"there are none", "auto", nil, nil, "no disks", ""},
		{"what was not examined holds the choice up", "auto", []model.Disk{disk("/dev/sdb", big, ""), unexamined("/dev/sdc")}, nil, "", "/dev/sdc: its holders cannot be listed"},
		{"unless no pattern wants it", "/dev/sdb", []model.Disk{disk("/dev/sdb", big, ""), unexamined("/dev/sdc")}, []string{"a-sdb"}, "", ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			o := options()
			o.DevicePattern = c.pattern
			st := newStage(t, o, newSite("a", "b", "c"))
			st.site.hosts["a"].disks = c.disks
			st.install()
			_, plans := st.records()
			plan, step := plans["a"], st.step("a", core.StepAddDevices)
			var names []string
			for _, d := range plan.Devices {
				names = append(names, d.Name)
			}
			require.Equal(t, c.names, names)
			switch {
			case c.problem != "":
				require.Contains(t, plan.Problem, c.problem)
				require.False(t, plan.DevicesFrozen)
				require.Equal(t, model.Pending, step.State)
				st.site.hosts["a"].disks = []model.Disk{disk("/dev/sdb", big, "")}
				st.Post(st.site.nodeUp("a"))
				st.Settle(time.Second)
				_, plans = st.records()
				require.Empty(t, plans["a"].Problem)
				require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
			case c.reason != "":
				require.Equal(t, model.Skipped, step.State)
				require.Contains(t, step.Reason, c.reason)
			}
		})
	}
}

// Disks that turn up later stay out, until an operator orders otherwise.
func TestLaterDisksEnterByAnOrder(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.site.hosts["a"].disks = nil
	st.install()
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Contains(t, st.order("1", `{"verb":"retry","host":"a","step":"add-devices"}`), "no disks")
	st.site.hosts["a"].disks = []model.Disk{{Path: "/dev/sdz", Device: "/dev/sdz", Size: 200e9, Free: true}}
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Minute)
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Empty(t, st.order("2", `{"verb":"retry","host":"a","step":"add-devices"}`))
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
	require.Equal(t, "/dev/sdz", st.site.devices["a/a-sdz"])
	require.True(t, st.view().Complete)
}

// A volume of a growth is added by that growth: neither the first choice of
// disks nor a later order takes it, in whichever term it was made.
func TestVolumesOfGrowthsStayOut(t *testing.T) {
	stored := []byte(`{"id":"g1","state":"open","slots":[{"index":0,"state":"attached","volume_id":"vol-0a"}]}`)
	disk := func(name, serial string) model.Disk {
		return model.Disk{Path: "/dev/" + name, Device: "/dev/" + name, Size: 200e9, Free: true, Serial: serial}
	}
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.World.Put("/growth/g1", stored)
	unexamined := disk("nvme3n1", "vol0a")
	unexamined.Free, unexamined.Unexamined, unexamined.Why = false, true, "it was not examined"
	st.site.hosts["a"].disks = []model.Disk{disk("nvme1n1", "vol0a"), unexamined}
	st.install()
	require.Equal(t, model.Skipped, st.step("a", core.StepAddDevices).State)
	require.Contains(t, st.step("a", core.StepAddDevices).Reason, "/dev/nvme1n1: it is volume vol0a of a growth")

	st.Deliver(core.CloudAnswered{Op: core.CloudCreate, Growth: "g2", Volumes: []core.CloudVolume{{ID: "vol-0b"}}}, -1)
	st.site.hosts["a"].disks = []model.Disk{disk("nvme1n1", ""), disk("nvme2n1", "vol0b")}
	st.site.hosts["a"].disks[0].Path = "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0a"
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Second)
	require.Contains(t, st.order("1", `{"verb":"retry","host":"a","step":"add-devices"}`), "/dev/nvme2n1: it is volume vol0b of a growth")

	st.site.hosts["a"].disks = append(st.site.hosts["a"].disks, disk("nvme4n1", "vol0c"))
	st.Post(st.site.nodeUp("a"))
	st.Settle(time.Second)
	require.Empty(t, st.order("2", `{"verb":"retry","host":"a","step":"add-devices"}`))
	st.Settle(time.Minute)
	require.Equal(t, model.Done, st.step("a", core.StepAddDevices).State)
	_, plans := st.records()
	require.Len(t, plans["a"].Devices, 1)
	require.Equal(t, "/dev/nvme4n1", plans["a"].Devices[0].Path)
}

// A growth that cannot be read may own any EBS volume.
func TestAnUnreadableGrowthKeepsVolumesOut(t *testing.T) {
	st := newStage(t, options(), newSite("a", "b", "c"))
	st.World.Put("/growth/g1", []byte(`{"slots":`))
	st.site.hosts["a"].disks = []model.Disk{
		{Path: "/dev/nvme1n1", Device: "/dev/nvme1n1", Size: 200e9, Free: true, Serial: "vol0a"},
		{Path: "/dev/sdb", Device: "/dev/sdb", Size: 200e9, Free: true, Serial: "S3Z1"},
	}
	st.install()
	_, plans := st.records()
	require.Len(t, plans["a"].Devices, 1)
	require.Equal(t, "/dev/sdb", plans["a"].Devices[0].Path)
}
