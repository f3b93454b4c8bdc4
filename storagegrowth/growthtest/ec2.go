package growthtest

import (
	"fmt"
	"maps"
	"slices"

	"scaleio-framework/internal/core"
	"scaleio-framework/storagegrowth"
)

// Call is one call to EC2.
func (s *Site) Call(c core.CloudCall) core.CloudAnswered {
	s.Calls[c.Op]++
	s.release()
	a := core.CloudAnswered{Op: c.Op, Growth: c.Growth, Slot: c.Slot, At: s.Now}
	var before, after core.CloudError
	if s.Fault != nil {
		before, after = s.Fault(c)
	}
	if before != "" {
		a.Err, a.Text = before, "injected "+string(before)
		return a
	}
	switch c.Op {
	case core.CloudCreate:
		s.create(c, &a)
	case core.CloudAttach:
		s.attach(c, &a)
	case core.CloudDetach:
		s.detach(c, &a)
	case core.CloudDelete:
		s.delete(c, &a)
	case core.CloudFindByTag:
		for _, v := range s.sorted() {
			if v.Request.Tags[storagegrowth.TagGrowth] == c.Growth && v.Request.Tags[storagegrowth.TagSlot] == fmt.Sprint(c.Slot) {
				a.Volumes = append(a.Volumes, s.show(v))
			}
		}
	case core.CloudLook:
		s.look(c, &a)
	}
	if after != "" {
		return core.CloudAnswered{Op: c.Op, Growth: c.Growth, Slot: c.Slot, At: s.Now, Err: after, Text: "injected " + string(after)}
	}
	return a
}

func (s *Site) sorted() []*Volume {
	var all []*Volume
	for _, id := range slices.Sorted(maps.Keys(s.Volumes)) {
		all = append(all, s.Volumes[id])
	}
	return all
}

func (s *Site) look(c core.CloudCall, a *core.CloudAnswered) {
	for _, v := range s.sorted() {
		if slices.Contains(c.VolumeIDs, v.ID) {
			a.Volumes = append(a.Volumes, s.show(v))
		}
		if v.Request.Tags[storagegrowth.TagFramework] == c.Tags[storagegrowth.TagFramework] {
			a.ByTag = append(a.ByTag, s.show(v))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Instances)) {
		if i := s.Instances[name]; slices.Contains(c.InstanceIDs, i.ID) {
			shown := i.CloudInstance
			shown.Devices = maps.Clone(i.Devices)
			a.Instances = append(a.Instances, shown)
		}
	}
}

func (s *Site) byID(id string) *Instance {
	for _, i := range s.Instances {
		if i.ID == id {
			return i
		}
	}
	return nil
}
