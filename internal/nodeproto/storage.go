package nodeproto

// The names of the steps that make storage objects. The leader performs them
// through a gateway's REST API; where there is no gateway, from PowerFlex 4.0
// on, a manager's node agent performs them by scli.
const (
	StepProtectionDomains = "protection-domains"
	StepFaultSets         = "fault-sets"
	StepStoragePools      = "storage-pools"
	StepSparePolicy       = "spare-policy"
	StepAddSDS            = "add-sds"
	StepAddDevices        = "add-devices"
	StepVerifyVolume      = "verify-volume"
	StepVerify            = "verify"
)

// ByScli are a storage step's parameters for a node agent.
type ByScli[P any] struct {
	// Release decides scli's dialect, as in CreateClusterParams.
	Release string `json:"release"`
	Object  P      `json:"object"`
}

// ProtectionDomainParams belongs to StepProtectionDomains.
type ProtectionDomainParams struct {
	Name string `json:"name"`
}

// FaultSetParams belongs to StepFaultSets.
type FaultSetParams struct {
	ProtectionDomain string `json:"protection_domain"`
	Name             string `json:"name"`
}

// StoragePoolParams belongs to StepStoragePools.
type StoragePoolParams struct {
	ProtectionDomain string `json:"protection_domain"`
	Name             string `json:"name"`
	MediaType        string `json:"media_type,omitempty"`
	ZeroPadding      bool   `json:"zero_padding"`
}

// SparePolicyParams belongs to StepSparePolicy.
type SparePolicyParams struct {
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	Percent          int    `json:"percent"`
}

// SparePolicyResult is what StepSparePolicy answers. A pool that keeps more than
// was wanted is left as it is.
type SparePolicyResult struct {
	ID string `json:"id"`
	// Percent is what the pool keeps now.
	Percent int `json:"percent,omitempty"`
	// Was is what a pool with devices kept before; 0 when it was not changed.
	Was int `json:"was,omitempty"`
}

// AddSDSParams belongs to StepAddSDS.
type AddSDSParams struct {
	Name             string   `json:"name"`
	ProtectionDomain string   `json:"protection_domain"`
	FaultSet         string   `json:"fault_set,omitempty"`
	IPs              []string `json:"ips"`
}

// AddSDSResult is what StepAddSDS answers.
type AddSDSResult struct {
	ID string `json:"id"`
	// Taken are the names of the devices that the SDS has already: it is older
	// than the plan, and no new device may be called like one of them.
	Taken []string `json:"taken,omitempty"`
}

// AddDevicesParams belongs to StepAddDevices.
type AddDevicesParams struct {
	SDS              string `json:"sds"`
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	// Devices are the disks to add; none only asks what is there.
	Devices []DeviceParams `json:"devices"`
	// Adopt counts what the SDS holds in this pool already as added.
	Adopt bool `json:"adopt,omitempty"`
	// TestMode is none or test-and-activate.
	TestMode string `json:"test_mode"`
}

// DeviceParams is one device to add.
type DeviceParams struct {
	Name string `json:"name"`
	Path string `json:"path"`
}

// AddDevicesResult gives the ids of the devices that were to be added, by
// device name.
type AddDevicesResult struct {
	IDs map[string]string `json:"ids"`
	// Found are the other devices that the SDS holds in the pool, all in use.
	Found []FoundDevice `json:"found,omitempty"`
	// Unfit says of each device that the SDS holds why it does not count.
	Unfit []string `json:"unfit,omitempty"`
}

// FoundDevice is a device that was there before the plan.
type FoundDevice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Path is where the SDS has it today.
	Path string `json:"path"`
}

// VerifyVolumeParams belongs to StepVerifyVolume: a volume is made and mapped
// to an SDC. The name is new with each attempt.
type VerifyVolumeParams struct {
	Volume           string `json:"volume"` // at most 31 characters
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	SizeGiB          int    `json:"size_gib"` // a multiple of 8
	// SDCAddress is the address of the host that the volume is mapped to.
	SDCAddress string `json:"sdc_address"`
}

// VerifyParams belongs to StepVerify: the volumes of StepVerifyVolume are
// unmapped and removed. It is a step of its own because an object that is
// being removed must never be made again under the same name (R10): whoever
// repeats an interrupted StepVerifyVolume knows that nobody has begun to remove
// its volume.
type VerifyParams struct {
	// VolumePrefix begins the names of the volumes of all attempts.
	VolumePrefix string `json:"volume_prefix"`
}
