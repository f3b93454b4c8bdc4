package storagegrowth

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// testMode is how ScaleIO tests a new device. It is part of every intent, so
// it is no flag.
const testMode = "test-and-activate"

// locate asks the node agent where the volume's block device is.
func (w *work) locate() {
	if w.seenInPool() {
		return
	}
	if !w.hostUp() {
		return // it comes back, or the slot is parked
	}
	since := w.hosts[w.s.Host].since
	if w.s.Since.After(since) {
		since = w.s.Since
	}
	if w.now.Sub(since) >= w.options.AppearWithin {
		w.countFailure(FailureNoDevice)
		w.end(model.SlotFailed, "volume %s is attached to %s as %s, but its block device has not appeared on %s: %s", w.s.VolumeID, w.s.InstanceID, w.s.Device, w.s.Host, orElse(w.s.Error, "its node agent did not answer"))
		return
	}
	w.wakeAt(since.Add(w.options.AppearWithin))
	due := w.l.asked.Add(doubled(w.options.Resend, w.options.ResendMax, w.l.asks-1))
	if w.l.asks == 0 || !due.After(w.now) {
		w.l.asked = w.now
		w.l.asks++
		due = w.now.Add(doubled(w.options.Resend, w.options.ResendMax, w.l.asks-1))
		w.ask()
	}
	w.wakeAt(due)
}

