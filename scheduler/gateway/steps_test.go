package gateway_test

import (
	"context"
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio/scaleiotest"
)

// storageSteps build the storage of a fresh cluster, in the plan's order.
func storageSteps() []struct {
	step   string
	params any
	op     scaleiotest.Op
} {
	return []struct {
		step   string
		params any
		op     scaleiotest.Op
	}{
		{core.StepProtectionDomains + "/pd", domain, scaleiotest.OpCreatePD},
		{core.StepFaultSets + "/pd/rack1", core.FaultSetParams{ProtectionDomain: "pd", Name: "rack1"}, scaleiotest.OpCreateFaultSet},
		{core.StepStoragePools + "/pd/pool", core.StoragePoolParams{ProtectionDomain: "pd", Name: "pool", ZeroPadding: true}, scaleiotest.OpCreatePool},
		{core.StepSparePolicy, core.SparePolicyParams{ProtectionDomain: "pd", StoragePool: "pool", Percent: 34}, scaleiotest.OpSetSpare},
		{core.StepAddSDS, core.AddSDSParams{Name: "sds1", ProtectionDomain: "pd", FaultSet: "rack1", IPs: []string{"127.0.1.11"}}, scaleiotest.OpCreateSDS},
		{core.StepAddDevices, device("sdb", "sdc"), scaleiotest.OpCreateDevice},
	}
}

func TestEveryStepCanBeRepeatedThroughAnyGateway(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	for _, s := range storageSteps() {
		first := p.Perform(t.Context(), call(t, w.gateways[:1], s.step, s.params))
		result := done[map[string]any](t, first)
		require.NotEmpty(t, result, s.step)
		require.Equal(t, "h", first.Host)
		require.Equal(t, s.step, first.Step)
		require.Equal(t, 3, first.Attempt)
		effects := w.Count(s.op, "")
		require.Positive(t, effects, s.step)
		again := p.Perform(t.Context(), call(t, w.gateways[1:], s.step, s.params))
		require.JSONEq(t, string(first.Result), string(again.Result), s.step)
		require.Equal(t, effects, w.Count(s.op, ""), "%s is done once", s.step)
		require.Zero(t, w.Refused(s.op, ""), "%s asks before it makes", s.step)
	}
	now := w.Snapshot()
	require.Equal(t, "rack1", now.SDSs["sds1"].FaultSet)
	require.Len(t, now.SDSs["sds1"].Devices, 2)
	require.Equal(t, 34, now.Pools["pd/pool"].SparePercent)
	require.True(t, now.Pools["pd/pool"].ZeroPadding)
}

// The reply to each step's effect is lost: the next gateway, or the next try,
// finds it done.
func TestALostReplyMakesNothingTwice(t *testing.T) {
	for _, gateways := range []int{1, 2} {
		w := newWorld(t, false, scaleiotest.Options{})
		p := w.performer(t, nil)
		for _, s := range storageSteps() {
			w.Inject(scaleiotest.Fault{Op: s.op, Kind: scaleiotest.ReplyLost})
			var got core.GatewayAnswered
			require.Eventually(t, func() bool {
				got = p.Perform(t.Context(), call(t, w.gateways[:gateways], s.step, s.params))
				return got.Err == "" || !got.Interrupted
			}, 10*time.Second, 10*time.Millisecond)
			done[map[string]any](t, got)
			for name, n := range w.Counts()[s.op] {
				require.Equal(t, 1, n, "%s %s", s.op, name)
			}
		}
	}
}

func TestWhatAStepBuildsOnMustBeThere(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	for _, c := range []struct {
		step   string
		params any
		want   string
	}{
		{core.StepFaultSets, core.FaultSetParams{ProtectionDomain: "pd", Name: "x"}, "protection domain pd is not there although its step is done: retry step protection-domains/pd"},
		{core.StepStoragePools, core.StoragePoolParams{ProtectionDomain: "pd", Name: "x"}, "protection domain pd is not there"},
		{core.StepAddSDS, core.AddSDSParams{Name: "s", ProtectionDomain: "pd", IPs: []string{"127.0.1.11"}}, "protection domain pd is not there"},
	} {
		got := p.Perform(t.Context(), call(t, w.gateways, c.step, c.params))
		require.Contains(t, got.Err, c.want)
		require.False(t, got.Interrupted || got.Hopeless, "an operator may mend it")
	}
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepProtectionDomains, domain)))
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepSparePolicy, core.SparePolicyParams{ProtectionDomain: "pd", StoragePool: "pool", Percent: 34}))
	require.Contains(t, got.Err, "storage pool pool is not there although its step is done: retry step storage-pools/pd/pool")
	got = p.Perform(t.Context(), call(t, w.gateways, core.StepAddSDS, core.AddSDSParams{Name: "s", ProtectionDomain: "pd", FaultSet: "rack1", IPs: []string{"127.0.1.11"}}))
	require.Contains(t, got.Err, "fault set rack1 is not there although its step is done: retry step fault-sets/pd/rack1")
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepStoragePools, core.StoragePoolParams{ProtectionDomain: "pd", Name: "pool"})))
	got = p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, device("sdb")))
	require.Contains(t, got.Err, "SDS sds1 is not there although its step is done: retry step add-sds of its host")
}

