package core

import (
	"fmt"
	"time"

	"scaleio-framework/internal/model"
)

// PoolsRead is one reading of all pools through a gateway: capacity and use come
// from one answer. Err says why nothing could be read; then nothing is decided.
type PoolsRead struct {
	At time.Time
	// Asked is that of the question.
	Asked time.Time
	Pools []PoolReading
	// MDM says why the MDM cluster is not known to be whole; empty when it is.
	MDM string
	Err string
}

// PoolReading are the figures of one pool, in KiB.
type PoolReading struct {
	ProtectionDomain, StoragePool string
	ID                            string
	InUseKiB, LimitKiB, SpareKiB  int64
	UnusedKiB                     int64
	SparePercent                  int
	// HighPercent and CriticalPercent are the pool's own alert thresholds.
	HighPercent, CriticalPercent      int
	Degraded, Rebuilding, Rebalancing bool
	Units                             []FaultUnit
	// Implausible says what is wrong with the figures; empty when nothing is.
	Implausible string
	// Version of the gateway, which the limits depend on.
	Version string
}

// FaultUnit is what mirrors are spread over: a fault set, or an SDS outside
// fault sets.
type FaultUnit struct {
	Name string
	SDSs []SDSReading
}

// SDSReading is one SDS of a pool.
type SDSReading struct {
	ID, Name string
	Host     string // by its address; empty when no node has it
	Address  string
	Healthy  bool
	Devices  []DeviceReading
	// OtherDevices are those it gives to other pools.
	OtherDevices int
}

// DeviceReading is one device of a pool.
type DeviceReading struct {
	ID, Name, Path     string
	LimitKiB, InUseKiB int64
	Normal             bool
}

// CloudOp is a call to the provider of volumes.
type CloudOp string

// The calls to the provider of volumes.
const (
	CloudCreate    CloudOp = "create"
	CloudAttach    CloudOp = "attach"
	CloudDetach    CloudOp = "detach"
	CloudDelete    CloudOp = "delete"
	CloudFindByTag CloudOp = "find-by-tag" // the slot's intent tags
	CloudLook      CloudOp = "look"        // volumes and instances, a batch
)

// CloudError classifies why a call failed; the provider's own codes are
// translated at its border.
type CloudError string

// The reasons for which a call may fail.
const (
	CloudMismatch     CloudError = "token-mismatch"
	CloudLimit        CloudError = "limit"
	CloudAttachLimit  CloudError = "attach-limit"
	CloudZone         CloudError = "zone-mismatch"
	CloudDeviceInUse  CloudError = "device-in-use"
	CloudVolumeInUse  CloudError = "volume-in-use"
	CloudNotFound     CloudError = "not-found"
	CloudUnauthorized CloudError = "unauthorized"
	CloudThrottled    CloudError = "throttled"
	CloudNoCapacity   CloudError = "no-capacity"
	CloudKey          CloudError = "key-not-usable"
	CloudUnknown      CloudError = "unknown-outcome"
	CloudOther        CloudError = "other"
)

// CloudErrors are all of them.
func CloudErrors() []CloudError {
	return []CloudError{
		CloudMismatch, CloudLimit, CloudAttachLimit, CloudZone, CloudDeviceInUse, CloudVolumeInUse, CloudNotFound,
		CloudUnauthorized, CloudThrottled, CloudNoCapacity, CloudKey, CloudUnknown, CloudOther,
	}
}

// CloudVolume is a volume as the provider shows it.
type CloudVolume struct {
	ID, Zone, State string // creating, available, in-use, deleting, error ...
	SizeGiB         int
	Tags            map[string]string
	Attachments     []CloudAttachment
}

// CloudAttachment is where a volume is attached.
type CloudAttachment struct {
	InstanceID, Device, State string
	Since                     time.Time
}

// CloudInstance is a machine as the provider shows it.
type CloudInstance struct {
	ID, Zone, Type, State string
	// Devices are the volume ids by device name.
	Devices map[string]string
	// Limit is how many EBS volumes it may have, the root volume included; 0
	// is unknown, and blocks (R8).
	Limit int
}

// CloudCall asks the provider of volumes for one thing, as the committed intent
// says.
type CloudCall struct {
	Op     CloudOp
	Growth string
	Slot   int
	// Request belongs to CloudCreate, and its tags to CloudFindByTag.
	Request                      model.VolumeRequest
	VolumeID, InstanceID, Device string
	// VolumeIDs, InstanceIDs and Tags belong to CloudLook: one question for a
	// batch. Tags finds all volumes of this installation.
	VolumeIDs, InstanceIDs []string
	Tags                   map[string]string
}

// CloudAnswered is the outcome of a CloudCall.
type CloudAnswered struct {
	Op        CloudOp
	Growth    string
	Slot      int
	Err       CloudError // empty: it worked
	Text      string     // of the error, with the remedy
	Volumes   []CloudVolume
	Instances []CloudInstance
	// ByTag are the volumes that CloudLook found by Tags.
	ByTag []CloudVolume
	At    time.Time
}

// ReadPools asks for one reading of all pools.
type ReadPools struct {
	Gateways []model.Gateway
	// Asked tells the answer to this question from those to earlier ones; zero
	// for who takes any.
	Asked time.Time
}

// Lane implements Effect.
func (ReadPools) Lane() string { return "pools" }

func (e CloudCall) Lane() string {
	if e.Op == CloudLook {
		return "cloud/look"
	}
	return fmt.Sprintf("volume/%s/%d", e.Growth, e.Slot)
}

func (ReadPools) String() string { return "read the pools" }
func (e CloudCall) String() string {
	return fmt.Sprintf("cloud %s for %s/%d %s", e.Op, e.Growth, e.Slot, e.VolumeID)
}

func (e PoolsRead) String() string {
	return fmt.Sprintf("%d pools read %s", len(e.Pools), e.Err)
}

func (e CloudAnswered) String() string {
	return fmt.Sprintf("cloud %s for %s/%d answered %s", e.Op, e.Growth, e.Slot, e.Err)
}
