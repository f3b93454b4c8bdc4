package storagegrowth

import (
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth/devicename"
)

// maxBadDevices is how many device names are tried.
const maxBadDevices = 8

// attachQuiet is how long the provider may show a volume as available after it
// has taken the attachment.
const attachQuiet = 30 * time.Second

// attach attaches the volume of a created slot, after it has made sure where
// the volume is.
func (w *work) attach() {
	v, known := w.volume()
	if !known {
		return
	}
	if len(v.Attachments) == 0 {
		w.unattached(v)
		return
	}
	a := w.attachment(v)
	switch {
	case a.InstanceID != w.s.InstanceID && !w.s.Detaching:
		w.end(model.SlotFailed, "volume %s is attached to instance %s, not to %s: detach it there, then order growth-retry", v.ID, a.InstanceID, w.s.InstanceID)
	case w.s.Detaching:
		w.detach(a)
	case a.State == "attached":
		w.s.Device = a.Device
		w.enter(model.SlotAttached)
		w.locate()
	case a.State == "attaching":
		w.attaching(a)
	default:
		w.wantLook(false)
	}
}

// volume is the slot's volume as it is now; otherwise it sees to it that it
// will be known.
func (w *work) volume() (core.CloudVolume, bool) {
	if v := w.l.volume; v != nil {
		w.l.volume = nil // it is of now only once
		return present(*v), true
	}
	if w.look.answered.IsZero() || w.look.answered.Before(w.l.need) || !w.look.shown[w.s.VolumeID] {
		w.wantLook(false)
		return core.CloudVolume{}, false
	}
	v, there := w.look.volumes[w.s.VolumeID]
	if there && v.State != "deleted" {
		w.l.gone = time.Time{}
		return present(v), true
	}
	if !w.believed(&w.l.gone) {
		w.wantLook(false)
		return v, false
	}
	switch {
	case w.s.State == model.SlotRollingBack:
		w.end(model.SlotRolledBack, "%s", w.s.Error)
	case w.s.Detaching:
		w.rollBack(true, w.s.Error)
	default:
		w.countFailure(FailureVanished)
		w.end(model.SlotFailed, "volume %s is gone: somebody else removed it", w.s.VolumeID)
	}
	return v, false
}

// present leaves out attachments that are over.
func present(v core.CloudVolume) core.CloudVolume {
	v.Attachments = slices.DeleteFunc(slices.Clone(v.Attachments), func(a core.CloudAttachment) bool { return a.State == "detached" })
	return v
}

// attachment is the one to the slot's instance, or another one if there is none
// to it.
func (w *work) attachment(v core.CloudVolume) core.CloudAttachment {
	for _, a := range v.Attachments {
		if a.InstanceID == w.s.InstanceID {
			return a
		}
	}
	return v.Attachments[0]
}

// attaching waits for the attachment, but not for ever: a volume can be stuck
// in it, and then only a detachment helps.
func (w *work) attaching(a core.CloudAttachment) {
	since := a.Since
	if w.l.attaching.IsZero() {
		w.l.attaching = w.now
	}
	if since.IsZero() || since.After(w.l.attaching) {
		since = w.l.attaching
	}
	// What was so at the last look may be over: only a look after the time
	// is up counts.
	if w.look.answered.Sub(since) < w.options.AttachTimeout {
		w.wantLook(false)
		return
	}
	w.s.Detaching = true
	w.s.Error = fmt.Sprintf("stuck in attaching to %s as %s: if that happens again, look at the instance, then order growth-retry", a.InstanceID, a.Device)
	w.countFailure(FailureStuck)
	w.changed()
	w.cloud(core.CloudDetach)
}