func orElse(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// located takes a node agent's answer.
func (w *work) located(r nodeproto.Report) {
	if r.State != nodeproto.Done {
		w.say(orElse(r.Error, "the node agent could not look for the block device"))
		return
	}
	var disk model.Disk
	if err := json.Unmarshal(r.Result, &disk); err != nil || disk.Path == "" {
		w.say("the node agent's answer names no block device")
		return
	}
	switch {
	case disk.Size < int64(w.s.Request.SizeGiB)*gib:
		w.say(fmt.Sprintf("%s has %d bytes, less than the %d GiB of volume %s", disk.Path, disk.Size, w.s.Request.SizeGiB, w.s.VolumeID))
	case !disk.Free:
		w.say(fmt.Sprintf("%s is not empty: %s", disk.Path, disk.Why))
	default:
		w.s.Path = disk.Path
		w.enter(model.SlotLocated)
		w.add()
	}
}

// say shows a problem that does not count.
func (w *work) say(text string) {
	if text = shorten(text); w.s.Error != text {
		w.s.Error = text
		w.change(w.g)
	}
}

// await waits for the disk that an operator was asked for.
func (w *work) await() {
	h := w.hosts[w.s.Host]
	if h == nil || !h.up || h.inventory == nil {
		return
	}
	for _, d := range h.inventory.Disks {
		if !d.Free || d.Size < int64(w.s.Request.SizeGiB)*gib || slices.Contains(w.s.BadDevices, d.Path) || w.claimed(d.Path) {
			continue
		}
		w.s.Path = d.Path
		w.enter(model.SlotLocated)
		w.add()
		return
	}
}

// claimed reports whether a disk is another slot's, or a device already.
func (w *work) claimed(path string) bool {
	for _, g := range w.growths {
		for i := range g.Slots {
			if s := &g.Slots[i]; s != w.s && s.Host == w.s.Host && s.Path == path && s.State != model.SlotRolledBack {
				return true
			}
		}
	}
	for _, p := range w.pools {
		for _, unit := range p.reading.Units {
			for _, sds := range unit.SDSs {
				if sds.Host == w.s.Host && slices.ContainsFunc(sds.Devices, func(d core.DeviceReading) bool { return d.Path == path }) {
					return true
				}
			}
		}
	}
	return false
}

// add gives the block device to ScaleIO, under the name of its volume: the
// performer asks for that name before it adds.
func (w *work) add() {
	switch {
	case w.seenInPool():
		return
	case w.exhausted():
		w.end(model.SlotFailed, "ScaleIO does not take %s of %s: %s", w.s.Path, w.s.Host, w.s.Error)
		return
	case len(w.gateways) == 0:
		w.say("no gateway is known at the moment")
		return
	}
	w.l.gateway, w.l.sent = true, w.now
	w.out.Do(core.GatewayCall{
		Step: addStep(w.g, w.s), Attempt: w.s.Attempts + 1, Gateways: w.gateways, Object: "sds/" + w.s.SDS,
		Params: encode(core.AddDevicesParams{
			SDS: w.s.SDS, ProtectionDomain: w.g.ProtectionDomain, StoragePool: w.g.StoragePool, TestMode: testMode,
			Devices: []core.DeviceParams{{Name: deviceName(w.s), Path: w.s.Path}},
		}),
	})
	w.wakeAt(w.now.Add(w.options.CallTimeout))
}

func addStep(g *model.Growth, s *model.GrowthSlot) string {
	return fmt.Sprintf("%s/%s/%d", core.StepAddDevices, g.ID, s.Index)
}

// added takes a gateway's answer.
func (w *work) added(e core.GatewayAnswered) {
	w.l.gateway = false
	if e.Err == "" {
		var result core.AddDevicesResult
		if err := json.Unmarshal(e.Result, &result); err == nil && result.IDs[deviceName(w.s)] != "" {
			w.s.DeviceID = result.IDs[deviceName(w.s)]
			w.enter(model.SlotAdded)
			w.confirm()
			return
		}
		e.Err = "the gateway's answer names no device"
	}
	if !e.Interrupted {
		w.countFailure(FailureGateway)
	}
	switch {
	case e.Interrupted:
		w.say(e.Err)
		w.later()
	case e.Hopeless:
		w.s.Attempts = w.options.MaxAttempts
		w.s.Error = shorten(e.Err)
		w.changed()
	default:
		w.failed(e.Err)
	}
}

// seenInPool closes the slot when its device is in the pool: nothing else
// matters then.
func (w *work) seenInPool() bool {
	d, ok := w.device(w.s)
	if !ok {
		return false
	}
	if w.s.State != model.SlotAdded {
		w.s.DeviceID = d.ID
		w.enter(model.SlotAdded)
	}
	w.s.DeviceID = d.ID
	if d.Normal {
		w.enter(model.SlotDone)
		return true
	}
	w.expect()
	return true
}

// confirm waits until the device is seen normal in the pool.
func (w *work) confirm() {
	if !w.seenInPool() {
		w.expect()
	}
}

func (w *work) expect() {
	until := w.s.Since.Add(w.options.AppearWithin)
	if !until.After(w.read.at) { // only a reading after the time is up counts
		w.countFailure(FailureNotNormal)
		w.end(model.SlotFailed, "device %s of SDS %s has not become normal in the pool: look at it in ScaleIO, then order growth-retry", deviceName(w.s), w.s.SDS)
		return
	}
	w.readSoon = true
}

// nodeUp takes note that a node agent can be spoken to, and of its disks.
func (t *turn) nodeUp(e core.NodeUp) {
	h := t.hosts[e.Host]
	if h == nil {
		h = &host{}
		t.hosts[e.Host] = h
	}
	if !h.up {
		h.since = t.now
	}
	h.up, h.address = true, e.Address
	if e.Inventory != nil {
		h.inventory = e.Inventory
	}
	t.queueHost(e.Host)
}

// nodeDown takes note that a node agent cannot be spoken to.
func (t *turn) nodeDown(e core.NodeDown) {
	if h := t.hosts[e.Host]; h != nil && h.up {
		h.up, h.since = false, t.now
		t.queueHost(e.Host)
	}
}

// queueHost works on the open growths that have a slot on the host.
func (t *turn) queueHost(name string) {
	for id, g := range t.growths {
		if g.State == model.GrowthOpen && slices.ContainsFunc(g.Slots, func(s model.GrowthSlot) bool { return s.Host == name && !s.Over() }) {
			t.queue[id] = true
		}
	}
}

// nodeReported takes answers to our questions; other reports are bootstrap's.
func (t *turn) nodeReported(e core.NodeReported) {
	volume, ok := strings.CutPrefix(e.Report.Step, nodeproto.QuestionLocate+"/")
	if !ok {
		return
	}
	for _, id := range sortedKeys(t.growths) {
		g := t.growths[id]
		for i := range g.Slots {
			if s := &g.Slots[i]; g.State == model.GrowthOpen && s.VolumeID == volume && s.Host == e.Host && s.State == model.SlotAttached {
				(&work{turn: t, g: g, s: s, l: t.live(g, i)}).located(e.Report)
				t.queue[id] = true
			}
		}
	}
}

// slotOf finds an open slot; nil when there is none.
func (t *turn) slotOf(growth string, index int) *work {
	g := t.growths[growth]
	if g == nil || g.State != model.GrowthOpen || index < 0 || index >= len(g.Slots) || g.Slots[index].Over() {
		return nil
	}
	return &work{turn: t, g: g, s: &g.Slots[index], l: t.live(g, index)}
}

// gatewayAnswered takes answers to our calls. Others are bootstrap's: of those
// it matters that a host's disks came to a pool, and that the plan has proven
// the pool; what is there is read then and not an interval later.
func (t *turn) gatewayAnswered(e core.GatewayAnswered) {
	switch {
	case e.Err != "":
	case e.Step == core.StepAddDevices:
		t.readSoon = true
	case e.Step == core.StepVerify:
		t.wantRead()
	}
	if key, ok := strings.CutPrefix(e.Step, core.StepSparePolicy+"/growth/"); ok {
		if p := t.pools[key]; p != nil {
			p.spareErr = shorten(e.Err)
			t.wantRead()
		}
		return
	}
	rest, ok := strings.CutPrefix(e.Step, core.StepAddDevices+"/")
	if !ok {
		return
	}
	id, _, _ := strings.Cut(rest, "/")
	g := t.growths[id]
	if g == nil {
		return
	}
	for i := range g.Slots {
		if e.Step != addStep(g, &g.Slots[i]) {
			continue
		}
		if w := t.slotOf(id, i); w != nil && w.s.State == model.SlotLocated && (e.Err == "" || e.Attempt == w.s.Attempts+1) {
			w.added(e)
			t.queue[id] = true
		}
	}
}

// cloudAnswered takes the provider's answers.
func (t *turn) cloudAnswered(e core.CloudAnswered) {
	if e.Err != "" {
		t.countFailure(string(e.Err))
	}
	if e.Op == core.CloudLook {
		t.looked(e)
		return
	}
	if volume, ok := strings.CutPrefix(e.Growth, deletionsPrefix); ok {
		t.deletionAnswered(volume, e)
		return
	}
	w := t.slotOf(e.Growth, e.Slot)
	if w == nil {
		return
	}
	switch {
	case w.s.State == model.SlotPlanned && e.Op == core.CloudCreate:
		w.created(e)
	case w.s.State == model.SlotPlanned && e.Op == core.CloudFindByTag:
		w.foundByTag(e)
	case w.s.State == model.SlotCreated && e.Op == core.CloudAttach:
		w.attachedAnswer(e)
	case e.Op == core.CloudDetach:
		w.detached(e)
	case w.s.State == model.SlotRollingBack && e.Op == core.CloudDelete:
		w.removed(e)
	}
	t.queue[e.Growth] = true
}
