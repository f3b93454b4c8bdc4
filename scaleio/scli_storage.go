package scaleio

import (
	"strconv"
	"strings"
)

// The commands by which scli makes storage objects. They are for systems
// without a gateway; none of them is repeatable: query first.

// defaultMediaType is the media type of pools when none is configured.
const defaultMediaType = "HDD"

// The options that name parents.
const (
	optionDomain = "--protection_domain_name"
	optionPool   = "--storage_pool_name"
	optionSDS    = "--sds_name"
	optionVolume = "--volume_name"
	optionSure   = "--i_am_sure"
)

// ObjectType is a kind of object of QueryProperties.
type ObjectType string

// The kinds that are asked for.
const (
	ObjectProtectionDomain ObjectType = "PROTECTION_DOMAIN"
	ObjectFaultSet         ObjectType = "FAULT_SET"
	ObjectStoragePool      ObjectType = "STORAGE_POOL"
	ObjectSDS              ObjectType = "SDS"
)

// QueryProperties asks for properties of all objects of a kind; ParseProperties
// reads the answer.
func (s SCLI) QueryProperties(kind ObjectType, properties ...string) Command {
	return s.command(s.MDMIPs, "--query_properties", "--object_type", string(kind), "--all_objects", "--properties", strings.Join(properties, ","))
}

// AddProtectionDomain makes a protection domain.
func (s SCLI) AddProtectionDomain(name string) Command {
	return s.command(s.MDMIPs, "--add_protection_domain", optionDomain, name)
}

// AddFaultSet makes a fault set.
func (s SCLI) AddFaultSet(domain, name string) Command {
	return s.command(s.MDMIPs, "--add_fault_set", optionDomain, domain, "--fault_set_name", name)
}

// AddStoragePool makes a pool. Zero padding is set by SetZeroPadding.
func (s SCLI) AddStoragePool(domain string, spec StoragePoolSpec) Command {
	args := []string{"--add_storage_pool", optionDomain, domain, optionPool, spec.Name}
	if s.Version.AtLeast(versionMediaTypes) {
		if spec.MediaType == "" {
			spec.MediaType = defaultMediaType
		}
		args = append(args, "--media_type", spec.MediaType)
	}
	if s.Version.AtLeast(versionBearer) {
		args = append(args, "--data_layout", "medium_granularity")
	}
	if spec.UseRMCache {
		args = append(args, "--use_rmcache")
	} else {
		args = append(args, "--dont_use_rmcache")
	}
	return s.command(s.MDMIPs, args...)
}

// QueryStoragePool asks for a pool; ParseZeroPadding reads the answer.
func (s SCLI) QueryStoragePool(domain, pool string) Command {
	return s.command(s.MDMIPs, "--query_storage_pool", optionDomain, domain, optionPool, pool)
}

// SetZeroPadding is taken before a pool has its first device only.
func (s SCLI) SetZeroPadding(domain, pool string, on bool) Command {
	which := "--disable_zero_padding"
	if on {
		which = "--enable_zero_padding"
	}
	return s.command(s.MDMIPs, "--modify_zero_padding_policy", optionDomain, domain, optionPool, pool, which)
}

// SetSparePercentage sets the part of a pool that is kept free for rebuilds.
func (s SCLI) SetSparePercentage(domain, pool string, percent int) Command {
	return s.command(s.MDMIPs, "--modify_spare_policy", optionDomain, domain, optionPool, pool, "--spare_percentage", strconv.Itoa(percent), optionSure)
}

// SCLISDS is an SDS as it should join a protection domain.
type SCLISDS struct {
	Name, ProtectionDomain string
	FaultSet               string // may be empty
	IPs                    []string
}

// AddSDS makes an SDS without devices.
func (s SCLI) AddSDS(spec SCLISDS) Command {
	args := []string{"--add_sds", "--sds_ip", strings.Join(spec.IPs, ","), optionSDS, spec.Name, optionDomain, spec.ProtectionDomain}
	if spec.FaultSet != "" {
		args = append(args, "--fault_set_name", spec.FaultSet)
	}
	return s.command(s.MDMIPs, args...)
}

// QuerySDS asks for an SDS; ParseSDSDevices reads its devices from the answer.
func (s SCLI) QuerySDS(name string) Command {
	return s.command(s.MDMIPs, "--query_sds", optionSDS, name)
}

// SCLIDeviceSpec is a device as it should join a pool.
type SCLIDeviceSpec struct {
	Name, Path                         string
	SDS, ProtectionDomain, StoragePool string
	// NoTest takes the device into use without a test.
	NoTest bool
}

// AddSDSDevice gives a disk to a pool. It is never forced: a disk that bears
// the mark of another SDS is refused.
func (s SCLI) AddSDSDevice(d SCLIDeviceSpec) Command {
	args := []string{
		"--add_sds_device", optionSDS, d.SDS, "--device_path", d.Path, "--device_name", d.Name,
		optionDomain, d.ProtectionDomain, optionPool, d.StoragePool,
	}
	if d.NoTest {
		args = append(args, "--no_test")
	}
	return s.command(s.MDMIPs, args...)
}

// AddVolume makes a thin volume; sizes are rounded up to multiples of 8 GiB.
func (s SCLI) AddVolume(domain, pool, name string, sizeGiB int) Command {
	return s.command(s.MDMIPs, "--add_volume", optionDomain, domain, optionPool, pool, "--size_gb", strconv.Itoa(sizeGiB), optionVolume, name, "--thin_provisioned")
}

// QueryVolumes asks for all volumes; ParseVolumes reads the answer.
func (s SCLI) QueryVolumes() Command { return s.command(s.MDMIPs, "--query_all_volumes") }

// MapVolume maps a volume to the SDC with that address.
func (s SCLI) MapVolume(name, sdcIP string) Command {
	return s.command(s.MDMIPs, s.word("--map_volume_to_sdc", "--map_volume_to_host"), optionVolume, name, "--sdc_ip", sdcIP, "--allow_multi_map")
}

// UnmapVolume takes a volume from all SDCs. newer chooses the name that goes
// with map_volume_to_host; where scli does not know it, the older one stayed.
func (s SCLI) UnmapVolume(name string, newer bool) Command {
	if newer {
		return s.command(s.MDMIPs, "--unmap_volume_from_host", optionVolume, name, "--all_hosts", optionSure)
	}
	return s.command(s.MDMIPs, "--unmap_volume_from_sdc", optionVolume, name, "--all_sdcs", optionSure)
}

// RemoveVolume removes a volume that is mapped to nobody.
func (s SCLI) RemoveVolume(name string) Command {
	return s.command(s.MDMIPs, "--remove_volume", optionVolume, name, optionSure)
}