// detach takes a volume off that will never be attached again. It does not wait
// for ever: a guest that does not let go of a disk keeps it, and a volume that
// hangs in attaching may stay there whatever EC2 answers.
func (w *work) detach(a core.CloudAttachment) {
	if w.l.detaching.IsZero() {
		w.l.detaching = w.now
	}
	switch {
	case w.exhausted():
		w.end(model.SlotFailed, "volume %s cannot be detached from %s: %s", w.s.VolumeID, a.InstanceID, w.s.Error)
	case a.InstanceID != w.s.InstanceID:
		w.end(model.SlotFailed, "volume %s is attached to instance %s, not to %s: detach it there, then order growth-retry", w.s.VolumeID, a.InstanceID, w.s.InstanceID)
	case w.look.answered.Sub(w.l.detaching) >= w.options.AppearWithin:
		w.end(model.SlotFailed, "volume %s is to be detached from instance %s and is still %s after %s: force the detachment in EC2 or stop the instance, then order growth-retry", w.s.VolumeID, a.InstanceID, a.State, w.options.AppearWithin)
	case a.State == "detaching" || a.State == "busy" || w.now.Sub(w.l.attached) < attachQuiet:
		w.wantLook(false)
	default:
		w.cloud(core.CloudDetach)
	}
}

// unattached attaches a volume that is free, or removes it when it has been
// detached for good.
func (w *work) unattached(v core.CloudVolume) {
	switch {
	case w.s.Detaching:
		w.rollBack(true, w.s.Error)
	case v.State == "error" || v.State == "deleting":
		w.rollBack(true, fmt.Sprintf("volume %s is %s", v.ID, v.State))
	case v.State != "available":
		w.wantLook(false)
	case w.exhausted():
		w.rollBack(false, w.s.Error)
	case !w.hostUp():
		// Its node comes back, or the slot is parked.
	case w.s.Device != "" && w.now.Sub(w.l.attached) < attachQuiet:
		w.wakeAt(w.l.attached.Add(attachQuiet))
		w.wantLook(false)
	case w.s.Device != "":
		w.cloud(core.CloudAttach)
	default:
		w.nameAndAttach()
	}
}

// nameAndAttach commits a device name, then attaches under it.
func (w *work) nameAndAttach() {
	instance, shown := w.look.instances[w.s.InstanceID]
	if !shown {
		if w.look.covered[w.s.InstanceID] && !w.look.answered.Before(w.l.need) && w.believed(&w.l.lost) {
			w.end(model.SlotParked, "the provider does not show instance %s any more: %s", w.s.InstanceID, w.leftBehind())
			return
		}
		w.l.need = w.now
		w.wantLook(false)
		return
	}
	name, err := w.deviceName(instance)
	if err != nil || len(w.s.BadDevices) >= maxBadDevices {
		w.rollBack(false, fmt.Sprintf("no device name on instance %s works, %d were refused", w.s.InstanceID, len(w.s.BadDevices)))
		return
	}
	w.s.Device = name
	w.changed()
	w.cloud(core.CloudAttach)
}

// deviceName chooses a name on the instance: none that is in use or asked for
// by another slot, and none that was refused lately.
func (w *work) deviceName(instance core.CloudInstance) (string, error) {
	inUse := sortedKeys(instance.Devices)
	history := devicename.History{Bad: make(map[string]time.Time)}
	var latest time.Time
	for _, g := range w.allGrowths() {
		for i := range g.Slots {
			s := &g.Slots[i]
			if s.InstanceID != w.s.InstanceID || s == w.s {
				continue
			}
			if s.Device != "" && !s.Over() {
				inUse = append(inUse, s.Device)
			}
			if s.Device != "" && !s.Since.Before(latest) {
				history.Latest, latest = s.Device, s.Since
			}
			for _, bad := range s.BadDevices {
				history.Bad[bad] = s.Since
			}
		}
	}
	for _, bad := range w.s.BadDevices {
		history.Bad[bad] = w.now
	}
	return devicename.Next(inUse, history, w.now)
}

// attachedAnswer takes the answer to CloudAttach.
func (w *work) attachedAnswer(e core.CloudAnswered) {
	if !w.answers(core.CloudAttach) {
		return
	}
	w.l.need = w.now
	switch e.Err {
	case "":
		w.l.attached = w.now
		if len(e.Volumes) == 1 && len(e.Volumes[0].Attachments) == 1 && e.Volumes[0].ID == w.s.VolumeID {
			w.l.volume = &e.Volumes[0]
		}
		w.stir()
	case core.CloudDeviceInUse:
		w.s.BadDevices = append(w.s.BadDevices, w.s.Device)
		w.s.Device = ""
		w.changed()
	case core.CloudVolumeInUse, core.CloudNotFound, core.CloudUnknown:
		w.note(e)
		w.stir() // the look tells where it is
		w.later()
	case core.CloudAttachLimit, core.CloudZone:
		w.s.Attempts = w.options.MaxAttempts
		w.s.Error = shorten(describe(e))
		w.changed()
	default:
		w.refused(e)
	}
}

