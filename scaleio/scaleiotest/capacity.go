package scaleiotest

import "time"

// Units of the capacity arithmetic, in KiB.
const (
	mibKb = 1 << 10
	gibKb = 1 << 20
	// allocationKb is the step of volume sizes and of what is offered for
	// allocation.
	allocationKb = 8 * gibKb
	// deviceOverheadKb is what the system keeps of a disk for itself
	// (1025 MiB, from 2.6 samples of 100 and 110 GiB disks).
	deviceOverheadKb = 1049600
)

// spareKb is the spare capacity: whole MiB, rounded down.
func spareKb(limitKb int64, percent int) int64 {
	return limitKb * int64(percent) / 100 / mibKb * mibKb
}

// allocatableKb is the net capacity offered for thick volumes: whole steps of
// 8 GiB, rounded down.
func allocatableKb(unused, snapReserved, snapOccupied int64) int64 {
	net := (unused - (snapReserved - snapOccupied)) / 2
	return max(0, net/allocationKb*allocationKb)
}

// poolLimit is the sum of the limits of the devices that take data.
func (s *System) poolLimit(p *pool) int64 {
	return s.limitOf(s.poolDevices(p))
}

func (s *System) limitOf(devices []*device) int64 {
	now, sum := s.opt.Now(), int64(0)
	for _, d := range devices {
		if d.stateAt(now) == "Normal" {
			sum += d.limitKb
		}
	}
	return sum
}

func (s *System) thickKb(p *pool) int64 {
	sum := int64(0)
	for _, v := range s.poolVolumes(p) {
		if !v.thin {
			sum += 2 * v.sizeKb
		}
	}
	return sum
}

func (s *System) poolInUse(p *pool) int64 {
	return s.thickKb(p) + p.written + p.snapOccupied
}

// figures are the capacity figures of a pool, of a device, or of a sum of
// them, in raw KiB unless said otherwise.
type figures struct {
	max, limit, spare, inUse, unused int64
	thick, thin, snapOccupied        int64
	snapReserved                     int64
	thinAllocated                    int64
	vac                              int64
	// allocatable is net.
	allocatable int64
	// degraded is the data whose other copy is out of reach, and
	// unreachable the unused capacity that is.
	degraded, failed, unreachable int64
	// rebalance is what still has to move.
	rebalance int64
	devices   []*device
}

func (f figures) plus(g figures) figures {
	f.max += g.max
	f.limit += g.limit
	f.spare += g.spare
	f.inUse += g.inUse
	f.unused += g.unused
	f.thick += g.thick
	f.thin += g.thin
	f.snapOccupied += g.snapOccupied
	f.snapReserved += g.snapReserved
	f.thinAllocated += g.thinAllocated
	f.vac += g.vac
	f.allocatable += g.allocatable
	f.degraded += g.degraded
	f.failed += g.failed
	f.unreachable += g.unreachable
	f.rebalance += g.rebalance
	f.devices = append(f.devices[:len(f.devices):len(f.devices)], g.devices...)
	return f
}

func (s *System) poolFigures(p *pool) figures {
	f := figures{
		thick: s.thickKb(p), thin: p.written,
		snapOccupied: p.snapOccupied, snapReserved: p.snapReserved,
		inUse:   s.poolInUse(p),
		limit:   s.poolLimit(p),
		devices: s.poolDevices(p),
	}
	for _, d := range f.devices {
		if d.stateAt(s.opt.Now()) == "Normal" {
			f.max += d.maxKb
		}
	}
	f.spare = spareKb(f.limit, p.spare)
	f.unused = f.limit - f.spare - f.inUse
	f.allocatable = allocatableKb(f.unused, f.snapReserved, f.snapOccupied)
	for _, v := range s.poolVolumes(p) {
		f.vac += 2 * v.sizeKb
		if v.thin {
			f.thinAllocated += 2 * v.sizeKb
		}
	}
	s.addHealth(&f, p)
	return f
}

// addHealth works out what a lost SDS and a rebalance make of the pool's data:
// the copies on the lost fault unit are failed, their twins are degraded; with
// more than one unit lost, data may be gone.
func (s *System) addHealth(f *figures, p *pool) {
	used, final := s.spread(p)
	lost := map[any]int64{}
	for _, d := range f.devices {
		f.rebalance += max(0, final[d]-used[d])
		if d.sds.connected() {
			continue
		}
		unit := any(d.sds)
		if d.sds.faultSet != nil {
			unit = d.sds.faultSet
		}
		lost[unit] += used[d]
		if d.stateAt(s.opt.Now()) == "Normal" {
			f.unreachable += max(0, d.limitKb-used[d])
		}
	}
	f.unreachable = min(f.unreachable, f.unused)
	for _, kb := range lost {
		if len(lost) > 1 {
			f.failed += kb
		} else {
			f.degraded += kb
		}
	}
	f.degraded = min(f.degraded, f.inUse/2)
}

// spread tells how much data each device of the pool holds now, and how much
// it will hold when rebalancing is over. Both sum up to the pool's in-use.
func (s *System) spread(p *pool) (used, final map[*device]int64) {
	now := s.opt.Now()
	var active []*device
	for _, d := range s.poolDevices(p) {
		if d.stateAt(now) == "Normal" {
			active = append(active, d)
		}
	}
	inUse := s.poolInUse(p)
	even := func(d *device) float64 { return float64(d.limitKb) }
	final = share(active, inUse, even)
	used = share(active, inUse, func(d *device) float64 { return float64(d.limitKb) * d.filled(now, s.opt.Rebalance) })
	return used, final
}

// share divides an amount by weight, never beyond a device's limit.
func share(devices []*device, amount int64, weight func(*device) float64) map[*device]int64 {
	out := make(map[*device]int64, len(devices))
	total := 0.0
	for _, d := range devices {
		total += weight(d)
	}
	if total == 0 {
		weight = func(d *device) float64 { return float64(d.limitKb) }
		for _, d := range devices {
			total += weight(d)
		}
	}
	left := amount
	for _, d := range devices {
		part := min(int64(float64(amount)*weight(d)/total), d.limitKb, left)
		out[d] = part
		left -= part
	}
	for _, d := range devices {
		more := min(left, d.limitKb-out[d])
		out[d] += more
		left -= more
	}
	return out
}

// deviceFigures are a device's part of its pool's figures.
func (s *System) deviceFigures(d *device) figures {
	if d.stateAt(s.opt.Now()) != "Normal" {
		return figures{devices: []*device{d}}
	}
	used, final := s.spread(d.pool)
	f := figures{
		max: d.maxKb, limit: d.limitKb, inUse: used[d], thin: used[d],
		rebalance: max(0, final[d]-used[d]), devices: []*device{d},
	}
	if all := s.poolInUse(d.pool); all > 0 {
		f.thick = int64(float64(used[d]) * float64(s.thickKb(d.pool)) / float64(all))
		f.thin -= f.thick
	}
	f.spare = min(spareKb(d.limitKb, d.pool.spare), d.limitKb-f.inUse)
	f.unused = f.limit - f.spare - f.inUse
	if !d.sds.connected() {
		f.failed, f.unreachable = f.inUse, f.unused
	}
	return f
}

// filled is how far, 0 to 1, rebalancing has brought data to the device.
func (d *device) filled(now time.Time, takes time.Duration) float64 {
	if takes <= 0 || !d.late {
		return 1
	}
	return min(1, max(0, float64(now.Sub(d.normalAt))/float64(takes)))
}
