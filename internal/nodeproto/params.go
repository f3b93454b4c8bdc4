package nodeproto

// The names of the steps that node agents run. The part of a key after a slash
// names the object of a step that exists several times.
const (
	StepPrerequisites        = "prerequisites"
	StepActiveMQPackage      = "activemq-package"
	StepMDMPackage           = "mdm-package"
	StepMDMRemove            = "mdm-remove"
	StepSDSPackage           = "sds-package"
	StepLIAPackage           = "lia-package"
	StepLIAID                = "lia-id"
	StepGatewayPackage       = "gateway-package"
	StepGatewayConfigure     = "gateway-configure"
	StepSDCPackage           = "sdc-package"
	StepVolumeDriver         = "volume-driver"
	StepVolumeDriverEndpoint = "volume-driver-endpoint"
	StepIsolator             = "isolator"
	StepAgentRestart         = "agent-restart"
	StepMDMAuthority         = "mdm-authority"
	StepMDMCertificate       = "mdm-certificate"
	StepCreateCluster        = "create-cluster"
	StepAddStandbyMDM        = "add-standby-mdm"
	StepSwitchClusterMode    = "switch-cluster-mode"
	StepRenameSystem         = "rename-system"
)

// The names of the secrets that a sealed command may carry.
const (
	SecretAdminPassword   = "admin_password"   // the ScaleIO admin user, for scli and the gateway's REST API
	SecretLIAToken        = "lia_token"        // TOKEN of the LIA package
	SecretGatewayPassword = "gateway_password" // the gateway's own admin, GATEWAY_ADMIN_PASSWORD
	SecretP12Password     = "p12_password"     // of the file that scli logs in with, from 4.0 on
	SecretDriverPassword  = "driver_password"  // of the repository of kernel modules; may be empty
	SecretDriverKey       = "driver_key"       // private RSA key for that repository; may be empty
)

// Artifact is a file that the schedulers serve below /artifacts/, or that lies
// at a URL of the operator's. Its identity is its checksum.
type Artifact struct {
	// Path is below /artifacts/, for example "packages/EMC-ScaleIO-sds-....rpm".
	Path string `json:"path"`
	// URL is where the file lies when no scheduler serves it; else empty.
	URL    string `json:"url,omitempty"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"` // bytes
}

// PrerequisitesParams belongs to StepPrerequisites: check the operating
// system, memory and tools, install the packages that ScaleIO needs.
type PrerequisitesParams struct {
	// Packages are operating system packages, for example libaio and numactl.
	// Empty means that nothing is installed and only the checks run.
	Packages []string `json:"packages,omitempty"`
	// MinMemoryMB refuses a host with less memory, in MiB; 0 checks nothing.
	MinMemoryMB int64 `json:"min_memory_mb,omitempty"`
	// Ports are where the host's components will listen: a host where another
	// program does is refused.
	Ports []ComponentPort `json:"ports,omitempty"`
	// Java is the version that the gateway needs, as "1.8"; empty asks nothing.
	Java string `json:"java,omitempty"`
}

// ComponentPort is a TCP port that a component listens on.
type ComponentPort struct {
	Port      int    `json:"port"`
	Component string `json:"component"`
	// Package is the component's. A host that has it is not asked: the
	// component itself holds the port.
	Package string `json:"package"`
}

// GatewayPorts are where a gateway listens.
type GatewayPorts struct {
	HTTPS int `json:"https"`
	HTTP  int `json:"http"`
}

