package bootstrap

import (
	"slices"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// The phases in which the plan is shown. They are no barriers.
const (
	PhasePackages = "packages"
	PhaseCluster  = "cluster"
	PhaseStorage  = "storage"
	PhaseVolumes  = "volumes"
	PhaseVerify   = "verify"
	// PhaseRemoval is shown only once the removal was ordered.
	PhaseRemoval = "removal"
)

// Phases are all phases of the installation in their order.
func Phases() []string {
	return []string{PhasePackages, PhaseCluster, PhaseStorage, PhaseVolumes, PhaseVerify}
}

// table is the install plan as data: every step and every edge with its
// reason.
func table() []*spec {
	return slices.Concat(packageSteps(), clusterSteps(), storageSteps(), volumeSteps())
}

func packageSteps() []*spec {
	mdm := []model.Persona{model.Manager, model.TieBreaker}
	manager := []model.Persona{model.Manager}
	checked := Need{SameHost, nodeproto.StepPrerequisites, "installers fail halfway on a host without libaio, numactl or Java"}
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepPrerequisites, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost,
				Text: "check the host, install what ScaleIO's packages need",
			},
			params: prerequisitesParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepActiveMQPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost, Personas: mdm,
				Needs: []Need{checked},
				Text:  "install ActiveMQ, where it is given (4.5)",
			},
			since4: true, params: packageParams(componentActiveMQ),
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepMDMPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost, Personas: mdm,
				Needs: []Need{checked, {SameHost, nodeproto.StepActiveMQPackage, "the MDM of 4.5 starts it"}},
				Text:  "install the MDM with the role of this host",
			},
			params: packageParams(componentMDM),
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepMDMRemove, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost, Personas: []model.Persona{model.Storage},
				Needs: []Need{{SameHost, nodeproto.StepMDMPackage, "an installation that was begun ends first: what was sent cannot be called back"}},
				Text:  "remove the MDM from a host that lost its place in the MDM cluster",
			},
			onDemand: true,
			params:   mdmRemoveParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepSDSPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{checked, {SameHost, nodeproto.StepMDMRemove, "a host gives its MDM back before it takes its new part"}},
				Text:  "install the SDS",
			},
			params: packageParams(componentSDS),
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepLIAPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost,
				Secrets: []string{nodeproto.SecretLIAToken}, Needs: []Need{checked},
				Text: "install the LIA",
			},
			params: packageParams(componentLIA),
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepGatewayPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost, Personas: manager,
				Secrets: []string{nodeproto.SecretGatewayPassword}, Needs: []Need{checked},
				Text: "install the gateway",
			},
			params: packageParams(componentGateway),
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepSDCPackage, Phase: PhasePackages, Scope: PerNode, Runner: OwnHost,
				Secrets: []string{nodeproto.SecretDriverPassword, nodeproto.SecretDriverKey},
				Needs:   []Need{checked, {All, nodeproto.StepCreateCluster, "MDM_IP is fixed at installation, and members may be replaced until the cluster is begun"}},
				Text:    "install the SDC with the addresses of the MDMs",
			},
			params: packageParams(componentSDC),
		},
	}
}

func clusterSteps() []*spec {
	secrets := []string{nodeproto.SecretAdminPassword}
	created := Need{All, nodeproto.StepCreateCluster, "the cluster must exist"}
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepMDMAuthority, Phase: PhaseCluster, Scope: PerCluster, Runner: FirstMDM,
				Secrets: []string{nodeproto.SecretP12Password},
				Needs:   []Need{{EachMember, nodeproto.StepMDMPackage, "the vendor's program comes with it, and who made the authority should not be replaced"}},
				Text:    "make the authority of the MDMs' certificates (from 4.0 on)",
			},
			since4: true, params: mdmAuthorityParams, result: mdmAuthorityResult,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepMDMCertificate, Phase: PhaseCluster, Scope: PerNode, Runner: OwnHost, Personas: []model.Persona{model.Manager},
				Needs: []Need{
					{SameHost, nodeproto.StepMDMPackage, "the MDM reads it when it is restarted"},
					{All, nodeproto.StepMDMAuthority, "the authority makes it"},
				},
				Text: "give the MDM its certificate (from 4.0 on); again when the authority is another",
			},
			since4: true, params: mdmCertificateParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepCreateCluster, Phase: PhaseCluster, Scope: PerCluster, Runner: FirstMDM, Secrets: secrets,
				Needs: []Need{
					{EachMember, nodeproto.StepMDMPackage, "once the cluster is begun a lost member is not replaced: each has proven itself before"},
					{EachMember, nodeproto.StepMDMCertificate, "an MDM of 4.x speaks to nobody without"},
				},
				Text: "create the cluster with its first MDM, set the password",
			},
			params: createClusterParams, result: createClusterResult,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepAddStandbyMDM, Phase: PhaseCluster, Scope: PerObject, Runner: FirstMDM, Secrets: secrets,
				Needs: []Need{created},
				Text:  "add a member as standby",
			},
			params: addStandbyParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepSwitchClusterMode, Phase: PhaseCluster, Scope: PerCluster, Runner: FirstMDM, Secrets: secrets,
				Needs: []Need{{All, nodeproto.StepAddStandbyMDM, "only standby members can join the cluster, all in one transition"}},
				Text:  "make the standby members part of the cluster",
			},
			params: switchModeParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRenameSystem, Phase: PhaseCluster, Scope: PerCluster, Runner: FirstMDM, Secrets: secrets,
				Needs: []Need{{All, nodeproto.StepSwitchClusterMode, "a change of the mode restarts services, which may refuse other commands meanwhile"}},
				Text:  "give the system its name",
			},
			params: renameParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepGatewayConfigure, Phase: PhaseCluster, Scope: PerNode, Runner: OwnHost, Personas: []model.Persona{model.Manager},
				Secrets: []string{nodeproto.SecretAdminPassword, nodeproto.SecretGatewayPassword},
				Needs: []Need{
					{SameHost, nodeproto.StepGatewayPackage, "there must be a gateway"},
					{All, nodeproto.StepRenameSystem, "a login is proven, and the gateway remembers the system it saw"},
				},
				Text: "give the gateway the MDMs' addresses and certificates, prove a login",
			},
			params: gatewayConfigureParams, result: gatewayConfigureResult,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepManagementPlatform, Phase: PhaseCluster, Scope: PerCluster, Runner: ByPlatform,
				Needs: []Need{{All, nodeproto.StepRenameSystem, "by then the system has the id by which the platform is known to be its own"}},
				Text:  "get to know the management platform, where one is given (from 4.0 on)",
			},
			params: platformParams, result: platformResult,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepLIAID, Phase: PhaseCluster, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{SameHost, nodeproto.StepLIAPackage, "there must be a LIA"},
					{All, nodeproto.StepCreateCluster, "the cluster's installation id is what is written"},
				},
				Text: "bind the LIA to the cluster",
			},
			params: liaIDParams,
		},
	}
}

