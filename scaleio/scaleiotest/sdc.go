package scaleiotest

import (
	"fmt"
	"slices"
	"strings"
)

// sdc is a client that has once connected to the cluster.
type sdc struct {
	id, name, guid string
	host           *host
	// mdms are the addresses the driver knows since it last connected.
	mdms []string
}

func (c *sdc) connected() bool { return c.host.running("scini") }

// newGUID draws the identifier that an SDC's installation has.
func (s *System) newGUID() string {
	a, b := s.rng.Uint64(), s.rng.Uint64()
	return strings.ToUpper(fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff))
}

// settleSDC connects the host's SDC once its driver runs and one of the MDM
// addresses it was given answers.
func (s *System) settleSDC(h *host) {
	if !h.running("scini") || !h.installed("sdc") || s.cluster == nil {
		return
	}
	text, err := h.read(h.sdcSettings())
	if err != nil {
		return
	}
	known := mdmAddresses(text)
	if !slices.ContainsFunc(s.cluster.managerIPs(), func(ip string) bool { return slices.Contains(known, ip) }) {
		return
	}
	c := first(s.sdcs, func(c *sdc) bool { return c.host == h })
	if c == nil {
		c = &sdc{id: s.newID(), guid: h.guid, host: h}
		s.sdcs = append(s.sdcs, c)
	}
	c.guid, c.mdms = h.guid, known
}

// mdmAddresses reads the mdm lines of drv_cfg.txt.
func mdmAddresses(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if list, ok := strings.CutPrefix(strings.TrimSpace(line), "mdm "); ok {
			out = append(out, fields(list)...)
		}
	}
	return out
}

func (s *System) renameSDC(c *sdc, name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	if first(s.sdcs, func(o *sdc) bool { return o.name == name }) != nil {
		return "", refuse(579, "SDC name is already in use. Please use a different name.")
	}
	c.name = name
	return c.id, nil
}

func (s *System) sdcBy(ref string) *sdc {
	return first(s.sdcs, func(c *sdc) bool {
		return ref != "" && (c.id == ref || c.host.ip == ref || strings.EqualFold(c.guid, ref) || c.name == ref)
	})
}
