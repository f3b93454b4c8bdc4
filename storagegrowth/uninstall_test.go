package storagegrowth_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth/growthtest"
)

// told tells the core of the cluster and returns which growths it calls open.
func (st *stage) told(known core.ClusterKnown) []string {
	var out core.Output
	st.core.Apply(st.now, known, &out)
	require.Len(st.t, out.Events, 1)
	open, ok := out.Events[0].(core.GrowthsOpen)
	require.True(st.t, ok)
	return open.IDs
}

// While the system is removed nothing begins: not by itself, not by an order.
// What awaits approval can be declined, and that is told.
func TestNothingGrowsWhileTheSystemIsRemoved(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.85), manualApproval())
	st.start()
	st.run(10 * time.Minute)
	require.Len(t, st.growths(), 1)
	g := st.growths()[0]
	known := core.ClusterKnown{UUID: uuid, Gateways: []model.Gateway{{Host: "h1", URL: "https://h1"}}, Uninstalling: true}
	require.Equal(t, []string{g.ID}, st.told(known))
	require.Contains(t, st.order("1", model.Order{Verb: model.GrowthApprove, Growth: g.ID}), "the system is being removed")
	require.Contains(t, st.order("2", model.Order{Verb: model.GrowthRequest, Pool: "default/default"}), "the system is being removed")
	require.Empty(t, st.order("3", model.Order{Verb: model.GrowthDecline, Growth: g.ID}))
	st.run(3 * time.Hour)
	require.Len(t, st.growths(), 1, "the pool is full, and nothing is decided")
	require.Equal(t, model.GrowthDeclined, st.growths()[0].State)
	require.Zero(t, st.site.Made)
	require.Empty(t, st.told(known))
}

// A growth that cannot be read may be open (R8).
func TestAnUnreadableGrowthIsToldAsOpen(t *testing.T) {
	st := newStage(t, growthtest.New(3, 0.5), eager())
	st.start()
	unreadable, err := st.core.Load(leader.Snapshot{leader.PathGrowth + "/g9": {Data: []byte("{")}})
	require.NoError(t, err)
	require.Len(t, unreadable, 1)
	require.Equal(t, []string{"g9 (its record is unreadable)"}, st.told(core.ClusterKnown{UUID: uuid, Uninstalling: true}))
}
