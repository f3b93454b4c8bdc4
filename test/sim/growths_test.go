package sim_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// growths are the growths that were ever committed, and what their records
// allow to be done.
type growths struct {
	last    map[string]*model.Growth // by id, as last stored
	allowed map[string]bool          // see the keys below
}

func newGrowths() growths {
	return growths{last: make(map[string]*model.Growth), allowed: make(map[string]bool)}
}

// cloudKey names one effect on EC2 exactly.
func cloudKey(op core.CloudOp, growth string, slot int, request model.VolumeRequest, volume, instance, device string) string {
	key := fmt.Sprintf("%s %s/%d %s %s %s", op, growth, slot, volume, instance, device)
	if op == core.CloudCreate {
		data, _ := json.Marshal(request) // strings and numbers encode
		key += string(data)
	}
	return key
}

func addKey(growth string, slot int, p core.AddDevicesParams) string {
	return fmt.Sprintf("add %s/%d %s/%s %s %v", growth, slot, p.ProtectionDomain, p.StoragePool, p.SDS, p.Devices)
}

func locateKey(host, volume string) string { return "locate " + host + " " + volume }

// storedGrowth takes note of a growth's record and holds it against the one
// before.
func (w *world) storedGrowth(t *term, orders applied, data []byte) {
	g := new(model.Growth)
	w.must(json.Unmarshal(data, g))
	book := w.intents.growths
	was := book.last[g.ID]
	if was == nil {
		w.checkDecision(t, g)
	}
	w.checkGrowthState(orders, was, g)
	book.last[g.ID] = g
	for i := range g.Slots {
		s := &g.Slots[i]
		if was != nil && i < len(was.Slots) {
			w.checkSlot(g, &was.Slots[i], s)
		}
		w.allow(g, s)
	}
}

// checkDecision holds R8 and the order of growths: a pool grows on a reading of
// this leader's own that shows it healthy, and never twice at once.
func (w *world) checkDecision(t *term, g *model.Growth) {
	for _, other := range w.intents.growths.last {
		if other.Finished == nil {
			w.violate("growth %s begins while %s is %s", g.ID, other.ID, other.State)
		}
	}
	read := t.read
	i := slices.IndexFunc(read.Pools, func(p core.PoolReading) bool {
		return p.ProtectionDomain == g.ProtectionDomain && p.StoragePool == g.StoragePool
	})
	if read.Err != "" || i < 0 || read.Pools[i].Degraded || read.Pools[i].Implausible != "" {
		w.violate("growth %s is decided on a reading that shows no healthy pool: %s", g.ID, read)
	}
}

// checkGrowthState holds that what an operator decides nobody else does.
func (w *world) checkGrowthState(orders applied, was, is *model.Growth) {
	switch {
	case was == nil:
		if is.State == model.GrowthOpen && is.Approved == "" && w.site.approval == storagegrowth.ApprovalManual {
			w.violate("growth %s begins without an approval", is.ID)
		}
		if is.Approved != "" && !slices.ContainsFunc(orders.list, func(o model.Order) bool { return o.Verb == model.GrowthRequest && o.By == is.Approved }) {
			w.violate("growth %s begins for %s, who did not order it", is.ID, is.Approved)
		}
	case was.Finished != nil && (is.Finished == nil || !is.Finished.Equal(*was.Finished)):
		w.violate("growth %s was %s and is %s", is.ID, was.State, is.State)
	case was.State != model.GrowthAwaiting || is.State == model.GrowthAwaiting:
	case is.State == model.GrowthDeclined:
		_, declined := growthOrder(orders.list, model.GrowthDecline, is.ID)
		_, overtaken := growthOrder(orders.overtaken, model.GrowthApprove, is.ID)
		if !declined && !overtaken {
			w.violate("growth %s is declined, which nobody ordered", is.ID)
		}
	default:
		if o, approved := growthOrder(orders.list, model.GrowthApprove, is.ID); !approved || o.By != is.Approved {
			w.violate("growth %s is %s by %q, who did not approve it", is.ID, is.State, is.Approved)
		}
	}
}

// requested reports whether an operator asked for a growth beyond what the site
// needs by itself.
func requested(g *model.Growth) bool { return strings.HasPrefix(g.Reason, "requested by ") }

func (w *world) growthsSorted() []*model.Growth {
	var all []*model.Growth
	for _, id := range sortedKeys(w.intents.growths.last) {
		all = append(all, w.intents.growths.last[id])
	}
	return all
}

// checkSlot looks at what of a slot must not change.
func (w *world) checkSlot(g *model.Growth, was, is *model.GrowthSlot) {
	name := fmt.Sprintf("slot %d of growth %s", is.Index, g.ID)
	token, _, _ := strings.Cut(is.Request.Token, "-")
	before, _, _ := strings.Cut(was.Request.Token, "-")
	switch {
	case was.VolumeID != "" && is.VolumeID != was.VolumeID:
		w.violate("%s has volume %s and now %s", name, was.VolumeID, is.VolumeID)
	case was.InstanceID != is.InstanceID, was.Host != is.Host, was.SDS != is.SDS:
		w.violate("%s moves from %s to %s", name, was.InstanceID, is.InstanceID)
	case was.Request.SizeGiB != is.Request.SizeGiB, was.Request.Type != is.Request.Type, token != before:
		w.violate("the request of %s changes", name)
	case was.Detaching && !is.Detaching:
		w.violate("the detachment of %s is withdrawn", name)
	case was.State == model.SlotDone && is.State != model.SlotDone:
		w.violate("%s was done and is %s", name, is.State)
	case is.State == model.SlotParked || is.State == model.SlotFailed:
		w.violate("%s is %s: %s", name, is.State, is.Error)
	}
}

