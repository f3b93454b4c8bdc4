package sim_test

import (
	"cmp"
	"encoding/json"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/storagegrowth/growthtest"
)

// system is one ScaleIO system: what the steps on the hosts and the calls to
// the gateways made of it, and how often.
type system struct {
	w       *world
	members map[string]string // name -> host, in the MDM cluster
	mode    string
	name    string
	objects map[string]string // what it is, by kind and name
	made    map[string]int    // how often each object was made
	removed map[string]int
	// restarting are the hosts whose Mesos agent restarts now.
	restarting map[string]bool
}

func newSystem(w *world) *system {
	return &system{
		w: w, members: make(map[string]string), objects: make(map[string]string), made: make(map[string]int),
		removed: make(map[string]int), restarting: make(map[string]bool),
	}
}

// ensure makes an object unless one of its name is there, as the performer
// does.
func (s *system) ensure(object, what string) {
	if was, exists := s.objects[object]; exists {
		if was != what {
			s.w.violate("%s is %q and now wanted as %q", object, was, what)
		}
		return
	}
	s.objects[object] = what
	s.made[object]++
	s.w.note("ScaleIO: %s made", object)
}

func (s *system) need(doing string, met bool, what string) {
	if !met {
		s.w.violate("%s before %s", doing, what)
	}
}

func decode[T any](s *system, raw json.RawMessage) T {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		s.w.violate("parameters %s: %v", raw, err)
	}
	return v
}

func (s *system) encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		s.w.violate("encode: %v", err)
	}
	return raw
}

func nothing() json.RawMessage { return nil }

// begin starts a step on a host, and returns what ends it.
func (s *system) begin(h *host, c nodeproto.Command) func() json.RawMessage {
	doing := c.Step + " on " + h.name
	onHost := func(step string) { s.need(doing, h.done(step), step) }
	switch nodeproto.Name(c.Step) {
	case nodeproto.StepMDMPackage, nodeproto.StepSDSPackage, nodeproto.StepLIAPackage, nodeproto.StepGatewayPackage:
		onHost(nodeproto.StepPrerequisites)
	case nodeproto.StepMDMRemove:
		s.w.violate("%s: no member is lost in these histories", doing)
	case nodeproto.StepSDCPackage:
		onHost(nodeproto.StepPrerequisites)
		s.need(doing, len(s.members) > 0, "the cluster")
	case nodeproto.StepLIAID:
		onHost(nodeproto.StepLIAPackage)
	case nodeproto.StepVolumeDriver:
		onHost(nodeproto.StepSDCPackage)
	case nodeproto.StepVolumeDriverEndpoint:
		onHost(nodeproto.StepVolumeDriver)
	case nodeproto.StepGatewayConfigure:
		onHost(nodeproto.StepGatewayPackage)
		s.need(doing, s.name != "", "the name of the system")
		return func() json.RawMessage {
			return s.encode(nodeproto.GatewayResult{URL: "https://" + h.name + ":443", CertificatePEM: "cert of " + h.name})
		}
	case nodeproto.StepIsolator:
		onHost(nodeproto.StepVolumeDriver)
		return func() json.RawMessage { return s.encode(nodeproto.IsolatorResult{RestartNeeded: true}) }
	case nodeproto.StepAgentRestart:
		onHost(nodeproto.StepIsolator)
		onHost(nodeproto.StepVolumeDriverEndpoint)
		return s.restartAgent(h)
	default:
		return s.beginCluster(h, c, doing)
	}
	return nothing
}

// beginCluster starts a step that changes the MDM cluster.
func (s *system) beginCluster(h *host, c nodeproto.Command, doing string) func() json.RawMessage {
	switch nodeproto.Name(c.Step) {
	case nodeproto.StepCreateCluster:
		s.need(doing, h.done(nodeproto.StepMDMPackage), "mdm-package")
		p := decode[nodeproto.CreateClusterParams](s, c.Params)
		s.ensure("cluster", p.Name)
		s.members[p.Name] = h.name
		return func() json.RawMessage {
			return s.encode(nodeproto.CreateClusterResult{SystemID: "sys", InstallationID: "inst", Version: "2.0"})
		}
	case nodeproto.StepAddStandbyMDM:
		s.need(doing, len(s.members) > 0, "the cluster")
		p := decode[nodeproto.AddStandbyMDMParams](s, c.Params)
		s.ensure("mdm/"+p.Name, h.name)
		s.members[p.Name] = ""
	case nodeproto.StepSwitchClusterMode:
		p := decode[nodeproto.SwitchClusterModeParams](s, c.Params)
		s.need(doing, len(s.members) == p.ExpectedMembers, "all members")
		s.mode = p.Mode
	case nodeproto.StepRenameSystem:
		s.need(doing, s.mode != "", "the mode of the cluster")
		s.name = decode[nodeproto.RenameSystemParams](s, c.Params).Name
	}
	return nothing
}

