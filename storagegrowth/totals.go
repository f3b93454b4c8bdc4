package storagegrowth

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// PathTotals is the record of what growth has done so far.
const PathTotals = "/growth-totals"

// Totals is /growth-totals: numbers that only ever grow, whoever leads. What
// they count is rare, so that they would be lost on a leader that counts for
// itself. The end of a volume or a growth is counted in the commit that records
// it; everything else at most StatusEvery later.
type Totals struct {
	Pools map[string]*PoolTotals `json:"pools,omitempty"` // by "protection domain/pool"
	// Volumes are the slots that are over, by the state they ended in.
	Volumes map[model.SlotState]int64 `json:"volumes,omitempty"`
	// Failures are what went wrong on the way, repeated or not, by reason.
	Failures map[string]int64 `json:"failures,omitempty"`
	// Durations are of the growths that ended done or partial.
	Durations Durations `json:"durations,omitzero"`
}

// PoolTotals are the numbers of one pool.
type PoolTotals struct {
	// Last is the verdict that was counted last: only a change is counted.
	Last      Verdict                     `json:"last,omitempty"`
	Decisions map[Verdict]int64           `json:"decisions,omitempty"`
	Limits    map[Limit]int64             `json:"limits,omitempty"`
	Begun     int64                       `json:"begun,omitempty"`
	Finished  map[model.GrowthState]int64 `json:"finished,omitempty"`
}

// Durations is a histogram of the time from a decision to its end.
type Durations struct {
	Count   int64   `json:"count"`
	Seconds float64 `json:"seconds"` // their sum
	// AtMost are the numbers of those that took no longer, by seconds.
	AtMost map[int64]int64 `json:"at_most"`
}

// DurationBounds are the upper bounds of the histogram: a growth of attached
// disks takes a minute, one with a stuck volume some, one with a lost node half
// an hour, and one that awaits approval as long as its operator.
func DurationBounds() []time.Duration {
	return []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}
}

// The reasons of Totals.Failures beside the provider's.
const (
	FailureGateway   = "gateway-refused"
	FailureStuck     = "stuck-attaching"
	FailureNoDevice  = "device-not-appeared"
	FailureNotNormal = "device-not-normal"
	FailureVanished  = "volume-vanished"
	FailureVolumeBad = "volume-error"
)

// FailureReasons are all of them.
func FailureReasons() []string {
	reasons := []string{FailureGateway, FailureStuck, FailureNoDevice, FailureNotNormal, FailureVanished, FailureVolumeBad}
	for _, e := range core.CloudErrors() {
		reasons = append(reasons, string(e))
	}
	return reasons
}

// parseTotals reads the record.
func parseTotals(data []byte) (*Totals, error) {
	totals := &Totals{}
	if err := json.Unmarshal(data, totals); err != nil {
		return nil, fmt.Errorf("not valid JSON: %w: remove it, the totals start at zero", err)
	}
	maps.DeleteFunc(totals.Pools, func(_ string, p *PoolTotals) bool { return p == nil })
	return totals, nil
}

// maxTotalsPools bounds the record; further pools are not counted.
const maxTotalsPools = maxStatusPools

// poolTotals are those of a pool; nil when they are not counted.
func (t *turn) poolTotals(pool string) *PoolTotals {
	if t.totals == nil {
		return nil
	}
	p := t.totals.Pools[pool]
	if p == nil && len(t.totals.Pools) < maxTotalsPools {
		p = &PoolTotals{}
		put(&t.totals.Pools, pool, p)
	}
	return p
}

// countDecision counts what was decided on a pool when it is something else
// than before: the same decision of each minute tells nothing.
func (t *turn) countDecision(pool string, d Decision) {
	p := t.poolTotals(pool)
	if p == nil || p.Last == d.Verdict || d.Verdict == VerdictAskProvider {
		return
	}
	p.Last = d.Verdict
	add(&p.Decisions, d.Verdict)
	if d.Limit != "" {
		add(&p.Limits, d.Limit)
	}
	t.counted = true
}

// countBegun counts a growth that was decided.
func (t *turn) countBegun(pool string, clippedBy Limit) {
	p := t.poolTotals(pool)
	if p == nil {
		return
	}
	p.Begun++
	if clippedBy != "" {
		add(&p.Limits, clippedBy)
	}
	t.countNow = true
}

// countFinished counts a growth whose last part is over.
func (t *turn) countFinished(parts []*model.Growth) {
	state, ended := model.GrowthDone, time.Time{}
	for _, g := range parts {
		if g.Finished == nil {
			return
		}
		if g.State != model.GrowthDone {
			state = g.State
		}
		if g.Finished.After(ended) {
			ended = *g.Finished
		}
	}
	p := t.poolTotals(parts[0].ProtectionDomain + "/" + parts[0].StoragePool)
	if p == nil {
		return
	}
	add(&p.Finished, state)
	if state != model.GrowthDeclined {
		t.totals.Durations.add(ended.Sub(parts[0].Decided))
	}
	t.countNow = true
}

// countVolume counts a slot that is over.
func (t *turn) countVolume(state model.SlotState) {
	if t.totals != nil {
		add(&t.totals.Volumes, state)
		t.countNow = true
	}
}

// countFailure counts what went wrong with a volume.
func (t *turn) countFailure(reason string) {
	if t.totals != nil {
		add(&t.totals.Failures, reason)
		t.counted = true
	}
}

// tellTotals stores the totals when something was counted, and not too often.
func (t *turn) tellTotals() {
	if t.totals == nil || !t.countNow && (!t.counted || t.now.Sub(t.totalsAt) < t.options.StatusEvery) {
		return
	}
	t.counted, t.totalsAt = false, t.now
	t.out.Put(PathTotals, t.totals)
}

func (d *Durations) add(took time.Duration) {
	d.Count++
	d.Seconds += took.Seconds()
	for _, bound := range DurationBounds() {
		if took <= bound {
			add(&d.AtMost, int64(bound/time.Second))
		}
	}
}

// add counts one more, in a map that may not be there yet.
func add[K comparable](counts *map[K]int64, key K) { put(counts, key, (*counts)[key]+1) }

func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
