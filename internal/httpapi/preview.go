package httpapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
)

// Preview is one pool in the answer of GET /v1/growth/preview: a dry run on
// readings of now, for which nothing is made and nothing is stored.
type Preview struct {
	core.PoolPreview
	// Growth awaits approval, or is under way; nil when there is none.
	Growth *Growth `json:"growth,omitempty"`
}

// preview shows what a growth decided now would be, in each pool or in the one
// that the query names.
func (s *Server) preview(w http.ResponseWriter, r *http.Request, term Term) {
	query := r.URL.Query()
	pool, size := query.Get("pool"), 0
	if text := query.Get("size_gib"); text != "" {
		var err error
		if size, err = strconv.Atoi(text); err != nil || size < 0 {
			fail(w, http.StatusBadRequest, "size_gib is "+strconv.Quote(text)+", want 0 or more GiB")
			return
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.opts.PreviewWait)
	defer cancel()
	told, err := term.Preview(ctx, pool, size)
	switch {
	case err != nil:
		fail(w, http.StatusServiceUnavailable, previewFailure(err))
	case told.Problem != "":
		fail(w, http.StatusServiceUnavailable, "nothing can be decided: "+told.Problem)
	case pool != "" && len(told.Pools) == 0:
		known := "none is known yet"
		if len(told.Known) > 0 {
			known = "there are " + strings.Join(told.Known, ", ")
		}
		fail(w, http.StatusNotFound, "no storage pool "+pool+": "+known)
	default:
		reply(w, http.StatusOK, withGrowths(told.Pools, storagegrowth.Describe(term.View().Records).Growths))
	}
}

func previewFailure(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "no preview: a gateway or the provider of volumes has not answered yet; ask again, and see scaleioctl pools"
	}
	return "no preview: " + err.Error()
}

// withGrowths joins the dry runs with the growths that are not over.
func withGrowths(pools []core.PoolPreview, growths []Growth) []Preview {
	previews := make([]Preview, 0, len(pools))
	for _, pool := range pools {
		p := Preview{PoolPreview: pool}
		if at := slices.IndexFunc(growths, func(g Growth) bool { return g.Pool == pool.Pool && unfinished(g) }); at >= 0 {
			p.Growth = &growths[at]
		}
		previews = append(previews, p)
	}
	return previews
}

func unfinished(g Growth) bool {
	return g.State == model.GrowthAwaiting || g.State == model.GrowthOpen
}
