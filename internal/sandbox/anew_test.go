package sandbox

import (
	"context"
	"net/http"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
	"scaleio-framework/scaleio"
	"scaleio-framework/storagegrowth"
)

// Everything that a framework keeps is lost: its znodes are gone, and Mesos
// has removed it. The next framework finds the ScaleIO system on the same hosts
// and completes by itself: nothing is made a second time, the volumes and the
// EBS volumes of the earlier framework stay as they are, and the pool is read
// as it is.
func TestAFrameworkThatBeginsAnewFindsTheSystem(t *testing.T) {
	opts := testOptions(t)
	opts.Growth, opts.Schedulers = true, 1
	w := newWorld(t.Context(), t, opts)
	first, err := w.await(t.Context(), "the bootstrap", time.Minute, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(t, err)
	_, err = w.fill()
	require.NoError(t, err)
	const pool = "default/default"
	_, err = w.awaitGrowth(t.Context(), pool, "the growth", func(g *storagegrowth.GrowthView) bool { return g.Finished != nil })
	require.NoError(t, err)
	makeVolume(t, w, first)
	before := w.system.Snapshot()
	require.Len(t, before.Volumes, 1)
	require.Len(t, before.SDSs["host1"].Devices, 2, "its own disk and the EBS volume")

	loseEverything(t, w, first.Framework.ID)
	require.NoError(t, w.StartSchedulers())
	second, err := w.await(t.Context(), "the second bootstrap", time.Minute, nil, func(st State) bool { return st.Complete(3) })
	require.NoError(t, err)

	require.NotEqual(t, first.Framework.ID, second.Framework.ID)
	require.NotEqual(t, first.Cluster.UUID, second.Cluster.UUID)
	require.Equal(t, first.Cluster.SystemID, second.Cluster.SystemID)
	counts := w.system.Counts()
	for _, op := range created() {
		for name, n := range counts[op] {
			require.Equal(t, 1, n, "%s %s", op, name)
		}
	}
	after := w.system.Snapshot()
	require.Equal(t, before.Volumes, after.Volumes)
	require.Equal(t, before.SDSs, after.SDSs)
	require.Equal(t, before.Pools, after.Pools)
	require.Equal(t, before.Cluster, after.Cluster)
	for _, plan := range second.Plans {
		require.Len(t, plan.Devices, 2)
		for _, d := range plan.Devices {
			require.True(t, d.Found)
			require.NotEmpty(t, d.ID)
			require.Positive(t, d.Size)
		}
		require.Contains(t, plan.Steps[core.StepAddDevices].Reason, "found in use: ")
	}
	require.Equal(t, 3, w.aws.cloud.Count("CreateVolume").Effects, "the earlier framework's")
	require.Empty(t, w.aws.attachedTwice())

	// The volumes of the earlier framework bear its tags: they are devices of
	// the pool, and nobody's orphans.
	view := w.readPools(t, pool)
	require.InDelta(t, w.fullness(pool), view.Pools[0].Fullness, 0.001)
	require.Equal(t, after.Pools[pool].LimitKb, view.Pools[0].LimitKiB)
	require.Empty(t, view.Growths, "the pool is large enough")
	require.Empty(t, view.Orphans)
}

// makeVolume is what a user of the pool does.
func makeVolume(t *testing.T, w *World, state State) {
	t.Helper()
	client, err := scaleio.New(scaleio.Options{Endpoint: state.Cluster.Gateways[0].URL, Password: w.Password(), Insecure: true})
	require.NoError(t, err)
	defer client.Close()
	domain, err := client.FindProtectionDomain(t.Context(), "default")
	require.NoError(t, err)
	pool, err := client.FindStoragePool(t.Context(), domain.ID, "default")
	require.NoError(t, err)
	made, err := client.EnsureVolume(t.Context(), scaleio.VolumeSpec{Name: "data", ProtectionDomainID: domain.ID, StoragePoolID: pool.ID, SizeKiB: 8 << 20})
	require.NoError(t, err)
	sdc, err := client.FindSDC(t.Context(), w.hosts[1].IP)
	require.NoError(t, err)
	_, err = client.EnsureMapped(t.Context(), made.ID, sdc.ID)
	require.NoError(t, err)
}

// loseEverything ends the schedulers, tears the framework down and removes its
// znodes.
func loseEverything(t *testing.T, w *World, framework string) {
	t.Helper()
	for _, s := range w.schedulers {
		require.NoError(t, s.Close())
	}
	w.schedulers = nil
	resp, err := http.PostForm(w.mesos.MasterURL()+"/master/teardown", url.Values{"frameworkId": {framework}})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	conn, err := zkconn.Dial(t.Context(), w.Store())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, removeTree(t.Context(), conn, "/"))
	tree, err := w.client.Tree(t.Context())
	require.NoError(t, err)
	require.NotContains(t, tree, leader.PathCluster)
}

// removeTree removes what is below a path.
func removeTree(ctx context.Context, conn *zkconn.Conn, at string) error {
	children, err := conn.Children(ctx, at)
	if err != nil {
		return err
	}
	for _, name := range children {
		child := path.Join(at, name)
		if err := removeTree(ctx, conn, child); err != nil {
			return err
		}
		if err := conn.Delete(ctx, child, -1); err != nil && !strings.Contains(child, "candidates") {
			return err
		}
	}
	return nil
}

// readPools waits until the leader has read a pool.
func (w *World) readPools(t *testing.T, pool string) storagegrowth.View {
	t.Helper()
	var view storagegrowth.View
	require.Eventually(t, func() bool {
		tree, err := w.client.Tree(t.Context())
		view = storagegrowth.Describe(tree)
		return err == nil && len(view.Pools) == 1 && view.Pools[0].Pool == pool
	}, time.Minute, pollInterval, "it is read when the plan has proven it")
	return view
}
