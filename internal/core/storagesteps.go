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

// StepManagementPlatform gets to know the management platform of a 4.x system:
// what it is asked through was made by none of our steps. A leader performs it.
const StepManagementPlatform = "management-platform"

// ManagementPlatformParams belongs to StepManagementPlatform. The certificate is
// taken as it is seen: the step runs once, and again when an operator says so.
type ManagementPlatformParams struct {
	URL string `json:"url"`
	// SystemID is the system that it must serve, and alone.
	SystemID string `json:"system_id"`
}

// ManagementPlatformResult is what StepManagementPlatform answers.
type ManagementPlatformResult struct {
	CertificatePEM string `json:"certificate_pem"`
	Version        string `json:"version"`
}

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
