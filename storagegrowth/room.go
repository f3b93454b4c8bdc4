package storagegrowth

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// unitRoom is a fault unit with what its SDSs can take.
type unitRoom struct {
	name   string
	takers []sdsRoom
	refuse []string // why the other SDSs take nothing
}

// sdsRoom is what one SDS can take.
type sdsRoom struct {
	slot        PlannedSlot
	devices     int // in all pools, and on their way
	attachments int // left
	volumes     int // left by --growth.max-volumes-per-node
	kib         int64
}

// place chooses, within each fault unit, the SDSs with the fewest devices and
// then the most attachments left, for so many volumes each; nil with the limit
// that one unit cannot do it.
func (p *planner) place(rounds int) ([]PlannedSlot, reached) {
	count := rounds * len(p.units)
	if count > maxSlots {
		return nil, reached{LimitGrowth, fmt.Sprintf("one growth adds at most %d volumes", maxSlots)}
	}
	if have := p.poolDevices(); have+count > p.limits.DevicesPerPool {
		return nil, reached{LimitPoolDevices, fmt.Sprintf("the pool would have %d devices, at most %d are allowed", have+count, p.limits.DevicesPerPool)}
	}
	var slots []PlannedSlot
	for _, unit := range p.units {
		takers := slices.Clone(unit.takers)
		for range rounds {
			best := -1
			for i := range takers {
				if p.full(takers[i]).why == "" && (best < 0 || better(takers[i], takers[best])) {
					best = i
				}
			}
			if best < 0 {
				full := p.whyFull(unit, takers)
				return nil, reached{full.limit, fmt.Sprintf("fault unit %s cannot take %d more volumes (%s), and unequal fault units would hold no more data", unit.name, rounds, full.why)}
			}
			slots = append(slots, takers[best].slot)
			takers[best].devices++
			takers[best].attachments--
			takers[best].volumes--
		}
	}
	return slots, reached{}
}

func better(a, b sdsRoom) bool {
	return cmp.Or(cmp.Compare(a.devices, b.devices), cmp.Compare(b.attachments, a.attachments), cmp.Compare(a.slot.SDS, b.slot.SDS)) < 0
}

func (p *planner) full(r sdsRoom) reached {
	switch {
	case r.devices >= p.limits.DevicesPerSDS:
		return reached{LimitSDSDevices, fmt.Sprintf("SDS %s has its %d devices", r.slot.SDS, p.limits.DevicesPerSDS)}
	case r.attachments <= 0:
		return reached{LimitAttachments, fmt.Sprintf("instance %s of %s has no attachment left", r.slot.InstanceID, r.slot.Host)}
	case r.volumes <= 0:
		return reached{LimitNodeVolumes, fmt.Sprintf("--growth.max-volumes-per-node is reached on %s", r.slot.Host)}
	}
	return reached{}
}

// whyFull says why a unit takes nothing. Its limit is that of its first SDS
// that could take something otherwise.
func (p *planner) whyFull(unit unitRoom, takers []sdsRoom) reached {
	reasons, limit := slices.Clone(unit.refuse), LimitHosts
	for i, r := range takers {
		full := p.full(r)
		if reasons = append(reasons, full.why); i == 0 {
			limit = full.limit
		}
	}
	const most = 5
	if len(reasons) > most {
		reasons = append(reasons[:most], fmt.Sprintf("and %d more", len(reasons)-most))
	}
	return reached{limit, strings.Join(reasons, "; ")}
}

// sizeCap is the largest size that the totals leave to each volume.
func (p *planner) sizeCap(slots []PlannedSlot) (gibEach int, most reached) {
	gibEach, most = math.MaxInt32, reached{LimitDeviceSize, "the largest device is reached"}
	bound := func(size int64, limit Limit, why string, args ...any) {
		if size < int64(gibEach) {
			gibEach, most = int(max(size, 0)), reached{limit, fmt.Sprintf(why, args...)}
		}
	}
	if most := p.Policy.MaxPoolSizeGiB; most > 0 {
		left := int64(most) - ceilDiv(p.Pool.LimitKiB, gibKiB)
		bound(left/int64(len(slots)), LimitPoolSize, "--growth.max-pool-size leaves %d GiB", max(left, 0))
	}
	if most := p.Policy.MaxGiBPerDay; most > 0 {
		left := int64(most) - int64(spentToday(p.Situation))
		bound(left/int64(len(slots)), LimitDay, "--growth.max-per-day leaves %d GiB today", max(left, 0))
	}
	share := make(map[string]int64)
	for _, s := range slots {
		share[s.SDS]++
	}
	for _, unit := range p.units {
		for _, r := range unit.takers {
			if n := share[r.slot.SDS]; n > 0 {
				left := p.limits.SDSMaxBytes/1024 - r.kib
				bound(left/n/gibKiB, LimitSDSSize, "SDS %s may have %d GiB at most", r.slot.SDS, p.limits.SDSMaxBytes/gib)
			}
		}
	}
	return gibEach, most
}

// poolDevices counts the devices of the pool, those on their way included.
func (p *planner) poolDevices() int {
	count := 0
	for _, unit := range p.Pool.Units {
		for _, sds := range unit.SDSs {
			count += len(sds.Devices)
		}
	}
	for _, g := range p.Growths {
		if g.ProtectionDomain+"/"+g.StoragePool == poolKey(p.Pool) && GrowthBase(g.ID) != p.Except {
			count += len(p.coming(g))
		}
	}
	return count
}

