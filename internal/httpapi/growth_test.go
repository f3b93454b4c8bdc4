package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// growing is a site with one pool that grew once, one that awaits approval,
// and an orphan.
func growing(t *testing.T) engine.View {
	t.Helper()
	ended := since.Add(time.Hour)
	slot := func(state model.SlotState) model.GrowthSlot {
		return model.GrowthSlot{Host: "h1", SDS: "sds1", State: state, VolumeID: "vol-1", Since: since, Request: model.VolumeRequest{SizeGiB: 100}}
	}
	v := view(t, map[string]any{
		leader.PathGrowth + "/20260304-a": &model.Growth{
			ID: "20260304-a", State: model.GrowthDone, ProtectionDomain: "pd", StoragePool: "sp", Reason: "81.0 % full", Provider: "aws",
			Decided: since, Finished: &ended, Slots: []model.GrowthSlot{slot(model.SlotDone)},
		},
		leader.PathGrowth + "/20260305-b": &model.Growth{
			ID: "20260305-b", State: model.GrowthAwaiting, ProtectionDomain: "pd", StoragePool: "big", Reason: "85.0 % full", Provider: "aws",
			Decided: since.Add(24 * time.Hour), Slots: []model.GrowthSlot{slot(model.SlotPlanned)},
		},
		leader.PathGrowth + "/20260306-c": []byte("{ edited by hand"),
		storagegrowth.PathStatus: &storagegrowth.Status{
			At: since, OrphansAt: since, Provider: "throttled",
			Pools: map[string]storagegrowth.PoolStatus{
				"pd/sp":  {Fullness: 0.5, LimitKiB: 1 << 30, Threshold: 0.8, Verdict: storagegrowth.VerdictFine, Decision: "below the threshold of 80.0 %"},
				"pd/big": {Fullness: 0.85, LimitKiB: 1 << 30, Threshold: 0.8, Verdict: storagegrowth.VerdictOpen, Decision: "growth 20260305-b is awaiting-approval"},
			},
			Orphans: []storagegrowth.Orphan{{Volume: "vol-9", SizeGiB: 8, State: "available"}},
		},
	})
	v.Unreadable[leader.PathGrowth+"/20260306-c"] = "not valid JSON"
	return v
}

func TestTheLeaderShowsPoolsAndGrowths(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: growing(t)}), s.start(t, "b", setup{})
	s.lead("a")

	pools := into[httpapi.Pools](t, b.do(t, http.MethodGet, "/v1/pools", ""))
	require.Equal(t, "throttled", pools.Provider)
	require.Len(t, pools.Pools, 2)
	require.Equal(t, "pd/sp", pools.Pools[1].Pool)
	require.Equal(t, "20260304-a", pools.Pools[1].LastGrowth.ID)

	list := into[httpapi.Growths](t, a.do(t, http.MethodGet, "/v1/growth", ""))
	require.Equal(t, 1, list.Orphans)
	require.Len(t, list.Growths, 2)
	require.Equal(t, "20260305-b", list.Growths[0].ID, "the newest first")
	require.Empty(t, list.Growths[0].Slots)
	require.Equal(t, 1, list.Growths[1].Counts[model.SlotDone])

	for _, id := range []string{"20260304-a", "20260304-a.2"} {
		one := into[httpapi.Growth](t, a.do(t, http.MethodGet, "/v1/growth/"+id, ""))
		require.Equal(t, "20260304-a", one.ID, "a part shows the whole")
		require.Equal(t, "vol-1", one.Slots[0].VolumeID)
	}
	missing := a.do(t, http.MethodGet, "/v1/growth/nothing", "")
	require.Equal(t, http.StatusNotFound, missing.code)
	require.Equal(t, "no growth nothing: /v1/growth lists them", missing.problem(t))
	broken := a.do(t, http.MethodGet, "/v1/growth/20260306-c", "")
	require.Equal(t, http.StatusInternalServerError, broken.code)
	require.Contains(t, broken.problem(t), "growth 20260306-c is left alone: not valid JSON")

	orphans := into[httpapi.Orphans](t, a.do(t, http.MethodGet, "/v1/growth/orphans", ""))
	require.Equal(t, since, orphans.At)
	require.Equal(t, "vol-9", orphans.Orphans[0].Volume)
}

func TestBeforeGrowthKnowsAnythingListsAreEmpty(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	require.JSONEq(t, `{"pools":[]}`, a.do(t, http.MethodGet, "/v1/pools", "").body)
	require.JSONEq(t, `{"growths":[],"orphans":0}`, a.do(t, http.MethodGet, "/v1/growth", "").body)
	require.JSONEq(t, `{"orphans":[]}`, a.do(t, http.MethodGet, "/v1/growth/orphans", "").body)
}

func TestAGrowthVerbBecomesAnOrder(t *testing.T) {
	for _, c := range []struct {
		verb, body string
		want       model.Order
	}{
		{"approve", `{"growth":"g1","by":"ann"}`, model.Order{Verb: model.GrowthApprove, Growth: "g1", By: "ann"}},
		{"decline", `{"growth":"g1"}`, model.Order{Verb: model.GrowthDecline, Growth: "g1"}},
		{"retry", `{"growth":"g1"}`, model.Order{Verb: model.GrowthRetry, Growth: "g1"}},
		{"request", `{"pool":"pd/sp","size_gib":300}`, model.Order{Verb: model.GrowthRequest, Pool: "pd/sp", SizeGiB: 300}},
		{"delete-orphan", `{"volume":"vol-9"}`, model.Order{Verb: model.GrowthDeleteOrphan, Volume: "vol-9"}},
	} {
		s := newSite()
		a := s.start(t, "a", setup{})
		s.lead("a")
		got := a.do(t, http.MethodPost, "/v1/growth/"+c.verb, c.body)
		require.Equal(t, http.StatusOK, got.code, got.body)
		order := s.only(t)
		order.At = time.Time{}
		require.Equal(t, c.want, order)
	}
}

func TestABadGrowthOrderIsNeverWritten(t *testing.T) {
	s := newSite()
	a := s.start(t, "a", setup{})
	s.lead("a")
	for _, c := range []struct {
		name, path, body string
		code             int
		want             string
	}{
		{"an unknown verb", "growth/explode", "", http.StatusBadRequest, `order has unknown verb "growth-explode", want growth-request, `},
		{"an approval of nothing", "growth/approve", "{}", http.StatusBadRequest, `order "growth-approve" names no growth`},
		{"a pool without its domain", "growth/request", `{"pool":"sp"}`, http.StatusBadRequest, `want "protection domain/pool"`},
		{"a pool for an approval", "growth/approve", `{"growth":"g","pool":"pd/sp"}`, http.StatusBadRequest, `order "growth-approve" takes no "pool": leave it out`},
		{"no JSON", "growth/approve", "g1", http.StatusBadRequest, `want {"growth":"..."}`},
		{"a growth's order as one of the plan", "plan/growth-approve", `{"growth":"g"}`, http.StatusNotFound, "orders about growths go to /v1/growth/approve"},
		{"a step for a pause", "plan/pause", `{"step":"x"}`, http.StatusBadRequest, `order "pause" takes no "step": leave it out`},
		{"a host for a resume", "plan/resume", `{"host":"h1"}`, http.StatusBadRequest, `order "resume" takes no "host": leave it out`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := a.do(t, http.MethodPost, "/v1/"+c.path, c.body)
			require.Equal(t, c.code, got.code, got.body)
			require.Contains(t, got.problem(t), c.want)
		})
	}
	require.Zero(t, s.written())
}
