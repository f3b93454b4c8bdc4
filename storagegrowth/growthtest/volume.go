package growthtest

import (
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/storagegrowth"
)

// Volume is a volume in EC2.
type Volume struct {
	Request    model.VolumeRequest
	ID         string
	Created    time.Time
	Instance   string // where it is attached; empty when it is not
	Device     string
	AttachedAt time.Time
	Detaching  bool
	EverWas    []string // attachments that began
}

func (s *Site) show(v *Volume) core.CloudVolume {
	shown := core.CloudVolume{ID: v.ID, Zone: v.Request.Zone, State: "available", SizeGiB: v.Request.SizeGiB, Tags: v.Request.Tags}
	if s.Now.Sub(v.Created) < s.CreateTakes {
		shown.State = "creating"
	}
	if v.Instance != "" {
		a := core.CloudAttachment{InstanceID: v.Instance, Device: v.Device, State: "attached", Since: v.AttachedAt}
		if s.Now.Sub(v.AttachedAt) < s.AttachTakes || s.Stuck[v.Device] || s.StuckVolume == v.ID {
			a.State = "attaching"
		}
		if v.Detaching {
			a.State = "detaching"
		}
		shown.State = "in-use"
		shown.Attachments = []core.CloudAttachment{a}
	}
	return shown
}

func (s *Site) create(c core.CloudCall, a *core.CloudAnswered) {
	if s.Burnt[c.Request.Token] {
		a.Err, a.Text = core.CloudMismatch, "IdempotentParameterMismatch"
		return
	}
	if id, ok := s.tokens[c.Request.Token]; ok {
		if v := s.Volumes[id]; v != nil {
			a.Volumes = []core.CloudVolume{s.show(v)}
			return
		}
		a.Err, a.Text = core.CloudMismatch, "the volume of this token was deleted"
		return
	}
	for _, other := range s.sorted() {
		if slot(other.Request) == slot(c.Request) && other.Request.Token != c.Request.Token {
			s.wrong("a second volume is made for slot %s beside %s", slot(c.Request), other.ID)
		}
	}
	s.Made++
	v := &Volume{Request: c.Request, ID: fmt.Sprintf("vol-%04d", s.Made), Created: s.Now}
	s.Volumes[v.ID], s.tokens[c.Request.Token] = v, v.ID
	a.Volumes = []core.CloudVolume{s.show(v)}
}

func (s *Site) attach(c core.CloudCall, a *core.CloudAnswered) {
	v, i := s.Volumes[c.VolumeID], s.byID(c.InstanceID)
	switch {
	case v == nil || i == nil:
		a.Err = core.CloudNotFound
	case v.Instance != "":
		a.Err = core.CloudVolumeInUse
	case i.Devices[c.Device] != "":
		a.Err = core.CloudDeviceInUse
	case len(i.Devices) >= i.Limit:
		a.Err = core.CloudAttachLimit
	case v.Request.Zone != i.Zone:
		a.Err = core.CloudZone
	default:
		if was := i.ID + c.Device; len(v.EverWas) > 0 && v.EverWas[0] != was {
			s.wrong("volume %s is attached as %s and was as %s", v.ID, was, v.EverWas[0])
		}
		v.Instance, v.Device, v.AttachedAt = i.ID, c.Device, s.Now
		v.EverWas = append(v.EverWas, i.ID+c.Device)
		i.Devices[c.Device] = v.ID
		a.Volumes = []core.CloudVolume{s.show(v)}
	}
}

// slot is which slot of which growth a request is for.
func slot(r model.VolumeRequest) string {
	return r.Tags[storagegrowth.TagGrowth] + "/" + r.Tags[storagegrowth.TagSlot]
}

func (s *Site) detach(c core.CloudCall, a *core.CloudAnswered) {
	v := s.Volumes[c.VolumeID]
	if v == nil || v.Instance == "" {
		a.Err = core.CloudNotFound
		return
	}
	if s.IsDevice(v.ID) {
		s.wrong("volume %s is detached while it is a device", v.ID)
	}
	v.Detaching = true
	s.release()
}

// release ends the detachments that were begun.
func (s *Site) release() {
	for _, v := range s.Volumes {
		if v.Detaching && !s.StuckDetaching {
			delete(s.byID(v.Instance).Devices, v.Device)
			v.Instance, v.Device, v.Detaching = "", "", false
		}
	}
}

// IsDevice reports whether a device of that name is in any pool.
func (s *Site) IsDevice(name string) bool {
	for _, p := range s.Pools {
		if slices.ContainsFunc(p.Devices, func(d Device) bool { return d.Name == name }) {
			return true
		}
	}
	return false
}

func (s *Site) delete(c core.CloudCall, a *core.CloudAnswered) {
	v := s.Volumes[c.VolumeID]
	switch {
	case v == nil:
		a.Err = core.CloudNotFound
	case v.Instance != "":
		a.Err = core.CloudVolumeInUse
	default:
		if s.IsDevice(v.ID) {
			s.wrong("volume %s is deleted while it is a device", v.ID)
		}
		delete(s.Volumes, v.ID)
	}
}
