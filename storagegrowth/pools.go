package storagegrowth

import (
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// reading is where the asking for pools stands.
type reading struct {
	wanted  bool
	timer   bool
	sent    time.Time // of the question that is open; zero when none is
	at      time.Time // of the last good answer
	err     string
	hurried bool // the timer runs short: a device has appeared, or is expected to
	soon    int  // how often it did so in a row
}

// pool is what is known of a storage pool in this term.
type pool struct {
	reading  core.PoolReading
	at       time.Time
	samples  []Sample
	decision Decision
	// spareAsked is when the spare percentage was last asked to be raised.
	spareAsked time.Time
	spareErr   string // why it was not
}

func (t *turn) wantRead() { t.read.wanted = true }

// askPools releases the question for the pools, one at a time.
func (t *turn) askPools() {
	r := &t.read
	open := !r.sent.IsZero() && t.now.Sub(r.sent) < t.options.CallTimeout
	if r.wanted && !open && len(t.gateways) > 0 {
		r.wanted, r.sent = false, t.now
		t.out.Do(core.ReadPools{Gateways: t.gateways})
		open = true
	}
	switch {
	case t.readSoon && !r.hurried:
		r.hurried, r.timer = true, true
		t.timer(timerRead, min(doubled(t.options.Poll, t.options.PollMax, r.soon), t.options.Policy.Interval))
		r.soon++
	case !r.timer:
		r.timer, r.soon = true, 0
		t.timer(timerRead, t.options.Policy.Interval)
	}
}

// poolsRead takes one reading of all pools. Late and doubled ones are dropped.
func (t *turn) poolsRead(e core.PoolsRead) {
	r := &t.read
	r.sent = time.Time{}
	if e.Err != "" {
		r.err = shorten(e.Err)
		t.refusePreviews(t.problem())
		return
	}
	if !e.At.After(r.at) || e.At.After(t.now.Add(staleAfter(t.options.Policy.Interval))) {
		return
	}
	r.at, r.err = e.At, ""
	fresh := make(map[string]*pool, len(e.Pools))
	for _, p := range e.Pools {
		key := poolKey(p)
		known := t.pools[key]
		if known == nil {
			known = &pool{}
		}
		known.reading, known.at = t.withHosts(p), e.At
		t.remember(known)
		fresh[key] = known
	}
	t.pools = fresh
	t.queueAll()
	t.decideAll()
	t.tryOrders()
	t.tryPreviews(false)
}

// withHosts names the host of each SDS by its address.
func (t *turn) withHosts(p core.PoolReading) core.PoolReading {
	units := make([]core.FaultUnit, len(p.Units))
	for i, unit := range p.Units {
		units[i] = core.FaultUnit{Name: unit.Name, SDSs: make([]core.SDSReading, len(unit.SDSs))}
		for k, sds := range unit.SDSs {
			if sds.Host == "" {
				sds.Host = t.hostAt(sds.Address)
			}
			units[i].SDSs[k] = sds
		}
	}
	p.Units = units
	return p
}

// hostAt finds the node with an address: the one that it is reached at, or
// another of its own when only one node has it.
func (t *turn) hostAt(address string) string {
	if address == "" {
		return ""
	}
	var others []string
	for _, name := range sortedKeys(t.hosts) {
		inv := t.hosts[name].inventory
		switch {
		case inv == nil:
		case inv.Address == address:
			return name
		case slices.Contains(inv.Addresses, address):
			others = append(others, name)
		}
	}
	if len(others) == 1 {
		return others[0]
	}
	return ""
}

// remember keeps a plausible reading for the history.
func (t *turn) remember(p *pool) {
	if CheckReading(p.reading) != nil {
		return
	}
	policy := t.options.policy(poolKey(p.reading))
	p.samples = append(p.samples, Sample{At: p.at, InUseKiB: p.reading.InUseKiB, Full: TriggerFullness(p.reading, policy)})
	if len(p.samples) > maxReadings {
		p.samples = p.samples[len(p.samples)-maxReadings:]
	}
}

// decideAll decides on every pool.
func (t *turn) decideAll() {
	for _, key := range sortedKeys(t.pools) {
		p := t.pools[key]
		p.decision = Decide(t.situation(p))
		t.countDecision(key, p.decision)
		if p.decision.Verdict == VerdictAskProvider {
			t.wantLook(true)
		}
		if t.uninstalling {
			continue
		}
		switch {
		case p.decision.Grow == nil:
		case t.full():
			t.wantRead() // decides anew
		default:
			t.open(p.decision.Grow, "")
		}
		t.adjustSpare(key, p)
	}
}

// situation gathers what a decision on a pool stands on.
func (t *turn) situation(p *pool) Situation {
	s := Situation{
		Now: t.now, At: p.at, Pool: p.reading, Policy: t.options.policy(poolKey(p.reading)),
		Samples: p.samples, Growths: t.allGrowths(), Hosts: t.hostFacts(), SDSKiB: t.sdsCapacities(),
	}
	if t.uninstalling {
		s.Policy.Enabled = false
	}
	if t.uuid == "" {
		s.Pool.Implausible = "the cluster's UUID is not known yet"
	}
	s.Cloud = t.cloudFor(s)
	return s
}

func (t *turn) hostFacts() map[string]Host {
	facts := make(map[string]Host, len(t.hosts))
	for name, h := range t.hosts {
		fact := Host{Up: h.up}
		if h.inventory != nil && h.inventory.Cloud != nil {
			fact.InstanceID, fact.Zone, fact.Type = h.inventory.Cloud.InstanceID, h.inventory.Cloud.Zone, h.inventory.Cloud.InstanceType
		}
		facts[name] = fact
	}
	return facts
}

func (t *turn) sdsCapacities() map[string]int64 {
	sums := make(map[string]int64)
	for _, p := range t.pools {
		for _, unit := range p.reading.Units {
			for _, sds := range unit.SDSs {
				for _, d := range sds.Devices {
					sums[sds.ID] += d.LimitKiB
				}
			}
		}
	}
	return sums
}

// device finds a slot's device in the last readings, by name and then by id.
func (t *turn) device(s *model.GrowthSlot) (core.DeviceReading, bool) {
	name := deviceName(s)
	for _, key := range sortedKeys(t.pools) {
		for _, unit := range t.pools[key].reading.Units {
			for _, sds := range unit.SDSs {
				for _, d := range sds.Devices {
					if d.Name == name || s.DeviceID != "" && d.ID == s.DeviceID {
						return d, true
					}
				}
			}
		}
	}
	return core.DeviceReading{}, false
}

// poolsKnown reports whether there is a reading of now of every pool.
func (t *turn) poolsKnown() bool {
	if t.read.err != "" || t.read.at.IsZero() || t.now.Sub(t.read.at) > staleAfter(t.options.Policy.Interval) {
		return false
	}
	for _, p := range t.pools {
		if p.reading.Implausible != "" {
			return false
		}
	}
	return true
}

// noDevice reports whether a reading of now proves that no device bears a name.
func (t *turn) noDevice(name string) bool {
	if !t.poolsKnown() {
		return false
	}
	for _, p := range t.pools {
		for _, unit := range p.reading.Units {
			for _, sds := range unit.SDSs {
				for _, d := range sds.Devices {
					if d.Name == name {
						return false
					}
				}
			}
		}
	}
	return true
}