func TestAnotherObjectOfTheSameNameIsHopeless(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	for _, s := range storageSteps()[:5] {
		done[any](t, p.Perform(t.Context(), call(t, w.gateways, s.step, s.params)))
	}
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepAddSDS, core.AddSDSParams{Name: "sds1", ProtectionDomain: "pd", IPs: []string{"127.0.1.12"}}))
	require.Contains(t, got.Err, `SDS "sds1"`)
	require.Contains(t, got.Err, "is there already and differs")
	require.True(t, got.Hopeless)
	require.False(t, got.Interrupted)
}

func TestADeviceUnderTestIsWaitedFor(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	w := newWorld(t, false, scaleiotest.Options{Now: clock, DeviceTest: time.Minute})
	p := w.performer(t, nil)
	steps := storageSteps()
	for _, s := range steps[:5] {
		done[any](t, p.Perform(t.Context(), call(t, w.gateways, s.step, s.params)))
	}
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, device("sdb")))
	require.Equal(t, "device dev-sdb (/dev/sdb) is in state InitialTest", got.Err)
	require.True(t, got.Interrupted, "it does not count as a failure")
	mu.Lock()
	now = now.Add(2 * time.Minute)
	mu.Unlock()
	result := done[core.AddDevicesResult](t, p.Perform(t.Context(), call(t, w.gateways, core.StepAddDevices, device("sdb"))))
	require.NotEmpty(t, result.IDs["dev-sdb"])
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateDevice, ""))
}

func TestVerifyMakesAVolumeAndLeavesNone(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	prefix := core.VerifyParams{VolumePrefix: "verify-"}

	// An attempt that died with its volume mapped, and somebody's volume.
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("verify-1"))))
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("data"))))
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpMapVolume, Kind: scaleiotest.ReplyLost})
	got := p.Perform(t.Context(), call(t, w.gateways[:1], core.StepVerifyVolume, volume("verify-2")))
	if got.Err != "" {
		require.True(t, got.Interrupted, got.Err)
	}
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("verify-2"))))
	require.Equal(t, []string{"host3"}, w.Snapshot().Volumes["verify-2"].MappedTo)
	require.Equal(t, 1, w.Count(scaleiotest.OpCreateVolume, "verify-2"))

	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpRemoveVolume, Kind: scaleiotest.ReplyLost})
	for range 2 { // the second finds nothing to do, or finishes the first
		got = p.Perform(t.Context(), call(t, w.gateways, core.StepVerify, prefix))
	}
	done[any](t, got)
	volumes := w.Snapshot().Volumes
	require.Len(t, volumes, 1)
	require.Contains(t, volumes, "data", "a volume of others is left alone, mapped as it was")
	require.Len(t, volumes["data"].MappedTo, 1)

	got = p.Perform(t.Context(), call(t, w.gateways, core.StepVerify, core.VerifyParams{}))
	require.True(t, got.Hopeless, "without a prefix it would mean every volume")
	require.Len(t, w.Snapshot().Volumes, 1)

	unknown := volume("verify-3")
	unknown.SDCAddress = "127.0.1.99"
	got = p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, unknown))
	require.Equal(t, "no SDC with address 127.0.1.99 is known to the MDM: look at scini on that host", got.Err)
}

// A volume that is mapped to a host that is away proves nothing.
func TestAVolumeIsMappedToAnSDCThatIsThere(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	systemctl := func(verb string) {
		reply, err := w.RunTool(t.Context(), scaleiotest.ToolRequest{Host: "host3", Tool: "systemctl", Args: []string{verb, "scini"}})
		require.NoError(t, err)
		require.Zero(t, reply.Exit, reply.Stderr)
	}
	systemctl("stop")
	got := p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("verify-1")))
	require.Equal(t, "the SDC with address 127.0.1.13 is known to the MDM, which says it is Disconnected: look at scini on that host, and whether it reaches the MDMs", got.Err)
	require.False(t, got.Hopeless, "it may come back")
	require.Empty(t, w.Snapshot().Volumes)
	systemctl("start")
	done[any](t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("verify-1"))))
}

func TestMalformedIntentsAreHopeless(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	for _, step := range []string{core.StepProtectionDomains, core.StepFaultSets, core.StepStoragePools, core.StepSparePolicy, core.StepAddSDS, core.StepAddDevices, core.StepVerifyVolume, core.StepVerify} {
		c := call(t, w.gateways, step, nil)
		c.Params = json.RawMessage(`{"name":`)
		got := p.Perform(t.Context(), c)
		require.True(t, got.Hopeless, step)
		require.Contains(t, got.Err, "the step's parameters are not those of")
	}
	got := p.Perform(t.Context(), call(t, w.gateways, "no-such-step/x", domain))
	require.Equal(t, "step no-such-step/x is none that a gateway performs", got.Err)
	require.True(t, got.Hopeless)
}

func TestAStepEndsWithItsContext(t *testing.T) {
	w := newWorld(t, false, scaleiotest.Options{})
	p := w.performer(t, nil)
	release := make(chan struct{})
	defer close(release)
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpCreatePD, Kind: scaleiotest.Slow, Release: release})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	got := p.Perform(ctx, call(t, w.gateways, core.StepProtectionDomains, domain))
	require.NotEmpty(t, got.Err)
	require.True(t, got.Interrupted, "a lapsed lease does not count")
}