// detached takes the answer to CloudDetach.
func (w *work) detached(e core.CloudAnswered) {
	if !w.answers(core.CloudDetach) {
		return
	}
	w.l.need = w.now
	switch e.Err {
	case "", core.CloudNotFound:
		w.l.attached = w.now // ask again only after a while
		w.stir()
	default:
		w.refused(e)
	}
}

// rollBack removes a volume that will not be used, proven unused first. With
// another try, a new slot under a new identity stands in for it (R10).
func (w *work) rollBack(again bool, reason string) {
	bad, device := slices.Clone(w.s.BadDevices), w.s.Device
	w.enter(model.SlotRollingBack)
	w.s.Detaching = true // whatever happens to it, it is never attached again
	w.s.Error = shorten(reason)
	w.l.volume = nil
	w.l.need = w.now
	w.wantLook(false)
	if again && w.mayReplace() {
		if device != "" {
			bad = append(bad, device)
		}
		w.replace(bad)
	}
}

// maxReplacements is how often one volume of a growth is tried anew.
const maxReplacements = 3

func (w *work) mayReplace() bool {
	depth := 0
	for at := w.s; at != nil && depth <= maxReplacements; depth++ {
		at = replacedBy(w.g, at)
	}
	return depth <= maxReplacements && len(w.g.Slots) < slotsPerRecordMax
}

// replacedBy is the slot that s stands in for; nil when there is none.
func replacedBy(g *model.Growth, s *model.GrowthSlot) *model.GrowthSlot {
	for i := range g.Slots {
		if s.Request.Tags[TagReplaces] == fmt.Sprint(i) {
			return &g.Slots[i]
		}
	}
	return nil
}

// replace appends a slot that stands in for this one.
func (w *work) replace(bad []string) {
	index := len(w.g.Slots)
	fresh := model.GrowthSlot{
		Index: index, Host: w.s.Host, SDS: w.s.SDS, State: model.SlotPlanned, InstanceID: w.s.InstanceID, Zone: w.s.Zone,
		Request: replacement(w.uuid, w.g.ID, index, w.s), BadDevices: bad, Since: w.now,
	}
	at := w.s.Index
	w.g.Slots = append(w.g.Slots, fresh)
	w.s = &w.g.Slots[at] // the slice may have moved
	w.turn.live(w.g, index).unmade = true
	w.changed()
	w.queue[w.g.ID] = true
}

// remove deletes a volume that is proven unused: not attached, and no device
// of any pool bears its name.
func (w *work) remove() {
	v, known := w.volume()
	switch {
	case !known:
	case w.exhausted():
		w.end(model.SlotFailed, "volume %s is unused but cannot be removed: %s", w.s.VolumeID, w.s.Error)
	case len(v.Attachments) > 0:
		// A former leader has repeated the attachment.
		w.detach(w.attachment(v))
	case v.State == "deleting":
		w.wantLook(false)
	case v.State != "available" && v.State != "error":
		w.wantLook(false)
	case !w.noDevice(w.s.VolumeID):
		w.wantRead()
	default:
		w.cloud(core.CloudDelete)
	}
}

// removed takes the answer to CloudDelete.
func (w *work) removed(e core.CloudAnswered) {
	if !w.answers(core.CloudDelete) {
		return
	}
	w.l.need = w.now
	switch e.Err {
	case "", core.CloudNotFound:
		w.end(model.SlotRolledBack, "%s", w.s.Error)
	case core.CloudVolumeInUse, core.CloudUnknown:
		w.stir() // the look tells what became of it
		w.later()
	default:
		w.refused(e)
	}
}