// PackageParams belongs to the *-package steps. The package's environment
// variables follow from the component: MDM_ROLE_IS_MANAGER from Manager,
// MDM_IP from MDMAddresses, TOKEN and GATEWAY_ADMIN_PASSWORD from secrets.
type PackageParams struct {
	Component string `json:"component"` // mdm, sds, sdc, lia, gateway, activemq
	// Package is the installed package's name, for example emc-scaleio-mdm.
	Package string `json:"package"`
	// Version is what the package query must show afterwards; only the part
	// major.minor-build.sub is compared.
	Version  string   `json:"version"`
	Artifact Artifact `json:"artifact"`
	// Keys are the public keys by one of which the package may be signed.
	Keys []Artifact `json:"keys,omitempty"`
	// Manager is the MDM role of this host: true manager, false tie-breaker.
	Manager bool `json:"manager,omitempty"`
	// MDMAddresses are all managers' addresses, for the sdc package.
	MDMAddresses []string `json:"mdm_addresses,omitempty"`
	// GatewayPorts are for the gateway package; nil leaves what the vendor's
	// files say.
	GatewayPorts *GatewayPorts `json:"gateway_ports,omitempty"`
	// Driver is for the sdc package; nil leaves what the vendor's files say.
	Driver *DriverSource `json:"driver,omitempty"`
	// Module is the SDC's kernel module, for the sdc package of a host whose
	// /usr is read-only; nil where the package brings its own.
	Module *KernelModule `json:"module,omitempty"`
}

// DriverSource is where an SDC finds a kernel module that its package has not.
// SecretDriverPassword and SecretDriverKey belong to it.
type DriverSource struct {
	// Repository is an address of ftp, sftp or file; empty leaves the vendor's.
	Repository string `json:"repository,omitempty"`
	User       string `json:"user,omitempty"`
	// RepositoryKey is the repository's public RSA key, as text.
	RepositoryKey string `json:"repository_key,omitempty"`
	// CheckSignature takes only modules that the vendor signed.
	CheckSignature bool `json:"check_signature,omitempty"`
	// Build lets the host build a module, where the vendor's package can.
	Build bool `json:"build,omitempty"`
}

// KernelModule is a module for exactly one kernel.
type KernelModule struct {
	Kernel   string   `json:"kernel"` // as uname -r prints it
	Artifact Artifact `json:"artifact"`
}

// MDMRemoveParams belongs to StepMDMRemove: a host that lost its MDM role
// before the cluster was made gives the package back.
type MDMRemoveParams struct {
	Package string `json:"package"`
}

// LIAIDParams belongs to StepLIAID.
type LIAIDParams struct {
	InstallationID string `json:"installation_id"`
	// TokenLogin lets the LIA be spoken to with its token, which one of 4.x
	// does not allow by itself: only a management platform could speak to it.
	TokenLogin bool `json:"token_login,omitempty"`
}

// GatewayConfigureParams belongs to StepGatewayConfigure: MDM addresses and
// certificate trust are written, the service restarted, a login proven with
// SecretAdminPassword. The result is a GatewayResult.
type GatewayConfigureParams struct {
	MDMAddresses []string `json:"mdm_addresses"`
	Username     string   `json:"username"`
	Port         int      `json:"port"`
	// BypassCertificateCheck makes the gateway accept any MDM certificate;
	// otherwise it is made to trust that of each MDM address, with
	// SecretGatewayPassword.
	BypassCertificateCheck bool `json:"bypass_certificate_check,omitempty"`
	// MDMCertificates are those seen before, in PEM by MDM address: another one
	// is refused.
	MDMCertificates map[string]string `json:"mdm_certificates,omitempty"`
}

// GatewayResult is what StepGatewayConfigure reports.
type GatewayResult struct {
	// URL is the gateway's address as the leader reaches it.
	URL string `json:"url"`
	// CertificatePEM is the certificate the gateway presented to its own host:
	// the leader trusts this one for this gateway.
	CertificatePEM string `json:"certificate_pem,omitempty"`
	// MDMCertificates are those that the gateway trusts now, in PEM by MDM
	// address; none with BypassCertificateCheck.
	MDMCertificates map[string]string `json:"mdm_certificates,omitempty"`
}

// VolumeDriverParams belongs to StepVolumeDriver: REX-Ray and dvdcli.
type VolumeDriverParams struct {
	Packages []DriverPackage `json:"packages"`
	// Keys are the public keys by one of which each package may be signed.
	Keys []Artifact `json:"keys,omitempty"`
}

