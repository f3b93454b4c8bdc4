package storagegrowth

import (
	"encoding/json"
	"slices"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// View is growth as operators see it, made from committed records only.
type View struct {
	At       time.Time    `json:"at,omitzero"`
	Problem  string       `json:"problem,omitempty"`
	Provider string       `json:"provider,omitempty"`
	Pools    []PoolView   `json:"pools"`
	Growths  []GrowthView `json:"growths"` // newest first
	Orphans  []Orphan     `json:"orphans"`
	// OrphansAt is when the provider was last asked for them.
	OrphansAt time.Time  `json:"orphans_at,omitzero"`
	Deletions []Deletion `json:"deletions,omitempty"`
	// Totals are empty while nothing was counted, or they cannot be read.
	Totals Totals `json:"totals"`
}

// PoolView is one pool.
type PoolView struct {
	Pool string `json:"pool"` // "protection domain/pool"
	PoolStatus
	// LastGrowth is the growth that was decided last.
	LastGrowth *GrowthView `json:"last_growth,omitempty"`
}

// GrowthView is one growth, all its parts together.
type GrowthView struct {
	ID         string                  `json:"id"`
	Pool       string                  `json:"pool"`
	State      model.GrowthState       `json:"state"`
	Reason     string                  `json:"reason"`
	UsedBefore float64                 `json:"used_before"`
	UsedAfter  float64                 `json:"used_after"`
	Clipped    string                  `json:"clipped,omitempty"`
	Decided    time.Time               `json:"decided"`
	Approved   string                  `json:"approved,omitempty"`
	Finished   *time.Time              `json:"finished,omitempty"`
	Provider   string                  `json:"provider"`
	Volumes    int                     `json:"volumes"`
	AddedGiB   int                     `json:"added_gib"`
	Counts     map[model.SlotState]int `json:"counts"`
	Slots      []model.GrowthSlot      `json:"slots"`
}

// Describe turns committed records into a view. Records that cannot be read
// are left out: the engine reports them.
func Describe(stored leader.Snapshot) View {
	var v View
	var status Status
	if entry, ok := stored[PathStatus]; ok && json.Unmarshal(entry.Data, &status) == nil {
		v.At, v.Problem, v.Provider = status.At, status.Problem, status.Provider
		v.Orphans, v.OrphansAt, v.Deletions = status.Orphans, status.OrphansAt, status.Deletions
	}
	if entry, ok := stored[PathTotals]; ok {
		if totals, err := parseTotals(entry.Data); err == nil {
			v.Totals = *totals
		}
	}
	v.Growths = describeGrowths(stored)
	for _, pool := range sortedKeys(status.Pools) {
		p := PoolView{Pool: pool, PoolStatus: status.Pools[pool]}
		if at := slices.IndexFunc(v.Growths, func(g GrowthView) bool { return g.Pool == pool }); at >= 0 {
			last := v.Growths[at]
			last.Slots = nil
			p.LastGrowth = &last
		}
		v.Pools = append(v.Pools, p)
	}
	return v
}

func describeGrowths(stored leader.Snapshot) []GrowthView {
	byBase := make(map[string]*GrowthView)
	for _, path := range sortedKeys(stored) {
		if _, ok := below(path, leader.PathGrowth); !ok {
			continue
		}
		g, err := model.Decode[model.Growth](stored[path].Data)
		if err != nil {
			continue
		}
		view := byBase[GrowthBase(g.ID)]
		if view == nil {
			view = &GrowthView{
				ID: GrowthBase(g.ID), Pool: g.ProtectionDomain + "/" + g.StoragePool, State: g.State, Reason: g.Reason,
				UsedBefore: g.UsedBefore, UsedAfter: g.UsedAfter, Clipped: g.Clipped, Decided: g.Decided,
				Approved: g.Approved, Finished: g.Finished, Provider: g.Provider, Counts: make(map[model.SlotState]int),
			}
			byBase[view.ID] = view
		}
		view.add(g)
	}
	views := make([]GrowthView, 0, len(byBase))
	for _, id := range sortedKeys(byBase) {
		views = append(views, *byBase[id])
	}
	slices.SortStableFunc(views, func(a, b GrowthView) int { return b.Decided.Compare(a.Decided) })
	return views
}

// add counts one part in. The whole is as far as its last part.
func (v *GrowthView) add(g *model.Growth) {
	rank := []model.GrowthState{model.GrowthDone, model.GrowthDeclined, model.GrowthPartial, model.GrowthAwaiting, model.GrowthOpen}
	if slices.Index(rank, g.State) > slices.Index(rank, v.State) {
		v.State = g.State
	}
	if g.Finished == nil || v.Finished != nil && g.Finished.After(*v.Finished) {
		v.Finished = g.Finished
	}
	for _, s := range g.Slots {
		v.Counts[s.State]++
		if !replaced(g, &s) {
			v.Volumes++
		}
		if s.State == model.SlotDone {
			v.AddedGiB += s.Request.SizeGiB
		}
	}
	v.Slots = append(v.Slots, g.Slots...)
}
