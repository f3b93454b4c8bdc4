package scaleiotest

import (
	"fmt"
	"strings"
)

// pool is a storage pool. Amounts are raw KiB, both copies counted.
type pool struct {
	id, name   string
	domain     *domain
	spare      int
	zeroPad    bool
	useRmcache bool
	media      string
	high, crit int

	// written is what thin volumes and Fill occupy.
	written int64
	// snapOccupied and snapReserved are the two views of snapshots.
	snapOccupied, snapReserved int64
}

// newPool is the request for a pool.
type newPool struct {
	domain     *domain
	name       string
	media      string
	spare      int
	zeroPad    bool
	useRmcache bool
}

func (s *System) createPool(n newPool) (string, error) {
	if err := checkName(n.name); err != nil {
		return "", err
	}
	count := 0
	for _, p := range s.pools {
		if p.domain != n.domain {
			continue
		}
		count++
		if p.name == n.name {
			return "", refuse(173, "Storage Pool name already exists. Please use a different name.")
		}
	}
	if count >= maxPoolsPerDomain {
		return "", refuse(0, "There are too many Storage Pools in the Protection Domain")
	}
	if n.spare < 0 || n.spare > 99 {
		return "", refuse(316, "Invalid spare percentage, please use a value between 0 - 99.")
	}
	switch n.media {
	case "HDD", "SSD", "Transitional":
	case "":
		if s.version.major >= 3 {
			return "", refuse(818, "The media type is not configured")
		}
	default:
		return "", refuse(821, "The media type is invalid")
	}
	p := &pool{
		id: s.newID(), name: n.name, domain: n.domain, spare: n.spare, zeroPad: n.zeroPad,
		useRmcache: n.useRmcache, media: n.media, high: 80, crit: 90,
	}
	s.pools = append(s.pools, p)
	return p.id, nil
}

func (s *System) removePool(p *pool) (string, error) {
	if len(s.poolDevices(p)) > 0 {
		return "", refuse(172, "The Storage Pool has SDS devices")
	}
	if len(s.poolVolumes(p)) > 0 {
		return "", refuse(174, "The Storage Pool has volumes")
	}
	s.pools = without(s.pools, p)
	return p.id, nil
}

func (s *System) setSpare(p *pool, percent int) (string, error) {
	if percent < 0 || percent > 99 {
		return "", refuse(316, "Invalid spare percentage, please use a value between 0 - 99.")
	}
	limit := s.poolLimit(p)
	if spareKb(limit, percent)+s.poolInUse(p) > limit {
		return "", errSpareViolation
	}
	p.spare = percent
	return p.id, nil
}

func (s *System) setZeroPadding(p *pool, on bool) (string, error) {
	if len(s.poolDevices(p)) > 0 {
		return "", refuse(262, "This operation is only allowed when there are no devices in the Storage Pool. Please remove all devices from the Storage Pool.")
	}
	p.zeroPad = on
	return p.id, nil
}

func (s *System) setAlerts(p *pool, high, crit int) (string, error) {
	if high < 0 || crit > 99 {
		return "", refuse(195, "The threshold value is out of range.")
	}
	if high >= crit {
		return "", refuse(629, "The high threshold value must be lower than the critical threshold value.")
	}
	p.high, p.crit = high, crit
	return p.id, nil
}

func (s *System) poolNamed(d *domain, name string) *pool {
	return first(s.pools, func(p *pool) bool { return p.domain == d && p.name == name })
}

func (s *System) poolBy(id string) *pool {
	return first(s.pools, func(p *pool) bool { return p.id == id })
}

func (s *System) poolDevices(p *pool) []*device {
	var out []*device
	for _, d := range s.devices {
		if d.pool == p {
			out = append(out, d)
		}
	}
	return out
}

func (s *System) poolVolumes(p *pool) []*volume {
	var out []*volume
	for _, v := range s.volumes {
		if v.pool == p {
			out = append(out, v)
		}
	}
	return out
}

// units counts the fault units that carry the pool's active devices: fault
// sets, and SDSs outside of fault sets. The second number counts SDSs.
func (s *System) units(p *pool, but ...*device) (units, sdss int) {
	u, x := map[any]bool{}, map[*sds]bool{}
	for _, d := range without(s.poolDevices(p), but...) {
		if d.stateAt(s.opt.Now()) != "Normal" {
			continue
		}
		x[d.sds] = true
		if d.sds.faultSet != nil {
			u[d.sds.faultSet] = true
		} else {
			u[d.sds] = true
		}
	}
	return len(u), len(x)
}

// unitRule refuses volumes in a pool that cannot keep two copies apart.
func (s *System) unitRule(p *pool, but ...*device) error {
	units, sdss := s.units(p, but...)
	if sdss < 3 {
		return refuse(144, "Less than three devices from different SDSs are defined in this Storage Pool. Add devices from different SDSs to the Storage Pool and try again.")
	}
	if units < 3 {
		return refuse(287, "Storage Pools must contain devices from at least three Fault Sets or SDSs (that are not associated with a Fault Set).")
	}
	return nil
}

// lookupPool finds a pool by "domain/pool" or by its name alone.
func (s *System) lookupPool(ref string) (*pool, error) {
	d, name, qualified := strings.Cut(ref, "/")
	if !qualified {
		name = ref
	}
	var found *pool
	for _, p := range s.pools {
		if p.name != name || qualified && p.domain.name != d {
			continue
		}
		if found != nil {
			return nil, fmt.Errorf("pool %s is ambiguous: say domain/pool", ref)
		}
		found = p
	}
	if found == nil {
		return nil, fmt.Errorf("pool %s is not there", ref)
	}
	return found, nil
}

// Fill makes the pool ("domain/pool" or its name) hold that much data that
// in-use is the given part, 0 to 1, of the capacity that is not spare. Thick
// volumes and snapshots count and are the least it can be. The amount then
// stays as it is when the capacity grows.
func (s *System) Fill(ref string, fraction float64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.lookupPool(ref)
	if err != nil {
		return err
	}
	if fraction < 0 || fraction > 1 {
		return fmt.Errorf("filling %s: %v is not between 0 and 1", ref, fraction)
	}
	limit := s.poolLimit(p)
	room := limit - spareKb(limit, p.spare)
	p.written = 0
	p.written = max(0, int64(float64(room)*fraction)-s.poolInUse(p))
	return nil
}

// SetSnapshots sets what snapshots occupy and what they reserve, in raw KiB.
func (s *System) SetSnapshots(ref string, occupied, reserved int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.lookupPool(ref)
	if err != nil {
		return err
	}
	if occupied < 0 || reserved < occupied {
		return fmt.Errorf("snapshots of %s: occupied %d and reserved %d do not fit", ref, occupied, reserved)
	}
	old := p.snapOccupied
	p.snapOccupied = occupied
	limit := s.poolLimit(p)
	if s.poolInUse(p)+spareKb(limit, p.spare) > limit {
		p.snapOccupied = old
		return fmt.Errorf("snapshots of %s: no room for %d KiB", ref, occupied)
	}
	p.snapReserved = reserved
	return nil
}
