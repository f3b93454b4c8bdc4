package gateway_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio/scaleiotest"
)

func TestPoolsAreReadAsTheyAre(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	require.NoError(t, w.Fill("default/default", 0.75))
	require.NoError(t, w.StopHost("host1"))
	got := w.performer(t, nil).ReadPools(t.Context(), core.ReadPools{Gateways: w.gateways})
	require.Empty(t, got.Err, "the second gateway is asked")
	require.Contains(t, got.MDM, "the MDM cluster is Clustered", "one of its members is gone")
	require.WithinDuration(t, time.Now(), got.At, time.Minute)
	require.Len(t, got.Pools, 1)
	pool, real := got.Pools[0], w.Snapshot().Pools["default/default"]
	require.Equal(t, "default", pool.ProtectionDomain)
	require.Equal(t, "default", pool.StoragePool)
	require.Empty(t, pool.Implausible)
	require.Equal(t, 34, pool.SparePercent)
	require.Equal(t, real.LimitKb, int64(pool.LimitKiB))
	require.Equal(t, real.InUseKb, int64(pool.InUseKiB))
	require.Equal(t, real.SpareKb, int64(pool.SpareKiB))
	require.InDelta(t, 0.75, float64(pool.InUseKiB)/float64(pool.LimitKiB-pool.SpareKiB), 0.01)
	require.Len(t, pool.Units, 3)
	for _, unit := range pool.Units {
		require.Len(t, unit.SDSs, 1)
		require.Len(t, unit.SDSs[0].Devices, 2)
	}
}

// A whole MDM cluster is nothing to tell, and one that cannot be read leaves the
// pools as they are; the answer bears the question's time.
func TestTheMDMClusterIsReadBesideThePools(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	asked := time.Now()
	got := p.ReadPools(t.Context(), core.ReadPools{Gateways: w.gateways, Asked: asked})
	require.Empty(t, got.Err)
	require.Empty(t, got.MDM)
	require.Equal(t, asked, got.Asked)
	w.Inject(scaleiotest.Fault{Op: scaleiotest.OpRead, Name: "System", Kind: scaleiotest.Reject, Times: -1})
	got = p.ReadPools(t.Context(), core.ReadPools{Gateways: w.gateways})
	require.Empty(t, got.Err)
	require.Contains(t, got.MDM, "the state of the MDM cluster cannot be read")
	require.Len(t, got.Pools, 1)
}

// Unreadable is not zero: whatever cannot be read makes the reading void.
func TestAPartOfAReadingIsNone(t *testing.T) {
	w := newWorld(t, true, scaleiotest.Options{})
	p := w.performer(t, nil)
	for _, f := range []scaleiotest.Fault{
		{Op: scaleiotest.OpRead, Name: "Sds"},
		{Op: scaleiotest.OpRead, Name: "Device"},
		{Op: scaleiotest.OpStatistics, Name: "all"},
	} {
		f.Kind, f.Times = scaleiotest.Reject, -1
		w.Inject(f)
		got := p.ReadPools(t.Context(), core.ReadPools{Gateways: w.gateways})
		require.NotEmpty(t, got.Err, "%s %s", f.Op, f.Name)
		require.Nil(t, got.Pools)
		w.Heal()
	}
	require.NoError(t, w.StopHost("host1"))
	require.NoError(t, w.StopHost("host2"))
	got := p.ReadPools(t.Context(), core.ReadPools{Gateways: w.gateways})
	require.Contains(t, got.Err, "does not answer")
	require.Nil(t, got.Pools)
	require.Equal(t, "no gateway is configured yet", p.ReadPools(t.Context(), core.ReadPools{}).Err)
}