// restartAgent takes a host's Mesos agent, and what its restart may disturb,
// away for a while: never two fault units at once, never a majority of the
// MDM cluster.
func (s *system) restartAgent(h *host) func() json.RawMessage {
	s.restarting[h.name], h.deaf = true, true
	away := 0
	for _, m := range s.w.intents.members {
		if s.restarting[m] {
			away++
		}
	}
	if members := len(s.w.intents.members); 2*(members-away) <= members {
		s.w.violate("%d of %d MDM members restart at once with %s", away, members, h.name)
	}
	if len(s.restarting) > 1 {
		s.w.violate("agents restart at once on %v", sortedKeys(s.restarting))
	}
	s.w.after(12e6, func() { s.back(h) })
	return func() json.RawMessage {
		s.back(h)
		return nil
	}
}

func (s *system) back(h *host) {
	if s.restarting[h.name] {
		delete(s.restarting, h.name)
		h.deaf = false
		m := s.w.mesos
		for _, id := range sortedKeys(m.tasks) {
			if m.tasks[id].agent.host == h {
				m.sendFirst(m.tasks[id])
			}
		}
	}
}

// call is what a gateway does: it asks by name before it makes anything.
func (s *system) call(e core.GatewayCall) core.GatewayAnswered {
	s.need(e.String(), len(e.Gateways) > 0, "any gateway")
	pool := func(domain, name string) bool { _, ok := s.objects["pool/"+domain+"/"+name]; return ok }
	var result any
	switch nodeproto.Name(e.Step) {
	case core.StepProtectionDomains:
		s.ensure("domain/"+decode[core.ProtectionDomainParams](s, e.Params).Name, "")
	case core.StepFaultSets:
		p := decode[core.FaultSetParams](s, e.Params)
		s.ensure("set/"+p.Name, p.ProtectionDomain)
	case core.StepStoragePools:
		p := decode[core.StoragePoolParams](s, e.Params)
		s.need(e.Step, s.made["domain/"+p.ProtectionDomain] > 0, "its domain")
		s.ensure("pool/"+p.ProtectionDomain+"/"+p.Name, "")
		if key := p.ProtectionDomain + "/" + p.Name; s.w.cloud.Pools[key] == nil {
			s.w.cloud.Pools[key] = &growthtest.Pool{Domain: p.ProtectionDomain, Name: p.Name}
		}
	case core.StepSparePolicy:
		p := decode[core.SparePolicyParams](s, e.Params)
		s.need(e.Step, pool(p.ProtectionDomain, p.StoragePool), "its pool")
		s.ensure("spare", string(s.encode(p.Percent)))
		s.w.cloud.Pools[p.ProtectionDomain+"/"+p.StoragePool].Spare = p.Percent
	case core.StepAddSDS:
		p := decode[core.AddSDSParams](s, e.Params)
		s.need(e.String(), s.w.hosts[e.Host].done(nodeproto.StepSDSPackage), "sds-package")
		s.ensure("sds/"+p.Name, strings.Join(p.IPs, ","))
		s.w.cloud.AddSDS(growthtest.SDS{Name: p.Name, Host: e.Host, Unit: cmp.Or(p.FaultSet, p.Name)})
		result = core.AddSDSResult{ID: "id-" + p.Name}
	case core.StepAddDevices:
		return s.addDevices(e)
	case core.StepVerifyVolume:
		p := decode[core.VerifyVolumeParams](s, e.Params)
		s.ensure("volume/"+p.Volume, "mapped to "+p.SDCAddress)
	case core.StepVerify:
		s.removeVolumes(decode[core.VerifyParams](s, e.Params).VolumePrefix)
	default:
		s.w.violate("unknown call %s", e)
	}
	return core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Result: s.encode(result)}
}

// addDevices adds the devices of a plan or of a growth.
func (s *system) addDevices(e core.GatewayCall) core.GatewayAnswered {
	p := decode[core.AddDevicesParams](s, e.Params)
	s.need(e.String(), s.made["sds/"+p.SDS] > 0 && s.made["spare"] > 0, "its sds and the spare")
	answer := s.w.cloud.AddDevices(e)
	if answer.Err == "" {
		for _, d := range p.Devices {
			s.ensure("device/"+p.SDS+"/"+d.Name, d.Path)
		}
	}
	return answer
}

func (s *system) removeVolumes(prefix string) {
	for _, object := range sortedKeys(s.objects) {
		if strings.HasPrefix(object, "volume/"+prefix) {
			delete(s.objects, object)
			s.removed[object]++
			s.w.note("ScaleIO: %s removed", object)
		}
	}
}
