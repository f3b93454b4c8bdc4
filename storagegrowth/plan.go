package storagegrowth

import (
	"fmt"
	"math"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// Plan is a growth as decided: the same number of volumes of one size on each
// fault unit of the pool.
type Plan struct {
	ProtectionDomain, StoragePool string
	Reason                        string
	UsedBefore, UsedAfter         float64
	// Clipped says which limit keeps it from its target.
	Clipped   string
	ClippedBy Limit
	SizeGiB   int
	Slots     []PlannedSlot
	// SparePercent is the pool's after the growth; SpareNeeded what its largest
	// fault unit will need, when that is more.
	SparePercent, SpareNeeded int
}

// PlannedSlot is where one volume goes.
type PlannedSlot struct {
	Unit, Host, SDS  string
	InstanceID, Zone string
}

// TotalGiB is what the plan adds.
func (p *Plan) TotalGiB() int { return p.SizeGiB * len(p.Slots) }

const (
	// maxSlots is the most volumes that one decision adds. With at most 300
	// devices in a pool there are at most 150 fault units that could get one
	// more device each, so a full round always fits.
	maxSlots = 150
	// sizeStep is what sizes that are not given are rounded up to, so that a
	// little more data does not change a plan that waits for approval.
	sizeStep = 8
	// smallestAuto is the smallest size that is chosen: ScaleIO takes 100 GB,
	// and 101 GiB are on the safe side of how it counts.
	smallestAuto = 104
)

// planner sizes one growth.
type planner struct {
	Situation
	limits scaleio.Limits
	units  []unitRoom
	spare  int // percent after the growth
}

// planGrowth chooses number, size and places of the volumes; nil with the
// limit that leaves no room.
func planGrowth(s Situation, d Decision, why string) (*Plan, reached) {
	version, err := scaleio.ParseVersion(s.Pool.Version)
	if err != nil {
		return nil, reached{LimitDeviceSize, err.Error()}
	}
	p := &planner{Situation: s, limits: scaleio.LimitsOf(version), spare: s.Pool.SparePercent}
	if s.Policy.AdjustSpare {
		p.spare = max(p.spare, shareOfLargest(unitSizes(s.Pool)))
	}
	p.units = p.rooms()
	if len(p.units) < scaleio.MinFaultUnits {
		return nil, reached{LimitFaultUnits, fmt.Sprintf("the pool has devices on %d fault units, at least %d are needed", len(p.units), scaleio.MinFaultUnits)}
	}
	best, limit := p.choose(p.usableWanted(d))
	if best == nil {
		return nil, limit
	}
	plan := &Plan{
		ProtectionDomain: s.Pool.ProtectionDomain, StoragePool: s.Pool.StoragePool,
		Reason: why, UsedBefore: d.Fullness, SizeGiB: best.size, Slots: best.slots, SparePercent: p.spare,
	}
	if need := p.spareNeededAfter(best); need > p.spare {
		plan.SpareNeeded = need
	}
	plan.UsedAfter = float64(s.Pool.InUseKiB) / float64(p.usable(best.size, len(best.slots)))
	if limit.why != "" {
		plan.Clipped, plan.ClippedBy = fmt.Sprintf("ends at %s: %s", percent(plan.UsedAfter), limit.why), limit.limit
	}
	return plan, reached{}
}

// usableWanted is how much, in KiB without spare, the pool is to have.
func (p *planner) usableWanted(d Decision) int64 {
	wanted := math.Ceil(float64(p.Pool.InUseKiB) / p.Policy.Target)
	if d.Fullness < p.Policy.Threshold && p.Policy.Forecast > 0 && d.Trend > 0 {
		// Half as much again, so that the forecast does not ask again at once.
		wanted = max(wanted, float64(p.Pool.InUseKiB)+1.5*d.Trend*p.Policy.Forecast.Seconds())
	}
	return int64(min(wanted, 1<<52))
}

// choice is one way to grow.
type choice struct {
	size  int // GiB
	slots []PlannedSlot
}

func (c *choice) total() int { return c.size * len(c.slots) }

// choose takes the fewest volumes that give the wanted capacity; where limits
// forbid it, those that come closest, with the limit.
func (p *planner) choose(wanted int64) (*choice, reached) {
	least, most := p.sizes()
	if least > most {
		return nil, reached{LimitDeviceSize, fmt.Sprintf("volumes of %d GiB are outside of what this ScaleIO version takes (%d to %d GiB)", p.Policy.VolumeSizeGiB, ceilGiB(p.limits.DeviceMinBytes), p.limits.DeviceMaxBytes/gib)}
	}
	var best *choice
	var limit reached
	for rounds := 1; ; rounds++ {
		slots, reason := p.place(rounds)
		if slots == nil {
			return best, orFirst(limit, reason)
		}
		room, roomReason := p.sizeCap(slots)
		if room < least {
			return best, orFirst(limit, roomReason)
		}
		need := max(p.sizeFor(wanted, len(slots)), least)
		if need <= min(room, most) {
			return &choice{need, slots}, reached{}
		}
		c := &choice{min(room, most), slots}
		limit = roomReason
		if c.size == most {
			limit = reached{} // more volumes may help
		}
		if best == nil || c.total() > best.total() {
			best = c
		}
	}
}

func orFirst(a, b reached) reached {
	if a.why != "" {
		return a
	}
	return b
}

// sizes are the least and the largest size of a volume. They are equal when
// the policy gives one.
func (p *planner) sizes() (least, most int) {
	hard := max(ceilGiB(p.limits.DeviceMinBytes), volumeTypes()[p.Policy.VolumeType])
	most = min(int(p.limits.DeviceMaxBytes/gib), maxVolumeGiB)
	if size := p.Policy.VolumeSizeGiB; size > 0 {
		if size < hard || size > most {
			return 1, 0
		}
		return size, size
	}
	return hard, most
}

// sizeFor is the size that the volumes need.
func (p *planner) sizeFor(wanted int64, count int) int {
	if p.Policy.VolumeSizeGiB > 0 {
		return p.fixedSizeFor(wanted, count)
	}
	limit := ceilDiv(wanted*100, int64(100-p.spare))
	device := ceilDiv(max(limit-p.Pool.LimitKiB, 0), int64(count))
	size := int(ceilDiv(device+overheadKiB, gibKiB))
	if p.Request != nil {
		asked := min(int64(p.Request.SizeGiB), math.MaxInt32) // more than any pool takes
		size = max(size, int(ceilDiv(asked, int64(count))))
	}
	size = max(size, smallestAuto, volumeTypes()[p.Policy.VolumeType])
	return (size + sizeStep - 1) / sizeStep * sizeStep
}

// fixedSizeFor is the policy's size when so many volumes are enough, and more
// than any limit when not.
func (p *planner) fixedSizeFor(wanted int64, count int) int {
	size := p.Policy.VolumeSizeGiB
	if p.usable(size, count) < wanted || p.Request != nil && p.Request.SizeGiB > size*count {
		return math.MaxInt32
	}
	return size
}

// overheadKiB is what ScaleIO keeps of each disk (facts: 1025 MiB).
const overheadKiB = 1025 << 10

// usable is what may be used, in KiB without spare, with so many more volumes.
func (p *planner) usable(sizeGiB, count int) int64 {
	device, err := scaleio.DeviceKiB(int64(sizeGiB) * gib)
	if err != nil {
		return 1 // too small to be anything
	}
	limit := p.Pool.LimitKiB + device*int64(count)
	spare, err := scaleio.SpareKiB(limit, p.spare)
	if err != nil {
		return 1
	}
	return max(limit-spare, 1)
}

// spareNeededAfter is the share of the largest fault unit after a growth.
func (p *planner) spareNeededAfter(c *choice) int {
	sizes := unitSizes(p.Pool)
	device, err := scaleio.DeviceKiB(int64(c.size) * gib)
	if err != nil {
		return 0 // too small to be anything
	}
	for _, s := range c.slots {
		sizes[s.Unit] += device
	}
	return shareOfLargest(sizes)
}

// unitSizes are the KiB of each fault unit.
func unitSizes(pool core.PoolReading) map[string]int64 {
	sizes := make(map[string]int64, len(pool.Units))
	for _, unit := range pool.Units {
		for _, sds := range unit.SDSs {
			for _, d := range sds.Devices {
				sizes[unit.Name] += d.LimitKiB
			}
		}
	}
	return sizes
}

// shareOfLargest is the share of the largest fault unit in percent, rounded up:
// with less spare it could not be rebuilt.
func shareOfLargest(sizes map[string]int64) int {
	var largest, total int64
	for _, size := range sizes {
		largest, total = max(largest, size), total+size
	}
	if total == 0 {
		return 0
	}
	return min(int(ceilDiv(largest*100, total)), 99)
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
