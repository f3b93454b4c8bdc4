package scaleiotest

import "slices"

// mayRemove refuses the removal of an SDC in use: its kernel module cannot be
// unloaded while volumes are mapped.
func (s *System) mayRemove(h *host, component string) error {
	if component != "sdc" {
		return nil
	}
	c := first(s.sdcs, func(c *sdc) bool { return c.host == h })
	for _, v := range s.volumes {
		if c != nil && slices.Contains(v.mapped, c) {
			return refuse(0, "The SDC has mapped volumes: unmap them before the removal")
		}
	}
	return nil
}

// forgetSystem makes the world one without a cluster when no member of it has
// its MDM any more. Disks keep the headers that no MDM took from them.
func (s *System) forgetSystem() {
	if s.cluster == nil {
		return
	}
	for _, m := range s.cluster.all() {
		if m.host.installed("mdm") {
			return
		}
	}
	s.cluster = nil
	s.systemID, s.installID, s.name, s.password = "", "", "", ""
	s.domains, s.faultSets, s.pools, s.sdss = nil, nil, nil, nil
	s.devices, s.sdcs, s.volumes = nil, nil, nil
	for _, h := range s.hosts {
		h.session = nil
	}
}