// allow notes what a slot's record says is done next.
func (w *world) allow(g *model.Growth, s *model.GrowthSlot) {
	may := func(op core.CloudOp) {
		device := s.Device
		if op == core.CloudDelete || op == core.CloudCreate {
			device = ""
		}
		w.intents.growths.allowed[cloudKey(op, g.ID, s.Index, s.Request, s.VolumeID, s.InstanceID, device)] = true
	}
	switch {
	case g.State != model.GrowthOpen:
	case s.State == model.SlotPlanned:
		may(core.CloudCreate)
	case s.Detaching && s.State == model.SlotRollingBack:
		may(core.CloudDetach)
		may(core.CloudDelete)
	case s.Detaching:
		may(core.CloudDetach)
	case s.State == model.SlotRollingBack:
		may(core.CloudDelete)
	case s.State == model.SlotCreated && s.Device != "":
		may(core.CloudAttach)
	case s.State == model.SlotAttached:
		w.intents.growths.allowed[locateKey(s.Host, s.VolumeID)] = true
	case s.State == model.SlotLocated:
		w.intents.growths.allowed[addKey(g.ID, s.Index, core.AddDevicesParams{
			SDS: s.SDS, ProtectionDomain: g.ProtectionDomain, StoragePool: g.StoragePool,
			Devices: []core.DeviceParams{{Name: s.VolumeID, Path: s.Path}},
		})] = true
	}
}

// checkCloud finds the record that says a call to EC2. Questions need none.
func (w *world) checkCloud(e core.CloudCall) {
	switch e.Op {
	case core.CloudLook, core.CloudFindByTag:
		return
	}
	key := cloudKey(e.Op, e.Growth, e.Slot, e.Request, e.VolumeID, e.InstanceID, e.Device)
	if e.Op == core.CloudCreate {
		// The instance is not part of what EC2 is asked for.
		key = cloudKey(e.Op, e.Growth, e.Slot, e.Request, "", e.InstanceID, "")
	}
	if !w.intents.growths.allowed[key] {
		w.violate("%s without its record: %s", e, key)
	}
}

// checkGrowthStep finds the record that says that a volume is added.
func (w *world) checkGrowthStep(e core.GatewayCall) {
	parts := strings.Split(e.Step, "/")
	var slot int
	p := decode[core.AddDevicesParams](w.system, e.Params)
	if len(parts) != 3 {
		w.violate("%s without its record", e)
		return
	}
	if _, err := fmt.Sscan(parts[2], &slot); err != nil || !w.intents.growths.allowed[addKey(parts[1], slot, p)] {
		w.violate("%s without its record: %+v", e, p)
	}
}

// grown reports whether every growth is over, and one is done where one is due.
func (w *world) grown() bool {
	due := w.site.fill > 0
	for _, g := range w.intents.growths.last {
		switch {
		case g.State == model.GrowthDone:
			due = due && requested(g)
		case g.State != model.GrowthDeclined:
			return false
		}
	}
	return !due && (w.filled || w.site.fill == 0)
}

// growthEnding is what growth has made, without identities and times. What an
// operator asked for beyond is looked at, and not counted.
func (w *world) growthEnding() map[string]string {
	e := make(map[string]string)
	extra := make(map[string]bool) // volumes
	slots, finished, placed := 0, 0, make(map[string]bool)
	for _, g := range w.intents.growths.last {
		if g.State != model.GrowthDone {
			continue
		}
		finished++
		for _, s := range g.Slots {
			if s.State != model.SlotDone {
				continue
			}
			slots++
			placed[s.VolumeID] = true
			extra[s.VolumeID] = requested(g)
		}
	}
	for _, p := range w.cloud.Read().Pools {
		for _, unit := range p.Units {
			for _, sds := range unit.SDSs {
				own := 0
				for _, d := range sds.Devices {
					if !extra[d.Name] {
						own++
					}
				}
				e[p.StoragePool+" on "+sds.Name] = fmt.Sprintf("%d devices", own)
			}
		}
	}
	attached := make(map[string]int)
	for _, v := range w.cloud.Volumes {
		if extra[v.ID] && v.Instance != "" && w.cloud.IsDevice(v.ID) {
			continue
		}
		attached[fmt.Sprintf("volumes of %d GiB at %q, a device: %t, in a slot that is done: %t", v.Request.SizeGiB, v.Instance, w.cloud.IsDevice(v.ID), placed[v.ID])]++
	}
	for text, n := range attached {
		e[text] = fmt.Sprint(n)
	}
	for _, wanted := range extra {
		if wanted {
			slots--
		}
	}
	e["slots done"] = fmt.Sprint(slots)
	e["totals"] = w.totalsEnding(finished, len(placed))
	var status storagegrowth.Status
	if entry, ok := w.tree()[storagegrowth.PathStatus]; ok && w.site.fill > 0 {
		w.must(json.Unmarshal(entry.Data, &status))
		e["orphans"] = fmt.Sprint(len(status.Orphans))
	}
	return e
}

// totalsEnding says what is counted wrongly.
func (w *world) totalsEnding(finished, slots int) string {
	totals := storagegrowth.Describe(w.tree()).Totals
	var begun, done int64
	for _, t := range totals.Pools {
		begun, done = begun+t.Begun, done+t.Finished[model.GrowthDone]
	}
	if counted := totals.Volumes[model.SlotDone]; begun != int64(len(w.intents.growths.last)) || done != int64(finished) || counted != int64(slots) {
		return fmt.Sprintf("%d begun, %d done, %d volumes, and counted as %d, %d, %d", len(w.intents.growths.last), finished, slots, begun, done, counted)
	}
	return "right"
}

// isGrowth tells growths' records from others.
func isGrowth(path string) bool { return strings.HasPrefix(path, leader.PathGrowth+"/") }
