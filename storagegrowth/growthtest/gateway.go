package growthtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/scaleio"
)

// SDS gives the disks of a host to pools.
type SDS struct {
	Name, Host string
	Unit       string // fault unit: a fault set, or the SDS itself
}

// AddSDS registers an SDS; one that is registered stays as it is.
func (s *Site) AddSDS(sds SDS) {
	if _, known := s.SDSs[sds.Name]; !known {
		s.SDSs[sds.Name] = sds
	}
}

// gateway performs the steps that a growth consists of.
func (s *Site) gateway(e core.GatewayCall) core.Event {
	if strings.HasPrefix(e.Step, core.StepSparePolicy) {
		var p core.SparePolicyParams
		if err := json.Unmarshal(e.Params, &p); err != nil {
			s.wrong("%v", err)
		}
		if s.SpareErr != "" {
			return core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Err: s.SpareErr}
		}
		s.Pools[p.ProtectionDomain+"/"+p.StoragePool].Spare = p.Percent
		return core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt, Result: []byte(`{}`)}
	}
	return s.AddDevices(e)
}

// AddDevices adds each device to its pool, unless one of its name is there.
func (s *Site) AddDevices(e core.GatewayCall) core.GatewayAnswered {
	answer := core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt}
	var p core.AddDevicesParams
	if err := json.Unmarshal(e.Params, &p); err != nil || len(p.Devices) == 0 {
		s.wrong("add devices: %s", e.Params)
		return answer
	}
	if s.GatewayErr != nil {
		if text, interrupted := s.GatewayErr(p); text != "" {
			answer.Err, answer.Interrupted = text, interrupted
			return answer
		}
	}
	result := core.AddDevicesResult{IDs: make(map[string]string)}
	for _, d := range p.Devices {
		id, err := s.addDevice(p, d)
		if err != nil {
			answer.Err = err.Error()
			return answer
		}
		result.IDs[d.Name] = id
	}
	raw, err := json.Marshal(result)
	if err != nil {
		s.wrong("%v", err)
	}
	answer.Result = raw
	return answer
}

func (s *Site) addDevice(p core.AddDevicesParams, d core.DeviceParams) (string, error) {
	pool, sds := s.Pools[p.ProtectionDomain+"/"+p.StoragePool], s.SDSs[p.SDS]
	instance := s.Instances[sds.Host]
	if pool == nil || instance == nil {
		return "", fmt.Errorf("no pool %s/%s, or no SDS %s", p.ProtectionDomain, p.StoragePool, p.SDS)
	}
	unit := sds.Unit
	for _, have := range pool.Devices {
		if have.Name == d.Name {
			return have.ID, nil
		}
		if have.Host == sds.Host && have.Path == d.Path {
			s.wrong("%s of %s is device %s and is added as %s", d.Path, sds.Host, have.Name, d.Name)
		}
		if have.SDS == p.SDS {
			unit = have.Unit
		}
	}
	kib, err := scaleio.DeviceKiB(s.sizeOf(instance, d))
	if err != nil {
		return "", fmt.Errorf("could not open SDS device %s", d.Path)
	}
	device := Device{ID: "d-" + d.Name, Name: d.Name, Path: d.Path, SDS: p.SDS, Unit: unit, Host: sds.Host, KiB: kib}
	pool.Devices = append(pool.Devices, device)
	return device.ID, nil
}

// sizeOf is the size of a disk of a host in bytes, 0 when it has none.
func (s *Site) sizeOf(i *Instance, d core.DeviceParams) int64 {
	for _, disk := range i.Disks {
		if disk.Path == d.Path {
			return disk.Size
		}
	}
	if v := s.Volumes[d.Name]; v != nil && v.Instance == i.ID {
		return int64(v.Request.SizeGiB) * GiB
	}
	return 0
}
