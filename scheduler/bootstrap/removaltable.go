package bootstrap

import (
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
)

// removalTable is the way back as data: every step by which a system is taken
// away, and every edge with its reason. Its steps exist once an operator gave
// the order, and those of table begin no more from then on.
func removalTable() []*spec {
	var all []*spec
	for _, group := range [][]*spec{removalOfUsers(), removalOfStorage(), removalOfCluster()} {
		for _, s := range group {
			s.Phase, s.removal = PhaseRemoval, true
			all = append(all, s)
		}
	}
	return all
}

// removalOfUsers are the steps that take volumes away from whoever could use
// them.
func removalOfUsers() []*spec {
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: core.StepRemovalCheck, Scope: PerCluster, Runner: ByGateway,
				Text: "look whether a volume is mapped, or would be lost; nothing is changed before that",
			},
			params: removalCheckParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRestoreAgentFlags, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{{All, core.StepRemovalCheck, "nothing is changed while a volume is in use"}},
				Text:  "give the Mesos agent the flags that it had before",
			},
			params: restoreFlagsParams, result: isolatorResult, undoes: nodeproto.StepIsolator,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRestoreAgent, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{SameHost, nodeproto.StepRestoreAgentFlags, "it tells whether a restart is needed"},
					{Turn, nodeproto.StepRestoreAgent, "MDM quorum and redundancy are kept: one fault unit at a time"},
				},
				Text: "restart the Mesos agent with these flags, if they changed",
			},
			params: restoreAgentParams, undoes: nodeproto.StepAgentRestart,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveVolumeDriver, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{{SameHost, nodeproto.StepRestoreAgent, "a Mesos agent whose flags name dvdcli does not start without it"}},
				Text:  "stop and remove REX-Ray and dvdcli, with the driver's configuration",
			},
			params: removeDriverParams, undoes: nodeproto.StepVolumeDriver,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveSDCPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{All, core.StepRemovalCheck, "nothing is changed while a volume is in use"},
					{SameHost, nodeproto.StepRemoveVolumeDriver, "the driver asks the SDC, and could map a volume again"},
				},
				Text: "remove the SDC, unless a volume is mapped to the host",
			},
			params: removePackageParams(componentSDC, nodeproto.StepSDCPackage), undoes: nodeproto.StepSDCPackage,
		},
	}
}

// removalOfStorage are the steps that empty the system. With KeepData those
// that a gateway performs are skipped.
func removalOfStorage() []*spec {
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: core.StepRemoveVolumes, Scope: PerCluster, Runner: ByGateway,
				Needs: []Need{{EveryHost, nodeproto.StepRemoveSDCPackage, "without any SDC nobody can use a volume, nor make one through the driver"}},
				Text:  "remove the framework's own test volumes; all volumes, where that was ordered",
			},
			params: removeVolumesParams,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepRemoveSDS, Scope: PerNode, Runner: ByGateway,
				Needs: []Need{{All, core.StepRemoveVolumes, "the last devices have nowhere to move data to"}},
				Text:  "take the SDS out of the system, with all its devices",
			},
			params: removeSDSParams, undoes: core.StepAddSDS,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepRemoveStoragePools, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{{EveryHost, core.StepRemoveSDS, "a pool with devices is not removed"}},
				Text:  "remove the storage pool",
			},
			params: removePoolParams, undoes: core.StepStoragePools,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepRemoveFaultSets, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{{EveryHost, core.StepRemoveSDS, "a fault set with SDSs is not removed"}},
				Text:  "remove the fault set",
			},
			params: removeFaultSetParams, undoes: core.StepFaultSets,
		},
		{
			StepInfo: StepInfo{
				Name: core.StepRemoveProtectionDomains, Scope: PerObject, Runner: ByGateway,
				Needs: []Need{
					{EveryHost, core.StepRemoveSDS, "a domain with SDSs is not removed"},
					own(core.StepRemoveStoragePools, "a domain with pools is not removed"),
					own(core.StepRemoveFaultSets, "a domain with fault sets is not removed"),
				},
				Text: "remove the protection domain",
			},
			params: removeDomainParams, undoes: core.StepProtectionDomains,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveSDSPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{EveryHost, nodeproto.StepRemoveSDCPackage, "an SDC that is left would lose its data under way"},
					own(core.StepRemoveProtectionDomains, "without a domain no leader that slept adds the SDS again"),
				},
				Text: "remove the SDS's package",
			},
			params: removePackageParams(componentSDS, nodeproto.StepSDSPackage), undoes: nodeproto.StepSDSPackage,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveGatewayPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{EveryHost, nodeproto.StepRestoreAgent, "redundancy is read through a gateway before a Mesos agent restarts"},
					{EveryHost, nodeproto.StepRemoveSDCPackage, "whether a volume is mapped is seen through a gateway"},
					own(core.StepRemoveProtectionDomains, "they are removed through a gateway"),
				},
				Text: "remove the gateway",
			},
			params: removeGatewayParams, undoes: nodeproto.StepGatewayPackage,
		},
	}
}

