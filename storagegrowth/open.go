package storagegrowth

import (
	"fmt"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

const (
	// slotsPerRecord is how many volumes one record of a growth holds: with
	// replacements, the longest tags and the longest errors it stays below 64
	// KiB. A larger growth has several records, committed together.
	slotsPerRecord = 20
	// slotsPerRecordMax leaves room for replacements.
	slotsPerRecordMax = slotsPerRecord + 4
)

// open records a growth with the complete request of every volume. approvedBy
// is the operator who asked for it; empty when the policy did.
func (t *turn) open(plan *Plan, approvedBy string) (base string) {
	pool := plan.ProtectionDomain + "/" + plan.StoragePool
	policy := t.options.policy(pool)
	base = growthID(t.now, pool, t.taken)
	parts := (len(plan.Slots) + slotsPerRecord - 1) / slotsPerRecord
	for part := range parts {
		slots := plan.Slots[part*slotsPerRecord : min((part+1)*slotsPerRecord, len(plan.Slots))]
		g := &model.Growth{
			ID: base, State: model.GrowthOpen, ProtectionDomain: plan.ProtectionDomain, StoragePool: plan.StoragePool,
			Reason: shorten(plan.Reason), UsedBefore: plan.UsedBefore, UsedAfter: plan.UsedAfter, Clipped: shorten(plan.Clipped),
			Decided: t.now, Provider: policy.Provider, Approved: approvedBy,
		}
		if parts > 1 {
			g.ID = fmt.Sprintf("%s.%d", base, part+1)
			g.Reason += fmt.Sprintf(" (part %d of %d)", part+1, parts)
		}
		for i, planned := range slots {
			g.Slots = append(g.Slots, t.slot(g, policy, i, planned, plan.SizeGiB))
		}
		if policy.Approval == ApprovalManual && approvedBy == "" {
			g.State = model.GrowthAwaiting
		}
		t.growths[g.ID] = g
		t.change(g)
		t.begin(g)
	}
	t.opened = t.now
	t.countBegun(pool, plan.ClippedBy)
	return base
}

// begin lets a growth that is open go on: nobody can have made its volumes yet.
func (t *turn) begin(g *model.Growth) {
	if g.State != model.GrowthOpen {
		return
	}
	for i := range g.Slots {
		t.live(g, i).unmade = true
	}
	t.queue[g.ID] = true
}

func (t *turn) taken(base string) bool {
	for id := range t.growths {
		if GrowthBase(id) == base {
			return true
		}
	}
	return false
}

func (t *turn) slot(g *model.Growth, policy Policy, index int, planned PlannedSlot, sizeGiB int) model.GrowthSlot {
	s := model.GrowthSlot{
		Index: index, Host: planned.Host, SDS: planned.SDS, State: model.SlotPlanned,
		InstanceID: planned.InstanceID, Zone: planned.Zone, Since: t.now,
		Request: request(policy, t.uuid, g.ID, index, planned.Zone, sizeGiB),
	}
	if g.Provider == ProviderManual {
		s.Request.Type = ProviderManual
		s.Error = fmt.Sprintf("waits for an empty disk of at least %d GiB on host %s: add it, nothing else is to be done", sizeGiB, planned.Host)
		// Disks that are there already belong to somebody else.
		if h := t.hosts[planned.Host]; h != nil && h.inventory != nil {
			for _, d := range h.inventory.Disks {
				if d.Free && d.Size >= int64(sizeGiB)*gib {
					s.BadDevices = append(s.BadDevices, d.Path)
				}
			}
		}
	}
	return s
}

// adjustSpare raises a pool's spare percentage where the policy says so. What
// is asked for is in the status record first.
func (t *turn) adjustSpare(key string, p *pool) {
	policy := t.options.policy(key)
	d := p.decision
	healthy := !p.reading.Degraded && !p.reading.Rebuilding
	if !policy.AdjustSpare || d.SpareNeeded == 0 || !healthy || t.status == nil || len(t.gateways) == 0 {
		return
	}
	if !p.spareAsked.IsZero() && t.now.Sub(p.spareAsked) < t.options.CallTimeout {
		return
	}
	p.spareAsked = t.now
	t.status.setSpare(key, d.SpareNeeded)
	t.storeNow = true
	t.out.Do(core.GatewayCall{
		Step: core.StepSparePolicy + "/growth/" + key, Attempt: 1, Gateways: t.gateways,
		Params: encode(core.SparePolicyParams{ProtectionDomain: p.reading.ProtectionDomain, StoragePool: p.reading.StoragePool, Percent: d.SpareNeeded}),
		Object: "pool/" + key,
	})
}
