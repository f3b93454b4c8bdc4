package gateway_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio/scaleiotest"
)

const ours = "verify-0af1-"

func removals() []struct {
	step   string
	params any
	op     scaleiotest.Op
} {
	return []struct {
		step   string
		params any
		op     scaleiotest.Op
	}{
		{core.StepRemoveVolumes, core.RemoveVolumesParams{VolumePrefix: ours, All: true}, scaleiotest.OpRemoveVolume},
		{core.StepRemoveSDS, core.RemoveSDSParams{Name: "sds_host1", VolumePrefix: ours}, scaleiotest.OpRemoveSDS},
		{core.StepRemoveSDS, core.RemoveSDSParams{Name: "sds_host2", VolumePrefix: ours}, scaleiotest.OpRemoveSDS},
		{core.StepRemoveSDS, core.RemoveSDSParams{Name: "sds_host3", VolumePrefix: ours}, scaleiotest.OpRemoveSDS},
		{core.StepRemoveStoragePools + "/default/default", core.RemoveStoragePoolParams{ProtectionDomain: "default", StoragePool: "default", VolumePrefix: ours}, scaleiotest.OpRemovePool},
		{core.StepRemoveFaultSets + "/default/none", core.RemoveFaultSetParams{ProtectionDomain: "default", Name: "none"}, scaleiotest.OpRemoveFaultSet},
		{core.StepRemoveProtectionDomains + "/default", core.RemoveProtectionDomainParams{Name: "default", SDSs: []string{"sds_host1"}, VolumePrefix: ours}, scaleiotest.OpRemovePD},
	}
}

// What is gone is not removed again, whoever repeats the call, and a reply that
// is lost changes nothing of that.
func TestARemovalCanBeRepeatedThroughAnyGateway(t *testing.T) {
	for _, lost := range []bool{false, true} {
		w := newWorld(t, true, scaleiotest.Options{})
		p := w.performer(t, nil)
		made := p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume(ours+"1")))
		require.Empty(t, made.Err)
		for _, s := range removals() {
			if lost {
				w.Inject(scaleiotest.Fault{Op: s.op, Kind: scaleiotest.ReplyLost})
			}
			for range 3 {
				got := p.Perform(t.Context(), call(t, w.gateways, s.step, s.params))
				require.Empty(t, got.Err, s.step)
			}
			w.Heal()
		}
		now := w.Snapshot()
		require.Empty(t, now.Domains)
		require.Empty(t, now.Pools)
		require.Empty(t, now.SDSs)
		require.Empty(t, now.Volumes)
		for op, names := range w.Counts() {
			for name, n := range names {
				if strings.HasPrefix(string(op), "remove") {
					require.Equal(t, 1, n, "%s %s", op, name)
				}
			}
		}
	}
}

// Volumes of others are named, never unmapped, and removed only on demand.
func TestVolumesOfOthersStandInTheWay(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	require.Empty(t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("users"))).Err)
	for step, params := range map[string]any{
		core.StepRemovalCheck:  core.RemovalCheckParams{VolumePrefix: ours, AllowVolumes: true},
		core.StepRemoveVolumes: core.RemoveVolumesParams{VolumePrefix: ours, All: true},
		core.StepRemoveSDS:     core.RemoveSDSParams{Name: "sds_host1", VolumePrefix: ours},
	} {
		got := p.Perform(t.Context(), call(t, w.gateways, step, params))
		require.Contains(t, got.Err, "volume users is mapped to SDC 127.0.1.13", step)
		require.True(t, got.Interrupted, "an operator is waited for")
	}
	texts, err := p.Blocking(t.Context(), w.gateways, core.RemovalCheckParams{VolumePrefix: ours, AllowVolumes: true})
	require.NoError(t, err)
	require.Equal(t, []string{"volume users is mapped to SDC 127.0.1.13"}, texts)

	require.Empty(t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerify, core.VerifyParams{VolumePrefix: "users"})).Err)
	require.Empty(t, p.Perform(t.Context(), call(t, w.gateways, core.StepVerifyVolume, volume("users"))).Err)
	_, err = p.Blocking(t.Context(), nil, core.RemovalCheckParams{VolumePrefix: ours})
	require.Error(t, err, "unreadable is not zero")
	for _, step := range []string{core.StepRemovalCheck, core.StepRemoveVolumes, core.StepRemoveSDS} {
		got := p.Perform(t.Context(), call(t, w.gateways, step, map[string]any{}))
		require.True(t, got.Hopeless, "%s without a prefix would mean every volume", step)
	}
	require.Contains(t, w.Snapshot().Volumes, "users")
	require.Len(t, w.Snapshot().SDSs, 3)
}