func storageSteps() []*spec {
	gateway := Need{AnyGateway, nodeproto.StepGatewayConfigure, "it is made through a gateway"}
	domain := Need{Own, core.StepProtectionDomains, "it belongs to the protection domain"}
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: core.StepProtectionDomains, Phase: PhaseStorage, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{gateway, {All, nodeproto.StepRenameSystem, "where there is no gateway, scli makes it when the cluster is complete"}},
				Text:  "make the protection domain",
			},
			params: protectionDomainParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepFaultSets, Phase: PhaseStorage, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{domain}, Text: "make the fault set",
			},
			params: faultSetParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepStoragePools, Phase: PhaseStorage, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{domain}, Text: "make the storage pool",
			},
			params: storagePoolParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepSparePolicy, Phase: PhaseStorage, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{{Own, core.StepStoragePools, "it is a setting of the pool"}},
				Text:  "set the spare capacity to one fault unit",
			},
			params: sparePolicyParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepAddSDS, Phase: PhaseStorage, Scope: PerNode, Runner: ByGateway,
				Needs: []Need{
					gateway,
					{SameHost, nodeproto.StepSDSPackage, "the MDM speaks to the SDS when it adds it"},
					domain,
					{Own, core.StepFaultSets, "an SDS can join a fault set only when it is added"},
				},
				Text: "add the SDS to its domain and fault set",
			},
			params: addSDSParams, result: addSDSResult,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepAddDevices, Phase: PhaseStorage, Scope: PerNode, Runner: ByGateway,
				Needs: []Need{
					gateway,
					{SameHost, core.StepAddSDS, "devices belong to an SDS"},
					{Own, core.StepStoragePools, "devices belong to a pool"},
					{Own, core.StepSparePolicy, "without a spare of one unit, the first failure of a host would leave no room to rebuild"},
				},
				Text: "add the host's free disks to the pool; count the devices that its SDS has there already",
			},
			params: addDevicesParams, result: addDevicesResult,
		},
	}
}

func volumeSteps() []*spec {
	own := Need{SameHost, nodeproto.StepVolumeDriver, "there must be a driver"}
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepVolumeDriver, Phase: PhaseVolumes, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{{SameHost, nodeproto.StepSDCPackage, "REX-Ray asks the SDC who it is"}},
				Text:  "install REX-Ray and dvdcli",
			},
			params: volumeDriverParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepVolumeDriverEndpoint, Phase: PhaseVolumes, Scope: PerNode, Runner: OwnHost,
				Secrets: []string{nodeproto.SecretAdminPassword},
				Needs: []Need{
					own,
					{OwnGateway, nodeproto.StepGatewayConfigure, "its address is what is written, whichever gateway was ready first"},
					{Own, core.StepStoragePools, "REX-Ray looks the pool up when it starts"},
				},
				Text: "point the driver at a gateway; again when that gateway is gone",
			},
			params: endpointParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepIsolator, Phase: PhaseVolumes, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{own},
				Text:  "let the Mesos agent mount volumes",
			},
			params: isolatorParams, result: isolatorResult,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepAgentRestart, Phase: PhaseVolumes, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{SameHost, nodeproto.StepIsolator, "it tells whether a restart is needed"},
					{SameHost, nodeproto.StepVolumeDriverEndpoint, "the agent comes back to a driver that works"},
					{Turn, nodeproto.StepAgentRestart, "MDM quorum and redundancy are kept: one fault unit at a time"},
				},
				Text: "restart the Mesos agent with its new flags",
			},
			params: agentRestartParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepVerifyVolume, Phase: PhaseVerify, Scope: PerCluster, Runner: ByGateway,
				Needs: []Need{
					{AnyGateway, nodeproto.StepGatewayConfigure, "it is made through a gateway"},
					{ThreeUnits, core.StepAddDevices, "a pool makes volumes from three fault units on"},
					{AnyNode, nodeproto.StepSDCPackage, "the volume is mapped to a host"},
				},
				Text: "make a volume and map it to a host",
			},
			params: verifyVolumeParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepVerify, Phase: PhaseVerify, Scope: PerCluster, Runner: ByGateway,
				Needs: []Need{
					{All, core.StepVerifyVolume, "removed is only what nobody will make again"},
				},
				Text: "unmap and remove that volume",
			},
			params: verifyParams,
		},
	}
}
