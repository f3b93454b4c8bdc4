package gateway_test

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scaleio/scaleiotest"
)

// held asks for the devices of an SDS that is older than the plan.
func held(devices ...core.DeviceParams) core.AddDevicesParams {
	return core.AddDevicesParams{
		SDS: "sds_host1", ProtectionDomain: "default", StoragePool: "default",
		TestMode: "test-and-activate", Adopt: true, Devices: devices,
	}
}

func paths(found []nodeproto.FoundDevice) []string {
	var list []string
	for _, f := range found {
		list = append(list, f.Path)
	}
	return list
}

func TestDevicesThatTheSDSHasAreFound(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	before := w.Snapshot().SDSs["sds_host1"].Devices
	require.Len(t, before, 2)

	// Only asked: nothing changes.
	got := done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held())))
	require.Equal(t, []string{"/dev/sdb", "/dev/sdc"}, paths(got.Found))
	require.Empty(t, got.IDs)
	require.Empty(t, got.Unfit)
	require.Equal(t, before, w.Snapshot().SDSs["sds_host1"].Devices)

	// A free disk is added beside them, however often it is asked for.
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdd", SizeBytes: 200 << 30}))
	for range 2 {
		got = done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held(core.DeviceParams{Name: "host1-sdd", Path: "/dev/sdd"}))))
		require.Equal(t, []string{"/dev/sdb", "/dev/sdc"}, paths(got.Found))
		require.Len(t, got.IDs, 1)
	}
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateDevice, ""))

	// A disk that is a device under another name is that device.
	got = done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held(core.DeviceParams{Name: "other", Path: "/dev/sdb"}))))
	require.Len(t, got.IDs, 1)
	require.Equal(t, []string{"/dev/sdc", "/dev/sdd"}, paths(got.Found))
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateDevice, ""))

	// Who does not ask for what is there is told nothing, and takes no other
	// name for its own.
	strict := held(core.DeviceParams{Name: "other", Path: "/dev/sdd"})
	strict.Adopt = false
	answer := p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, strict))
	require.True(t, answer.Hopeless)
	require.Contains(t, answer.Err, "is there already and differs")
}

// A device of another pool is no capacity of this one.
func TestDevicesOfAnotherPoolAreNamedOnly(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepStoragePools+"/default/new", core.StoragePoolParams{ProtectionDomain: "default", Name: "new"})))
	ask := held()
	ask.StoragePool = "new"
	got := done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, ask)))
	require.Empty(t, got.Found)
	require.Equal(t, []string{"/dev/sdb is a device of another storage pool", "/dev/sdc is a device of another storage pool"}, got.Unfit)
	require.Zero(t, w.Count(scaleiotest.OpCreateDevice, ""))
}

// What another scheduler has just added is under test: that is waited for, as
// for one's own.
func TestAFoundDeviceUnderTestIsWaitedFor(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	w := newWorld(t, true, scaleiotest.Options{Now: clock, DeviceTest: time.Minute})
	p := w.performer(t, nil)
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdd", SizeBytes: 200 << 30}))
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held(core.DeviceParams{Name: "host1-sdd", Path: "/dev/sdd"})))
	require.True(t, got.Interrupted, got.Err)
	got = p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held()))
	require.Equal(t, "device host1-sdd (/dev/sdd) is in state InitialTest", got.Err)
	require.True(t, got.Interrupted)
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	found := done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held()))).Found
	require.Equal(t, []string{"/dev/sdb", "/dev/sdc", "/dev/sdd"}, paths(found))
}

// A disk that carries the header of a ScaleIO, and is no device of the host's
// SDS, belongs to another one: the SDS refuses it, and it is never taken over.
func TestADiskOfAnotherScaleIOIsNotTakenOver(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdd", SizeBytes: 200 << 30, Signature: scaleiotest.DeviceSignature}))
	got := w.performer(t, nil).Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held(core.DeviceParams{Name: "host1-sdd", Path: "/dev/sdd"})))
	require.Contains(t, got.Err, "already has a ScaleIO header")
	require.Len(t, w.Snapshot().SDSs["sds_host1"].Devices, 2)
}

// add-sds tells the names that are in use.
func TestAddSDSTellsTheNamesOfItsDevices(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	require.NoError(t, w.AddDisk("host1", scaleiotest.Disk{Name: "sdd", SizeBytes: 200 << 30}))
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, held(core.DeviceParams{Name: "host1-sdd", Path: "/dev/sdd"}))))
	got := done[core.AddSDSResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddSDS, core.AddSDSParams{Name: "sds_host1", ProtectionDomain: "default", IPs: []string{"127.0.1.11"}})))
	require.Contains(t, got.Taken, "host1-sdd")
}

// A pool that is older than the plan keeps what it has where that is enough,
// gets what it lacks, and the answer tells of it.
func TestTheSpareOfAnOlderPool(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	spare := func(percent int) core.GatewayAnswered {
		return p.Perform(t.Context(), call(t, w.gateways, core.StepSparePolicy+"/default/default", core.SparePolicyParams{ProtectionDomain: "default", StoragePool: "default", Percent: percent}))
	}
	got := done[core.SparePolicyResult](t, spare(25))
	require.Equal(t, 34, got.Percent)
	require.Zero(t, got.Was)
	require.Zero(t, w.Count(scaleiotest.OpSetSpare, ""))
	got = done[core.SparePolicyResult](t, spare(40))
	require.Equal(t, 40, got.Percent)
	require.Equal(t, 34, got.Was)
	require.Equal(t, 40, w.Snapshot().Pools["default/default"].SparePercent)

	require.NoError(t, w.Fill("default/default", 0.9))
	answer := spare(80)
	require.Contains(t, answer.Err, "the pool keeps 40 % spare, one fault unit needs 80 %")
	require.Contains(t, answer.Err, "force the step complete")
	require.False(t, answer.Interrupted)
	require.Equal(t, 40, w.Snapshot().Pools["default/default"].SparePercent)
}

// A pool of another media type serves, unless a type is asked for.
func TestTheMediaTypeOfAnOlderPool(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{Version: "3.6-700.103"})
	p := w.performer(t, nil)
	pool := func(media string) core.GatewayAnswered {
		return p.Perform(t.Context(), call(t, w.gateways, core.StepStoragePools+"/pd/pool", core.StoragePoolParams{ProtectionDomain: "pd", Name: "pool", MediaType: media}))
	}
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain)))
	done[any](t, pool("SSD"))
	done[any](t, pool(""))
	got := pool("HDD")
	require.True(t, got.Hopeless)
	require.Contains(t, got.Err, "media type")
	require.Equal(t, 1, w.Count(scaleiotest.OpCreatePool, ""))
}
