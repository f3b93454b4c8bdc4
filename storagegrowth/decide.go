package storagegrowth

import (
	"fmt"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// Situation is everything that a decision about one pool stands on.
type Situation struct {
	Now time.Time
	// At is when Pool was read.
	At     time.Time
	Pool   core.PoolReading
	Policy Policy
	// Samples are the plausible readings so far, oldest first, this one
	// included.
	Samples []Sample
	// Growths are all kept growths of all pools.
	Growths []*model.Growth
	// Except names a growth (without its part) that is decided anew: it does
	// not stand in its own way.
	Except string
	// Request is an operator's order; nil without one.
	Request *Request
	// Approved says that an operator approved Except: the time that the
	// threshold must hold and the cool-down are behind it.
	Approved bool
	// Hosts are the nodes by host name.
	Hosts map[string]Host
	// SDSKiB is the capacity of each SDS in all pools, by id.
	SDSKiB map[string]int64
	// Cloud is what the provider showed; nil when it was not asked, or could
	// not answer.
	Cloud *Cloud
}

// Request is an operator's order to grow.
type Request struct {
	// SizeGiB is the least that is added; 0 for what the policy says.
	SizeGiB int
	By      string
}

// Host is what is known of a node.
type Host struct {
	Up                     bool
	InstanceID, Zone, Type string
}

// Cloud is what the provider showed of instances and of our volumes.
type Cloud struct {
	At        time.Time
	Instances map[string]core.CloudInstance // by id
	Ours      []core.CloudVolume            // by the installation's tag
}

// Verdict classifies a decision, for metrics.
type Verdict string

// The verdicts.
const (
	VerdictGrow        Verdict = "grow"
	VerdictAskProvider Verdict = "ask-provider"
	VerdictFine        Verdict = "below-threshold"
	VerdictHolding     Verdict = "holding"
	VerdictUnreadable  Verdict = "unreadable"
	VerdictThresholds  Verdict = "thresholds"
	VerdictDisabled    Verdict = "disabled"
	VerdictOpen        Verdict = "growth-open"
	VerdictCooldown    Verdict = "cool-down"
	VerdictUnhealthy   Verdict = "unhealthy"
	VerdictRebalancing Verdict = "rebalancing"
	VerdictLimit       Verdict = "limit"
)

// Verdicts are those that a decision ends with: VerdictAskProvider is none yet.
func Verdicts() []Verdict {
	return []Verdict{
		VerdictGrow, VerdictFine, VerdictHolding, VerdictUnreadable, VerdictThresholds,
		VerdictDisabled, VerdictOpen, VerdictCooldown, VerdictUnhealthy, VerdictRebalancing, VerdictLimit,
	}
}

// Decision is what Decide found.
type Decision struct {
	Verdict Verdict
	// Grow is the growth to begin; nil when there is none, and Wait says why.
	Grow *Plan
	Wait string
	// Obstacle is what keeps a pool from growing that has a reason to grow. It
	// is the end of Wait.
	Obstacle string
	// Limit is the one that VerdictLimit speaks of.
	Limit Limit
	// Fullness of the pool, and of its fullest device; 0 when unreadable.
	Fullness      float64
	FullestDevice float64
	DeviceName    string
	// Trend is what is in use more, in KiB per second; TimeToFull is when the
	// pool would be full with it, 0 when there is no such trend.
	Trend      float64
	TimeToFull time.Duration
	// SpareNeeded is the spare percentage that the largest fault unit needs,
	// when it is more than the pool has.
	SpareNeeded int
}

// words say what was decided, for operators.
func (d Decision) words() string {
	if d.Grow == nil {
		return d.Wait
	}
	return fmt.Sprintf("%s: %d volumes of %d GiB", d.Grow.Reason, len(d.Grow.Slots), d.Grow.SizeGiB)
}

// nearCritical is how close to its critical threshold a pool grows although it
// rebalances: the rebalance stops at critical, and could take a day.
const nearCritical = 0.05

// Decide decides whether a pool grows, and how. It is a pure function.
func Decide(s Situation) Decision {
	d := Decision{}
	wait := func(v Verdict, format string, args ...any) Decision {
		d.Verdict, d.Wait = v, fmt.Sprintf(format, args...)
		return d
	}
	if err := CheckReading(s.Pool); err != nil {
		return wait(VerdictUnreadable, "the reading cannot be trusted: %v", err)
	}
	if age := s.Now.Sub(s.At); age > staleAfter(s.Policy.Interval) || age < -staleAfter(s.Policy.Interval) {
		return wait(VerdictUnreadable, "the last reading is not of now")
	}
	d.measure(s)
	critical := float64(s.Pool.CriticalPercent) / 100
	if s.Policy.Threshold >= critical {
		return wait(VerdictThresholds, "--growth.threshold (%s) is not below the pool's critical threshold (%s): lower it, or raise the pool's", percent(s.Policy.Threshold), percent(critical))
	}
	why, verdict, ok := d.trigger(s)
	if !ok {
		return wait(verdict, "%s", why)
	}
	but := func(v Verdict, obstacle string) Decision {
		d.Obstacle = obstacle
		return wait(v, "%s, but %s", why, obstacle)
	}
	if verdict, reason := d.blocked(s, critical); reason != "" {
		return but(verdict, reason)
	}
	if s.Policy.Provider == ProviderAWS && s.Cloud == nil {
		return wait(VerdictAskProvider, "%s: the provider is asked what its instances can take", why)
	}
	plan, limit := planGrowth(s, d, why)
	if plan == nil {
		d.Limit = limit.limit
		return but(VerdictLimit, limit.why)
	}
	d.Verdict, d.Grow = VerdictGrow, plan
	return d
}

// staleAfter is how old a reading may be.
func staleAfter(interval time.Duration) time.Duration { return max(3*interval, 10*time.Second) }

func (d *Decision) measure(s Situation) {
	d.Fullness = Fullness(s.Pool)
	d.DeviceName, d.FullestDevice = FullestDevice(s.Pool)
	if slope, ok := Slope(s.Samples, max(s.Policy.For, s.Policy.Interval)); ok {
		d.Trend = slope
		if after, ok := TimeToFull(slope, s.Pool.InUseKiB, s.Pool.LimitKiB-s.Pool.SpareKiB); ok {
			d.TimeToFull = max(after, time.Second)
		}
	}
	if need := shareOfLargest(unitSizes(s.Pool)); need > s.Pool.SparePercent {
		d.SpareNeeded = need
	}
}

// trigger says why the pool should grow, or why not.
func (d *Decision) trigger(s Situation) (why string, verdict Verdict, ok bool) {
	p := s.Policy
	if s.Request != nil {
		return "requested by " + orSomebody(s.Request.By), "", true
	}
	exceeded := TriggerFullness(s.Pool, p) >= p.Threshold
	soon := p.Forecast > 0 && d.TimeToFull > 0 && d.TimeToFull < p.Forecast
	switch {
	case exceeded && !s.Approved && !heldFor(s.Samples, s.Now, p):
		return fmt.Sprintf("fullness is above %s, but not for %s yet", percent(p.Threshold), p.For), VerdictHolding, false
	case exceeded && d.Fullness >= p.Threshold:
		return fmt.Sprintf("%s full, threshold %s", percent(d.Fullness), percent(p.Threshold)), "", true
	case exceeded:
		return fmt.Sprintf("device %s is %s full, threshold %s", d.DeviceName, percent(d.FullestDevice), percent(p.Threshold)), "", true
	case soon:
		return fmt.Sprintf("full in about %s by the recent trend, forecast limit %s", d.TimeToFull.Round(time.Minute), p.Forecast), "", true
	case d.FullestDevice >= p.Threshold:
		return fmt.Sprintf("below the threshold of %s; device %s is much fuller than the pool, which new volumes do not mend: look at the rebalance", percent(p.Threshold), d.DeviceName), VerdictFine, false
	}
	return fmt.Sprintf("below the threshold of %s", percent(p.Threshold)), VerdictFine, false
}

// TriggerFullness is what the threshold is compared with: the pool's fullness,
// or that of its fullest device while the pool is above its target. Below the
// target a full device is an imbalance; growing for it would never end.
func TriggerFullness(pool core.PoolReading, p Policy) float64 {
	full := Fullness(pool)
	if _, device := FullestDevice(pool); full > p.Target {
		return max(full, device)
	}
	return full
}

// heldFor reports whether every reading of the last while was above the
// threshold, without a gap in which nobody looked.
func heldFor(samples []Sample, now time.Time, p Policy) bool {
	if p.For == 0 {
		return true
	}
	last := now
	for i := len(samples) - 1; i >= 0; i-- {
		s := samples[i]
		if s.Full < p.Threshold || last.Sub(s.At) > staleAfter(p.Interval) {
			return false
		}
		last = s.At
		if now.Sub(s.At) >= p.For {
			return true
		}
	}
	return false
}

// blocked says what forbids a growth at the moment.
func (d *Decision) blocked(s Situation, critical float64) (Verdict, string) {
	key := poolKey(s.Pool)
	for _, g := range s.Growths {
		if GrowthBase(g.ID) == s.Except || g.ProtectionDomain+"/"+g.StoragePool != key {
			continue
		}
		switch {
		case g.Finished == nil:
			return VerdictOpen, fmt.Sprintf("growth %s is %s", g.ID, g.State)
		case s.Request == nil && !s.Approved && s.Now.Sub(*g.Finished) < s.Policy.Cooldown:
			return VerdictCooldown, fmt.Sprintf("the cool-down after growth %s lasts until %s", g.ID, g.Finished.Add(s.Policy.Cooldown).UTC().Format(time.RFC3339))
		}
	}
	switch {
	case !s.Policy.Enabled && s.Request == nil:
		return VerdictDisabled, "growth is switched off"
	case s.Pool.Degraded:
		return VerdictUnhealthy, "the pool is degraded: some data has only one copy; mend it first"
	case s.Pool.Rebuilding:
		return VerdictUnhealthy, "the pool is rebuilding"
	case s.Pool.Rebalancing && d.Fullness < critical-nearCritical:
		return VerdictRebalancing, "the pool is rebalancing"
	}
	return "", ""
}

func poolKey(p core.PoolReading) string { return p.ProtectionDomain + "/" + p.StoragePool }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

func orSomebody(by string) string {
	if by == "" {
		return "an operator"
	}
	return by
}
