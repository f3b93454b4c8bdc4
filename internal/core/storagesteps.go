package core

import "scaleio-framework/internal/nodeproto"

// The names of the steps that make storage objects, with their parameters.
// They are nodeproto's, since node agents perform them where there is no
// gateway. The part of a key after a slash names the object of a step that
// exists several times: "fault-sets/default/rack1".
const (
	StepProtectionDomains = nodeproto.StepProtectionDomains
	StepFaultSets         = nodeproto.StepFaultSets
	StepStoragePools      = nodeproto.StepStoragePools
	StepSparePolicy       = nodeproto.StepSparePolicy
	StepAddSDS            = nodeproto.StepAddSDS
	StepAddDevices        = nodeproto.StepAddDevices
	StepVerifyVolume      = nodeproto.StepVerifyVolume
	StepVerify            = nodeproto.StepVerify
)

// The parameters and results of those steps.
type (
	ProtectionDomainParams = nodeproto.ProtectionDomainParams
	FaultSetParams         = nodeproto.FaultSetParams
	StoragePoolParams      = nodeproto.StoragePoolParams
	SparePolicyParams      = nodeproto.SparePolicyParams
	SparePolicyResult      = nodeproto.SparePolicyResult
	AddSDSParams           = nodeproto.AddSDSParams
	AddSDSResult           = nodeproto.AddSDSResult
	AddDevicesParams       = nodeproto.AddDevicesParams
	DeviceParams           = nodeproto.DeviceParams
	AddDevicesResult       = nodeproto.AddDevicesResult
	VerifyVolumeParams     = nodeproto.VerifyVolumeParams
	VerifyParams           = nodeproto.VerifyParams
)
