package storagegrowth

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// Status is /growth-status: what growth thinks, for operators, and the intents
// that belong to no growth.
type Status struct {
	At time.Time `json:"at,omitzero"`
	// Problem says why nothing can be decided at all.
	Problem string `json:"problem,omitempty"`
	// Provider is the provider's last error; empty when it answers.
	Provider string                `json:"provider,omitempty"`
	Pools    map[string]PoolStatus `json:"pools,omitempty"` // by "protection domain/pool"
	// Orphans are volumes with our tag that belong to no growth and are no
	// device. They are never deleted without an order.
	Orphans []Orphan `json:"orphans,omitempty"`
	// OrphansAt is when the provider was last asked for them.
	OrphansAt time.Time `json:"orphans_at,omitzero"`
	// Deletions are orphans whose deletion was ordered.
	Deletions []Deletion `json:"deletions,omitempty"`
	// Spare are the spare percentages that were asked for.
	Spare map[string]int `json:"spare,omitempty"`
}

// PoolStatus is the last decision on a pool.
type PoolStatus struct {
	Fullness      float64 `json:"fullness"`
	FullestDevice float64 `json:"fullest_device,omitempty"`
	LimitKiB      int64   `json:"limit_kib"`
	SpareKiB      int64   `json:"spare_kib"`
	InUseKiB      int64   `json:"in_use_kib"`
	UnusedKiB     int64   `json:"unused_kib"`
	SparePercent  int     `json:"spare_percent"`
	// SpareNeeded is what the largest fault unit needs, when that is more.
	SpareNeeded int `json:"spare_needed,omitempty"`
	// SpareError is why --growth.adjust-spare could not raise it.
	SpareError string  `json:"spare_error,omitempty"`
	Threshold  float64 `json:"threshold"`
	Critical   float64 `json:"critical"`
	Target     float64 `json:"target"`
	// Degraded: some data has only one copy. Rebuilding: copies are being made.
	Degraded   bool `json:"degraded,omitempty"`
	Rebuilding bool `json:"rebuilding,omitempty"`
	// FullIn is the time to full by the recent trend, in seconds; 0 when there
	// is no such trend.
	FullIn   int64   `json:"full_in_s,omitempty"`
	Verdict  Verdict `json:"verdict"`
	Decision string  `json:"decision"`
}

// Orphan is a volume that nobody accounts for.
type Orphan struct {
	Volume   string `json:"volume"`
	SizeGiB  int    `json:"size_gib"`
	State    string `json:"state"`
	Instance string `json:"instance,omitempty"`
	Growth   string `json:"growth,omitempty"`
	Slot     string `json:"slot,omitempty"`
}

const (
	maxStatusPools = 48
	maxOrphans     = 100
)

func (s *Status) setSpare(pool string, percent int) {
	if s.Spare == nil {
		s.Spare = make(map[string]int)
	}
	s.Spare[pool] = percent
}

// tellStatus stores the status when something an operator would notice has
// changed, and not too often. Told at once is that nothing can be decided, or
// that something can again, of all pools or of one, which pools there are, and
// which of them are whole.
func (t *turn) tellStatus() {
	if t.status == nil {
		return
	}
	fresh := t.describeStatus()
	turned := (fresh.Problem == "") != (t.status.Problem == "") || !samePools(t.status, fresh)
	if !t.storeNow && !turned && (sameStatus(t.status, fresh) || t.now.Sub(t.statusAt) < t.options.StatusEvery) {
		return
	}
	fresh.At = t.now
	t.status, t.statusAt = fresh, t.now
	t.out.Put(PathStatus, fresh)
}

func (t *turn) describeStatus() *Status {
	s := &Status{
		Problem: t.problem(), Provider: t.look.err, Pools: t.status.Pools,
		Orphans: t.status.Orphans, OrphansAt: t.status.OrphansAt, Deletions: t.status.Deletions, Spare: t.status.Spare,
	}
	if !t.read.at.IsZero() {
		s.Pools = make(map[string]PoolStatus, len(t.pools))
		for _, key := range sortedKeys(t.pools) {
			if len(s.Pools) < maxStatusPools {
				s.Pools[key] = t.poolStatus(key, t.pools[key])
			}
		}
	}
	if !t.look.answered.IsZero() && t.look.answered.After(s.OrphansAt) {
		if orphans, ok := t.orphans(); ok {
			s.Orphans = orphans[:min(len(orphans), maxOrphans)]
			s.OrphansAt = t.look.answered
		}
	}
	return s
}

func (t *turn) problem() string {
	if problem := t.unconnected(); problem != "" {
		return problem
	}
	if t.read.err != "" {
		return "the pools cannot be read: " + t.read.err
	}
	return ""
}