// coming are the slots of a growth that may still become devices and are none
// yet.
func (p *planner) coming(g *model.Growth) []*model.GrowthSlot {
	var slots []*model.GrowthSlot
	if g.Finished != nil || GrowthBase(g.ID) == p.Except {
		return nil
	}
	for i := range g.Slots {
		if s := &g.Slots[i]; !s.Over() && s.State != model.SlotAdded && s.State != model.SlotRollingBack {
			slots = append(slots, s)
		}
	}
	return slots
}

// rooms measures what the SDSs of each fault unit with devices can take.
func (p *planner) rooms() []unitRoom {
	var units []unitRoom
	for _, unit := range p.Pool.Units {
		r, used := unitRoom{name: unit.Name}, false
		for _, sds := range unit.SDSs {
			used = used || len(sds.Devices) > 0
			room, refusal := p.sdsRoom(sds)
			if refusal != "" {
				r.refuse = append(r.refuse, "SDS "+sds.Name+": "+refusal)
				continue
			}
			room.slot.Unit = unit.Name
			r.takers = append(r.takers, room)
		}
		if used {
			units = append(units, r)
		}
	}
	slices.SortFunc(units, func(a, b unitRoom) int { return strings.Compare(a.name, b.name) })
	return units
}

func (p *planner) sdsRoom(sds core.SDSReading) (sdsRoom, string) {
	host, known := p.Hosts[sds.Host]
	r := sdsRoom{
		slot:    PlannedSlot{Host: sds.Host, SDS: sds.Name, InstanceID: host.InstanceID, Zone: host.Zone},
		devices: len(sds.Devices) + sds.OtherDevices, kib: p.SDSKiB[sds.ID],
		attachments: math.MaxInt32, volumes: math.MaxInt32,
	}
	switch {
	case !sds.Healthy:
		return r, "it is not healthy"
	case sds.Host == "" || !known:
		return r, "no node of ours has its address"
	case !host.Up:
		return r, "its node agent is out of reach"
	}
	comingHere := p.onHost(&r)
	if p.Policy.Provider != ProviderAWS {
		p.capVolumes(&r, p.manualVolumes(sds.Host)+comingHere)
		return r, ""
	}
	return r, p.instanceRoom(&r, host, comingHere)
}

// onHost counts what is on its way to the SDS.
func (p *planner) onHost(r *sdsRoom) (coming int) {
	for _, g := range p.Growths {
		for _, s := range p.coming(g) {
			if s.Host == r.slot.Host {
				coming++
				r.devices++
				r.kib += int64(s.Request.SizeGiB) * gibKiB
			}
		}
	}
	return coming
}

func (p *planner) capVolumes(r *sdsRoom, have int) {
	if most := p.Policy.MaxVolumesPerNode; most > 0 {
		r.volumes = most - have
	}
}

// manualVolumes counts the disks that growths added to a host.
func (p *planner) manualVolumes(host string) (count int) {
	for _, g := range p.Growths {
		for _, s := range g.Slots {
			if s.Host == host && (s.State == model.SlotAdded || s.State == model.SlotDone) {
				count++
			}
		}
	}
	return count
}

// instanceRoom counts by what the provider shows, never by memory.
func (p *planner) instanceRoom(r *sdsRoom, host Host, coming int) string {
	if host.InstanceID == "" || host.Zone == "" {
		return "its node told no instance id and zone"
	}
	instance, ok := p.Cloud.Instances[host.InstanceID]
	switch {
	case !ok:
		return fmt.Sprintf("the provider does not show instance %s: look whether --aws.region is right", host.InstanceID)
	case instance.State != "running":
		return fmt.Sprintf("instance %s is %s", host.InstanceID, instance.State)
	case instance.Zone != host.Zone:
		return fmt.Sprintf("instance %s is in zone %s, its node says %s", host.InstanceID, instance.Zone, host.Zone)
	case instance.Limit <= 0:
		return fmt.Sprintf("how many volumes instance type %s can have is unknown", instance.Type)
	}
	ours := 0
	for _, v := range p.Cloud.Ours {
		for _, a := range v.Attachments {
			if a.InstanceID == host.InstanceID {
				ours++
			}
		}
	}
	// A volume on its way may be among those attached already: counted twice,
	// on the safe side.
	r.attachments = instance.Limit - p.Policy.ReservedAttachments - len(instance.Devices) - coming
	p.capVolumes(r, ours+coming)
	return ""
}

// spentToday is how many GiB growths have added, or are about to add, in this
// UTC day: from the records, and from the tags of volumes whose record is lost.
// A growth that waited for its approval belongs to the day of that.
func spentToday(s Situation) int {
	day := s.Now.UTC().Format("20060102")
	total, known := 0, make(map[string]bool)
	for _, g := range s.Growths {
		known[g.ID] = true
		begun := g.Decided
		if g.ApprovedAt != nil {
			begun = *g.ApprovedAt
		}
		if g.State == model.GrowthDeclined || GrowthBase(g.ID) == s.Except || begun.UTC().Format("20060102") != day {
			continue
		}
		for _, slot := range g.Slots {
			if slot.State != model.SlotRolledBack {
				total += slot.Request.SizeGiB
			}
		}
	}
	if s.Cloud != nil {
		for _, v := range s.Cloud.Ours {
			if id := v.Tags[TagGrowth]; !known[id] && strings.HasPrefix(id, day) {
				total += v.SizeGiB
			}
		}
	}
	return total
}
