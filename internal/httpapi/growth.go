package httpapi

import (
	"net/http"
	"slices"
	"time"

	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// Pools is the answer of GET /v1/pools.
type Pools struct {
	// At is when growth last wrote down what it thinks, which it does when
	// something that an operator would notice has changed.
	At time.Time `json:"at,omitzero"`
	// Problem says why nothing can be decided at all.
	Problem string `json:"problem,omitempty"`
	// Provider is the provider's last error.
	Provider string                   `json:"provider,omitempty"`
	Pools    []storagegrowth.PoolView `json:"pools"`
}

// Growths is the answer of GET /v1/growth: the open growths and the history,
// newest first, without their volumes.
type Growths struct {
	At       time.Time                  `json:"at,omitzero"`
	Problem  string                     `json:"problem,omitempty"`
	Provider string                     `json:"provider,omitempty"`
	Growths  []storagegrowth.GrowthView `json:"growths"`
	// Orphans is their number; GET /v1/growth/orphans lists them.
	Orphans int `json:"orphans"`
}

// Growth is the answer of GET /v1/growth/{id}, with its volumes.
type Growth = storagegrowth.GrowthView

// Orphans is the answer of GET /v1/growth/orphans.
type Orphans struct {
	// At is when the provider was last asked for them; zero before that.
	At        time.Time                `json:"at,omitzero"`
	Orphans   []storagegrowth.Orphan   `json:"orphans"`
	Deletions []storagegrowth.Deletion `json:"deletions,omitempty"`
}

func (s *Server) pools(w http.ResponseWriter, _ *http.Request, term Term) {
	v := storagegrowth.Describe(term.View().Records)
	reply(w, http.StatusOK, Pools{At: v.At, Problem: v.Problem, Provider: v.Provider, Pools: listed(v.Pools)})
}

func (s *Server) growths(w http.ResponseWriter, _ *http.Request, term Term) {
	v := storagegrowth.Describe(term.View().Records)
	for i := range v.Growths {
		v.Growths[i].Slots = nil
	}
	reply(w, http.StatusOK, Growths{At: v.At, Problem: v.Problem, Provider: v.Provider, Growths: listed(v.Growths), Orphans: len(v.Orphans)})
}

func (s *Server) growth(w http.ResponseWriter, r *http.Request, term Term) {
	view, id := term.View(), r.PathValue("id")
	base := storagegrowth.GrowthBase(id)
	for _, path := range []string{leader.PathGrowth + "/" + id, leader.PathGrowth + "/" + base} {
		if reason := view.Unreadable[path]; reason != "" {
			fail(w, http.StatusInternalServerError, "the record of growth "+id+" is left alone: "+reason)
			return
		}
	}
	growths := storagegrowth.Describe(view.Records).Growths
	at := slices.IndexFunc(growths, func(g Growth) bool { return g.ID == base })
	if at < 0 {
		fail(w, http.StatusNotFound, "no growth "+id+": /v1/growth lists them")
		return
	}
	reply(w, http.StatusOK, growths[at])
}

func (s *Server) orphans(w http.ResponseWriter, _ *http.Request, term Term) {
	v := storagegrowth.Describe(term.View().Records)
	reply(w, http.StatusOK, Orphans{At: v.OrphansAt, Orphans: listed(v.Orphans), Deletions: v.Deletions})
}

// listed is an empty list instead of none, for readers of JSON.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
