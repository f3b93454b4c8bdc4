package nodeproto

// The names of the steps that take away what the others made.
const (
	StepRestoreAgentFlags    = "restore-agent-flags"
	StepRestoreAgent         = "restore-agent"
	StepRemoveVolumeDriver   = "remove-volume-driver"
	StepRemoveSDCPackage     = "remove-sdc-package"
	StepRemoveSDSPackage     = "remove-sds-package"
	StepRemoveGatewayPackage = "remove-gateway-package"
	StepShrinkClusterMode    = "shrink-cluster-mode"
	StepRemoveStandbyMDM     = "remove-standby-mdm"
	StepRemoveMDMPackage     = "remove-mdm-package"
	StepRemoveLIAPackage     = "remove-lia-package"
	// StepRemoveActiveMQPackage is of systems from 4.0 on.
	StepRemoveActiveMQPackage = "remove-activemq-package"
	StepRemoveTraces          = "remove-traces"
)

// RestoreAgentFlagsParams belongs to StepRestoreAgentFlags: the flags of the
// Mesos agent become what they were before StepIsolator. The result is an
// IsolatorResult. StepRestoreAgent takes AgentRestartParams.
type RestoreAgentFlagsParams struct{}

// RemoveVolumeDriverParams belongs to StepRemoveVolumeDriver: the driver is
// stopped, its configuration and these packages are removed.
type RemoveVolumeDriverParams struct {
	Packages []string `json:"packages"`
}

// RemovePackageParams belongs to the remove-*-package steps.
type RemovePackageParams struct {
	Component string `json:"component"` // mdm, sds, sdc, lia, gateway, activemq
	// Package is the installed package's name.
	Package string `json:"package"`
	// LastMDM says that the MDM is a cluster of its own by now, and goes all the
	// same. Another MDM is not removed as long as it belongs to a cluster.
	LastMDM bool `json:"last_mdm,omitempty"`
	// KeepFiles leaves the component's own files (the records of the MDM) where
	// they are, beside a copy that no package owns.
	KeepFiles bool `json:"keep_files,omitempty"`
}

// ShrinkClusterModeParams belongs to StepShrinkClusterMode, run by a manager
// that is to be the last one: the others leave the cluster and become standby.
// It fails on a manager that is not the primary.
type ShrinkClusterModeParams struct {
	Release string `json:"release,omitempty"` // as in CreateClusterParams
	// KeepIPs are the addresses of the member that stays.
	KeepIPs []string `json:"keep_ips"`
	// ManagerIPs and TieBreakerIPs are one address of each member that leaves.
	ManagerIPs    []string `json:"manager_ips,omitempty"`
	TieBreakerIPs []string `json:"tie_breaker_ips,omitempty"`
	Username      string   `json:"username"`
}

// RemoveStandbyMDMParams belongs to StepRemoveStandbyMDM, run by the last MDM.
type RemoveStandbyMDMParams struct {
	Release  string   `json:"release,omitempty"` // as in CreateClusterParams
	Name     string   `json:"name"`
	IPs      []string `json:"ips"`
	Username string   `json:"username"`
}

// RemoveTracesParams belongs to StepRemoveTraces: what the node agent keeps on
// the host is removed, its journal when it ends.
type RemoveTracesParams struct {
	// Cluster is the UUID of the installation, which makes the parameters those
	// of no other one.
	Cluster string `json:"cluster"`
}
