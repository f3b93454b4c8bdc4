package bootstrap_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// call is what the system behind the gateways does.
func (s *site) call(e core.GatewayCall) []core.Event {
	answer := core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Result: []byte("null")}
	if e.Step == core.StepManagementPlatform {
		return []core.Event{s.meet(e, answer)}
	}
	if len(e.Gateways) == 0 {
		s.wrong("%s without a gateway", e)
	}
	if s.faulty != nil {
		if f := s.faulty(e.Host, e.Step, e.Attempt); f != nil {
			answer.Err, answer.Interrupted, answer.Hopeless = f.Error, f.Interrupted, f.Hopeless
			return []core.Event{answer}
		}
	}
	if s.noGateway && !slices.ContainsFunc(e.Gateways, model.Gateway.Platform) {
		s.wrong("%s, and there are no gateways", e)
	}
	if s.noGateway && !strings.HasPrefix(e.Step, "remov") {
		s.wrong("%s through the platform, and scli makes it", e)
	}
	result := s.storage(e.Host, e.Step, e.Params)
	if text, ours := s.takeOut(e); ours && text != "" {
		answer.Err, answer.Interrupted = text, true
	}
	raw, err := json.Marshal(result)
	if err != nil {
		s.wrong("result: %v", err)
	}
	answer.Result = raw
	return []core.Event{answer}
}

// storage does what makes a storage object, whoever is told to.
func (s *site) storage(host, step string, params json.RawMessage) (result any) {
	switch nodeproto.Name(step) {
	case core.StepProtectionDomains:
		s.domains[decode[core.ProtectionDomainParams](s, params).Name] = true
	case core.StepFaultSets:
		p := decode[core.FaultSetParams](s, params)
		s.requireDomain(p.ProtectionDomain, step)
		s.sets[p.Name] = true
	case core.StepStoragePools:
		p := decode[core.StoragePoolParams](s, params)
		s.requireDomain(p.ProtectionDomain, step)
		s.pools[p.Name] = true
	case core.StepSparePolicy:
		p := decode[core.SparePolicyParams](s, params)
		if !s.pools[p.StoragePool] {
			s.wrong("spare before pool")
		}
		s.spare[p.StoragePool] = p.Percent
		if s.spareAnswer != "" {
			result = json.RawMessage(s.spareAnswer)
		}
	case core.StepAddSDS:
		p := decode[core.AddSDSParams](s, params)
		s.need(s.hosts[host], step, nodeproto.StepSDSPackage)
		s.requireDomain(p.ProtectionDomain, step)
		if p.FaultSet != "" && !s.sets[p.FaultSet] {
			s.wrong("sds before fault set %s", p.FaultSet)
		}
		s.sds[p.Name] = p.FaultSet
		sds := core.AddSDSResult{ID: "id-" + p.Name}
		for _, key := range sortedNames(s.devices) {
			if name, of := strings.CutPrefix(key, p.Name+"/"); of {
				sds.Taken = append(sds.Taken, name)
			}
		}
		result = sds
	case core.StepAddDevices:
		result = s.addDevices(decode[core.AddDevicesParams](s, params))
	case core.StepVerifyVolume:
		p := decode[core.VerifyVolumeParams](s, params)
		if len(s.devices) < 3 {
			s.wrong("verify-volume with devices %v", s.devices)
		}
		// The very same volume may be asked for again; once it is being removed
		// only a paused ex-leader still can.
		s.volumes[p.Volume] = true
	case core.StepVerify:
		p := decode[core.VerifyParams](s, params)
		for name := range s.volumes {
			if !strings.HasPrefix(name, p.VolumePrefix) {
				s.wrong("verify with prefix %q leaves volume %s", p.VolumePrefix, name)
			}
		}
		if len(s.volumes) == 0 {
			s.wrong("verify without a volume")
		}
	}
	return result
}

func sortedNames(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

func (s *site) requireDomain(pd, step string) {
	if !s.domains[pd] {
		s.wrong("%s before protection domain %s", step, pd)
	}
}

func (s *site) addDevices(p core.AddDevicesParams) core.AddDevicesResult {
	if _, ok := s.sds[p.SDS]; !ok || s.spare[p.StoragePool] == 0 {
		s.wrong("devices of %s before its sds or the spare", p.SDS)
	}
	r := core.AddDevicesResult{IDs: map[string]string{}}
	for _, d := range p.Devices {
		if path, has := s.devices[p.SDS+"/"+d.Name]; has && path != d.Path {
			s.wrong("device %s of %s is at %s, not at %s", d.Name, p.SDS, path, d.Path)
		}
		s.devices[p.SDS+"/"+d.Name] = d.Path
		r.IDs[d.Name] = "dev-" + d.Name
	}
	for _, key := range sortedNames(s.devices) {
		name, of := strings.CutPrefix(key, p.SDS+"/")
		if _, added := r.IDs[name]; p.Adopt && of && !added {
			r.Found = append(r.Found, nodeproto.FoundDevice{ID: "dev-" + name, Name: name, Path: s.devices[key]})
		}
	}
	return r
}