// DriverPackage is one program of the volume driver.
type DriverPackage struct {
	Package  string   `json:"package"` // rexray, dvdcli
	Version  string   `json:"version"`
	Artifact Artifact `json:"artifact"`
}

// VolumeDriverEndpointParams belongs to StepVolumeDriverEndpoint: the driver's
// configuration (mode 0600, with SecretAdminPassword) and its restart.
type VolumeDriverEndpointParams struct {
	Endpoint         string `json:"endpoint"` // https://host:port/api
	Username         string `json:"username"`
	SystemName       string `json:"system_name"`
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	ThinOrThick      string `json:"thin_or_thick"` // ThinProvisioned or ThickProvisioned
	APIVersion       string `json:"api_version,omitempty"`
}

// IsolatorParams belongs to StepIsolator. The result is an IsolatorResult.
type IsolatorParams struct {
	Mode string `json:"mode"` // docker-volume or dvdi
	// Modules are the libraries of mesos-module-dvdi that are given, for mode
	// dvdi.
	Modules []IsolatorModule `json:"modules,omitempty"`
	// Service is the Mesos agent's, as in AgentRestartParams.
	Service string `json:"service,omitempty"`
}

// IsolatorModule is a library that fits exactly one version of Mesos.
type IsolatorModule struct {
	MesosVersion string   `json:"mesos_version"`
	Artifact     Artifact `json:"artifact"`
}

// IsolatorResult tells whether the Mesos agent must be restarted.
type IsolatorResult struct {
	RestartNeeded bool `json:"restart_needed"`
}

// AgentServiceAuto lets the node agent find the Mesos agent's service.
const AgentServiceAuto = "auto"

// AgentRestartParams belongs to StepAgentRestart.
type AgentRestartParams struct {
	// Service is for example mesos-slave, or AgentServiceAuto.
	Service string `json:"service"`
}

// CreateClusterParams belongs to StepCreateCluster: create the cluster with
// this node as its only member, change the default password to
// SecretAdminPassword. Guarded by "does the new password log in?". From 4.0 on
// there is no password to change, and SecretP12Password takes its place. The
// result is a CreateClusterResult.
type CreateClusterParams struct {
	// Release is that of the packages from 4.0 on, for example 4.5-2100.105:
	// it decides scli's dialect and how it logs in. Empty means before 4.0.
	Release       string   `json:"release,omitempty"`
	Name          string   `json:"name"` // of the member, for example mdm1
	IPs           []string `json:"ips"`
	ManagementIPs []string `json:"management_ips"`
	// MemberIPs are the addresses of all members of the plan, this one's among
	// them: a cluster with others is not the planned one.
	MemberIPs []string `json:"member_ips,omitempty"`
	Username  string   `json:"username"`
}

// CreateClusterResult is what the cluster said of itself.
type CreateClusterResult struct {
	SystemID       string `json:"system_id"`
	InstallationID string `json:"installation_id"`
	Version        string `json:"version,omitempty"`
}

// AddStandbyMDMParams belongs to StepAddStandbyMDM, run by the first MDM.
type AddStandbyMDMParams struct {
	Release       string   `json:"release,omitempty"` // as in CreateClusterParams
	Name          string   `json:"name"`
	Manager       bool     `json:"manager"`
	IPs           []string `json:"ips"`
	ManagementIPs []string `json:"management_ips,omitempty"`
	Username      string   `json:"username"`
}

// SwitchClusterModeParams belongs to StepSwitchClusterMode.
type SwitchClusterModeParams struct {
	Release         string   `json:"release,omitempty"` // as in CreateClusterParams
	Mode            string   `json:"mode"`              // 3_node or 5_node
	AddManagers     []string `json:"add_managers"`
	AddTieBreakers  []string `json:"add_tie_breakers"`
	Username        string   `json:"username"`
	ExpectedMembers int      `json:"expected_members"`
}

// RenameSystemParams belongs to StepRenameSystem.
type RenameSystemParams struct {
	Release  string `json:"release,omitempty"` // as in CreateClusterParams
	Name     string `json:"name"`
	Username string `json:"username"`
}