// removalOfCluster are the steps that end the MDM cluster, and what is left on
// the hosts.
func removalOfCluster() []*spec {
	secrets := []string{nodeproto.SecretAdminPassword}
	return []*spec{
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepShrinkClusterMode, Scope: PerCluster, Runner: LastMDM, Secrets: secrets,
				Needs: []Need{
					{EveryHost, nodeproto.StepRemoveSDSPackage, "whoever needs a quorum of the MDMs is gone before it ends"},
					{EveryHost, nodeproto.StepRemoveGatewayPackage, "whoever needs a quorum of the MDMs is gone before it ends"},
				},
				Text: "make the primary MDM a cluster of its own",
			},
			params: shrinkParams, result: shrinkResult,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveStandbyMDM, Scope: PerObject, Runner: LastMDM, Secrets: secrets,
				Needs: []Need{{All, nodeproto.StepShrinkClusterMode, "a member that takes part is not removed, only a standby one"}},
				Text:  "take the standby member out of the system",
			},
			params: removeStandbyParams,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveMDMPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{All, nodeproto.StepShrinkClusterMode, "an MDM is not removed from under its cluster"},
					own(nodeproto.StepRemoveStandbyMDM, "an MDM is not removed from under its cluster"),
					{OtherHosts, nodeproto.StepRemoveMDMPackage, "the last MDM knows the system until nothing else of it is left"},
				},
				Text: "remove the MDM's package",
			},
			params: removeMDMParams, undoes: nodeproto.StepMDMPackage,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveActiveMQPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{{SameHost, nodeproto.StepRemoveMDMPackage, "the MDM of 4.5 starts it"}},
				Text:  "remove ActiveMQ (from 4.0 on)",
			},
			since4: true, params: removePackageParams(componentActiveMQ, nodeproto.StepActiveMQPackage), undoes: nodeproto.StepActiveMQPackage,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveLIAPackage, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{SameHost, nodeproto.StepRemoveMDMPackage, "it serves the other components of its host"},
					{SameHost, nodeproto.StepRemoveSDSPackage, "it serves the other components of its host"},
				},
				Text: "remove the LIA",
			},
			params: removePackageParams(componentLIA, nodeproto.StepLIAPackage), undoes: nodeproto.StepLIAPackage,
		},
		{
			StepInfo: StepInfo{
				Name: nodeproto.StepRemoveTraces, Scope: PerNode, Runner: OwnHost,
				Needs: []Need{
					{SameHost, nodeproto.StepRemoveLIAPackage, "everything else on the host is done with what it removes"},
					{SameHost, nodeproto.StepRemoveGatewayPackage, "everything else on the host is done with what it removes"},
					{SameHost, nodeproto.StepRemoveActiveMQPackage, "everything else on the host is done with what it removes"},
				},
				Text: "remove the node agent's downloads and, when it ends, its journal",
			},
			params: removeTracesParams,
		},
	}
}

func own(step, reason string) Need { return Need{EachObject, step, reason} }
