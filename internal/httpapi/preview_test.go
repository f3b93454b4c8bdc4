package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/httpapi"
)

// dryRun answers as the core of a site with two pools does.
func dryRun(_ context.Context, pool string, sizeGiB int) (core.TellPreview, error) {
	told := core.TellPreview{Known: []string{"pd/big", "pd/sp"}}
	for _, p := range []core.PoolPreview{
		{Pool: "pd/big", Verdict: "growth-open", Decision: "growth 20260305-b is awaiting-approval", Why: "growth 20260305-b is awaiting-approval"},
		{Pool: "pd/sp", Verdict: "below-threshold", Decision: "below the threshold of 80.0 %", Plan: &core.GrowthPreview{
			SizeGiB: max(sizeGiB, 104), VolumeType: "gp3", Volumes: []core.VolumePreview{{Host: "h1", Zone: "z1"}},
		}},
	} {
		if pool == "" || pool == p.Pool {
			told.Pools = append(told.Pools, p)
		}
	}
	return told, nil
}

func TestAPreviewIsADryRunBesideWhatIsUnderWay(t *testing.T) {
	s := newSite()
	a, b := s.start(t, "a", setup{view: growing(t), preview: dryRun}), s.start(t, "b", setup{})
	s.lead("a")
	all := into[[]httpapi.Preview](t, b.do(t, http.MethodGet, "/v1/growth/preview", ""))
	require.Len(t, all, 2, "a standby passes the question on")
	require.Equal(t, "20260305-b", all[0].Growth.ID)
	require.Len(t, all[0].Growth.Slots, 1, "what awaits approval is shown in full")
	require.Nil(t, all[0].Plan)
	require.Nil(t, all[1].Growth, "a growth that is over is not shown")
	require.Equal(t, "h1", all[1].Plan.Volumes[0].Host)

	one := into[[]httpapi.Preview](t, a.do(t, http.MethodGet, "/v1/growth/preview?pool=pd/sp&size_gib=300", ""))
	require.Len(t, one, 1)
	require.Equal(t, 300, one[0].Plan.SizeGiB)
	require.Zero(t, s.written(), "a preview is no order")
}

func TestWhyThereIsNoPreview(t *testing.T) {
	fails := func(told core.TellPreview, err error) func(context.Context, string, int) (core.TellPreview, error) {
		return func(context.Context, string, int) (core.TellPreview, error) { return told, err }
	}
	for _, c := range []struct {
		name    string
		query   string
		preview func(context.Context, string, int) (core.TellPreview, error)
		code    int
		want    string
	}{
		{"another pool", "?pool=pd/none", dryRun, http.StatusNotFound, "no storage pool pd/none: there are pd/big, pd/sp"},
		{"no pool at all", "?pool=x/y", fails(core.TellPreview{}, nil), http.StatusNotFound, "no storage pool x/y: none is known yet"},
		{"no gateway", "", fails(core.TellPreview{Problem: "the pools cannot be read: no gateway answers"}, nil), http.StatusServiceUnavailable, "nothing can be decided: the pools cannot be read: no gateway answers"},
		{"the term ends", "", fails(core.TellPreview{}, errors.New("the engine stopped")), http.StatusServiceUnavailable, "no preview: the engine stopped"},
		{"no size", "?size_gib=ten", dryRun, http.StatusBadRequest, `size_gib is "ten", want 0 or more GiB`},
		{"a negative size", "?size_gib=-1", dryRun, http.StatusBadRequest, `size_gib is "-1", want 0 or more GiB`},
		{"nobody answers", "", func(ctx context.Context, _ string, _ int) (core.TellPreview, error) {
			<-ctx.Done()
			return core.TellPreview{}, ctx.Err()
		}, http.StatusServiceUnavailable, "a gateway or the provider of volumes has not answered yet; ask again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite()
			a := s.start(t, "a", setup{preview: c.preview})
			s.lead("a")
			got := a.do(t, http.MethodGet, "/v1/growth/preview"+c.query, "")
			require.Equal(t, c.code, got.code, got.body)
			require.Contains(t, got.problem(t), c.want)
		})
	}
	s := newSite()
	a := s.start(t, "a", setup{preview: fails(core.TellPreview{}, nil)})
	s.lead("a")
	require.JSONEq(t, `[]`, a.do(t, http.MethodGet, "/v1/growth/preview", "").body, "no pool is no error when none was named")
}
