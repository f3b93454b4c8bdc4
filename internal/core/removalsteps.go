package core

// The names of the steps by which the leader takes away, through a gateway,
// what the others made, with their parameters.
const (
	StepRemovalCheck            = "removal-check"
	StepRemoveVolumes           = "remove-volumes"
	StepRemoveSDS               = "remove-sds"
	StepRemoveStoragePools      = "remove-storage-pools"
	StepRemoveFaultSets         = "remove-fault-sets"
	StepRemoveProtectionDomains = "remove-protection-domains"
)

// RemovalCheckParams belongs to StepRemovalCheck, which only reads: it is done
// when no volume is mapped, and none is there that would have to stay.
type RemovalCheckParams struct {
	// VolumePrefix begins the names of the volumes that the framework made.
	VolumePrefix string `json:"volume_prefix"`
	// AllowVolumes says that volumes may exist: they are kept, or are removed.
	AllowVolumes bool `json:"allow_volumes,omitempty"`
}

// RemoveVolumesParams belongs to StepRemoveVolumes. No volume that is mapped is
// ever removed, but for those with the prefix.
type RemoveVolumesParams struct {
	VolumePrefix string `json:"volume_prefix"`
	// All removes every volume of the system.
	All bool `json:"all,omitempty"`
}

// RemoveSDSParams belongs to StepRemoveSDS: the SDS leaves the system with all
// its devices, whoever added them.
type RemoveSDSParams struct {
	Name string `json:"name"`
	// VolumePrefix is that of RemoveVolumesParams: a leader that slept may have
	// made a test volume meanwhile.
	VolumePrefix string `json:"volume_prefix"`
}

// RemoveStoragePoolParams belongs to StepRemoveStoragePools.
type RemoveStoragePoolParams struct {
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	VolumePrefix     string `json:"volume_prefix"`
}

// RemoveFaultSetParams belongs to StepRemoveFaultSets.
type RemoveFaultSetParams struct {
	ProtectionDomain string `json:"protection_domain"`
	Name             string `json:"name"`
}

// RemoveProtectionDomainParams belongs to StepRemoveProtectionDomains: the
// domain is removed, and before it what a leader that slept made in it anew.
type RemoveProtectionDomainParams struct {
	Name string `json:"name"`
	// SDSs, StoragePools and FaultSets are the names of ours in the domain.
	SDSs         []string `json:"sdss,omitempty"`
	StoragePools []string `json:"storage_pools,omitempty"`
	FaultSets    []string `json:"fault_sets,omitempty"`
	VolumePrefix string   `json:"volume_prefix"`
}
