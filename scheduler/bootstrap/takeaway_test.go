package bootstrap_test

import (
	"encoding/json"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
)

// refuses says why a step of the removal cannot be done yet, as the node agents
// would.
func (s *site) refuses(h *host, c nodeproto.Command) string {
	switch c.Step {
	case nodeproto.StepRemoveSDCPackage:
		for volume, where := range s.foreign {
			if where == h.name {
				return "volume " + volume + " is mapped to this host"
			}
		}
	case nodeproto.StepShrinkClusterMode:
		if s.primary != "" && s.primary != h.name {
			return "this MDM is not the primary"
		}
	}
	return ""
}

// anywhere reports whether a package is left on any host that is there.
func (s *site) anywhere(packages ...string) string {
	for _, name := range s.names() {
		for _, p := range packages {
			if s.hosts[name].packages[p] && !s.hosts[name].gone {
				return p + " on " + name
			}
		}
	}
	return ""
}

// takeAway does a step of the removal on a host, and checks that it may be done
// now.
func (s *site) takeAway(h *host, c nodeproto.Command) json.RawMessage {
	before := func(packages ...string) {
		if left := s.anywhere(packages...); left != "" {
			s.wrong("%s on %s although there is still %s", c.Step, h.name, left)
		}
	}
	gone := func(installed string) { delete(h.packages, installed) }
	switch nodeproto.Name(c.Step) {
	case nodeproto.StepRestoreAgentFlags:
		return json.RawMessage(`{"restart_needed":true}`)
	case nodeproto.StepRestoreAgent:
		s.restored = append(s.restored, h.name)
	case nodeproto.StepRemoveSDCPackage:
		gone(nodeproto.StepSDCPackage)
	case nodeproto.StepRemoveSDSPackage:
		before(nodeproto.StepSDCPackage)
		gone(nodeproto.StepSDSPackage)
	case nodeproto.StepRemoveGatewayPackage:
		before(nodeproto.StepSDCPackage)
		gone(nodeproto.StepGatewayPackage)
	case nodeproto.StepShrinkClusterMode:
		before(nodeproto.StepSDCPackage, nodeproto.StepSDSPackage, nodeproto.StepGatewayPackage)
		s.mode, s.primary = "1_node", h.name
	case nodeproto.StepRemoveStandbyMDM:
		if s.mode != "1_node" {
			s.wrong("%s while the mode is %s", c.Step, s.mode)
		}
	case nodeproto.StepRemoveMDMPackage:
		if s.created > 0 && s.mode != "1_node" {
			s.wrong("%s on %s while the mode is %s", c.Step, h.name, s.mode)
		}
		gone(nodeproto.StepMDMPackage)
		if h.name == s.primary {
			before(nodeproto.StepMDMPackage)
		}
	case nodeproto.StepRemoveActiveMQPackage:
		if h.packages[nodeproto.StepMDMPackage] {
			s.wrong("%s on %s below its MDM", c.Step, h.name)
		}
		gone(nodeproto.StepActiveMQPackage)
	case nodeproto.StepRemoveLIAPackage:
		gone(nodeproto.StepLIAPackage)
	case nodeproto.StepRemoveTraces:
		if len(h.packages) > 0 {
			s.wrong("%s on %s leaves %v", c.Step, h.name, h.packages)
		}
	}
	return nil
}

// takeOut does a step of the removal through a gateway. The text is why it
// cannot be done yet; ours is false for another step.
func (s *site) takeOut(e core.GatewayCall) (text string, ours bool) {
	switch nodeproto.Name(e.Step) {
	case core.StepRemovalCheck:
		p := decode[core.RemovalCheckParams](s, e.Params)
		for volume, where := range s.foreign {
			switch {
			case where != "":
				return "volume " + volume + " is mapped to " + where, true
			case !p.AllowVolumes:
				return "volume " + volume + " exists", true
			}
		}
	case core.StepRemoveVolumes:
		p := decode[core.RemoveVolumesParams](s, e.Params)
		for volume, where := range s.foreign {
			switch {
			case where != "":
				return "volume " + volume + " is mapped to " + where, true
			case !p.All:
				return "volume " + volume + " exists", true
			}
			delete(s.foreign, volume)
		}
	case core.StepRemoveSDS:
		if len(s.foreign) > 0 {
			s.wrong("%s with volumes %v", e.Step, s.foreign)
		}
		s.dropSDS(decode[core.RemoveSDSParams](s, e.Params).Name)
	case core.StepRemoveStoragePools:
		delete(s.pools, decode[core.RemoveStoragePoolParams](s, e.Params).StoragePool)
	case core.StepRemoveFaultSets:
		delete(s.sets, decode[core.RemoveFaultSetParams](s, e.Params).Name)
	case core.StepRemoveProtectionDomains:
		p := decode[core.RemoveProtectionDomainParams](s, e.Params)
		for _, name := range p.SDSs {
			s.dropSDS(name)
		}
		for _, name := range p.StoragePools {
			delete(s.pools, name)
		}
		for _, name := range p.FaultSets {
			delete(s.sets, name)
		}
		if len(s.sds) > 0 || len(s.pools) > 0 || len(s.sets) > 0 {
			s.wrong("domain %s is not empty: %v %v %v", p.Name, s.sds, s.pools, s.sets)
		}
		delete(s.domains, p.Name)
	default:
		return "", false
	}
	return "", true
}

func (s *site) dropSDS(name string) {
	delete(s.sds, name)
	for device := range s.devices {
		if strings.HasPrefix(device, name+"/") {
			delete(s.devices, device)
		}
	}
}