// unconnected says why no pool can be asked for.
func (t *turn) unconnected() string {
	if v, err := scaleio.ParseVersion(t.release); err == nil && !v.HasGateway() && len(t.gateways) == 0 {
		return "pools of release " + t.release + " are neither read nor grown: that takes a gateway, and PowerFlex 4.x has none; name the system's management platform by --gateway.management-platform (its step in scaleioctl plan says what it lacks), or watch the pools with scli --query_storage_pool and add disks to hosts by hand"
	}
	if t.uuid == "" || len(t.gateways) == 0 {
		return "waits for the ScaleIO cluster: no gateway is known yet"
	}
	return ""
}

func (t *turn) poolStatus(key string, p *pool) PoolStatus {
	r, d, policy := p.reading, p.decision, t.options.policy(key)
	s := PoolStatus{
		Fullness: round(d.Fullness, 4), FullestDevice: round(d.FullestDevice, 4),
		LimitKiB: r.LimitKiB, SpareKiB: r.SpareKiB, InUseKiB: r.InUseKiB, UnusedKiB: r.UnusedKiB,
		SparePercent: r.SparePercent, SpareNeeded: d.SpareNeeded,
		Threshold: policy.Threshold, Critical: float64(r.CriticalPercent) / 100, Target: policy.Target,
		Degraded: r.Degraded, Rebuilding: r.Rebuilding,
		FullIn: int64(d.TimeToFull / time.Second), Verdict: d.Verdict, Decision: shorten(d.words()),
	}
	if d.SpareNeeded > 0 {
		s.SpareError = p.spareErr
	}
	return s
}

func round(f float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(f*scale) / scale
}

// samePools reports whether the same pools are there, and the same of them can
// be read and are whole.
func samePools(a, b *Status) bool {
	return maps.EqualFunc(a.Pools, b.Pools, func(a, b PoolStatus) bool {
		return (a.Verdict == VerdictUnreadable) == (b.Verdict == VerdictUnreadable) && a.Degraded == b.Degraded && a.Rebuilding == b.Rebuilding
	})
}

// sameStatus ignores what changes all the time: a percent of fullness, and a
// tenth of the time to full.
func sameStatus(a, b *Status) bool {
	coarse := func(s *Status) Status {
		c := *s
		c.At, c.OrphansAt = time.Time{}, time.Time{}
		c.Pools = make(map[string]PoolStatus, len(s.Pools))
		for key, p := range s.Pools {
			p.Fullness, p.FullestDevice = round(p.Fullness, 2), round(p.FullestDevice, 2)
			p.InUseKiB, p.UnusedKiB = 0, 0
			if p.FullIn > 0 {
				p.FullIn = int64(10 * math.Log(float64(p.FullIn)))
			}
			if p.Verdict == VerdictFine || p.Verdict == VerdictHolding {
				p.Decision = ""
			}
			c.Pools[key] = p
		}
		if len(c.Orphans) == 0 {
			c.Orphans = nil
		}
		if len(c.Deletions) == 0 {
			c.Deletions = nil
		}
		return c
	}
	return reflect.DeepEqual(coarse(a), coarse(b))
}

// orphans finds the volumes with our tag that are no device and belong to no
// growth. ok is false while that cannot be known.
func (t *turn) orphans() (orphans []Orphan, ok bool) {
	if t.look.answered.IsZero() || t.read.at.IsZero() || t.read.err != "" {
		return nil, false
	}
	for _, v := range t.look.ours {
		if t.accounted(v) || !t.noDevice(v.ID) {
			continue
		}
		o := Orphan{Volume: v.ID, SizeGiB: v.SizeGiB, State: v.State, Growth: v.Tags[TagGrowth], Slot: v.Tags[TagSlot]}
		if len(v.Attachments) > 0 {
			o.Instance = v.Attachments[0].InstanceID
		}
		orphans = append(orphans, o)
	}
	slices.SortFunc(orphans, func(a, b Orphan) int { return compare(a.Volume, b.Volume) })
	return orphans, true
}

// accounted reports whether a growth takes care of the volume, or did when the
// provider was asked, or the volume is on its way out.
func (t *turn) accounted(v core.CloudVolume) bool {
	if v.State == "deleting" || v.State == "deleted" {
		return true
	}
	for _, g := range t.growths {
		for i := range g.Slots {
			s := &g.Slots[i]
			current := !s.Over() || s.Since.After(t.look.answered)
			if current && (s.VolumeID == v.ID || isIntent(v, g.ID, s.Index)) {
				return true
			}
		}
	}
	return false
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
