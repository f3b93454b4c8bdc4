package bootstrap

import (
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// outfit adds the steps that a host's persona has and its plan has not: all of
// them for a new plan, those of a newer release for an old one.
func (t *turn) outfit(plan *model.NodePlan) {
	for _, s := range t.graph.specs {
		if s.onDemand || s.removal || !s.fits(plan.Persona) || t.absent(s) {
			continue
		}
		at := ref{plan.Hostname, s.Name}
		step, has := plan.Steps[s.Name]
		// Without an attempt only our own lack of something made it stuck,
		// which this scheduler may have.
		lacked := has && step.State == model.Stuck && step.Attempt == 0
		// Before a release was begun, packages of another one may be given.
		spared := has && step.State == model.Skipped && step.Attempt == 0 && (step.Reason == noGateway || step.Reason == noDriver) && hasGateway(t.release())
		if has && !lacked && !spared {
			continue
		}
		if reason := t.unwanted(s.Name); reason != "" {
			t.set(at, model.Step{State: model.Skipped, Reason: reason})
		} else {
			t.set(at, model.Step{State: model.Pending})
		}
	}
}

// unwanted says why our options do without a step; empty when they want it.
func (t *turn) unwanted(name string) string {
	o := t.options
	driverless := ""
	switch {
	case !hasGateway(t.release()):
		if name == nodeproto.StepGatewayPackage || name == nodeproto.StepGatewayConfigure {
			return noGateway
		}
		driverless = noDriver
	case !o.VolumeDriver:
		driverless = "--volumes.driver is off"
	case !offers(o.Packages, componentREXRay) && !offers(o.Packages, componentDVDCLI):
		driverless = "no packages of rexray and dvdcli are given in --artifacts.dir or --packages"
	}
	switch name {
	case nodeproto.StepActiveMQPackage:
		if !offers(o.Packages, componentActiveMQ) {
			return "no package of activemq is given in --artifacts.dir or --packages"
		}
	case nodeproto.StepVolumeDriver, nodeproto.StepVolumeDriverEndpoint:
		return driverless
	case nodeproto.StepIsolator, nodeproto.StepAgentRestart:
		if o.Isolator == IsolatorNone {
			return "--volumes.isolator is none"
		}
		if driverless != "" {
			return "there is no volume driver that the Mesos agent could mount by: " + driverless
		}
	}
	return ""
}

// outfitCluster adds the steps of the cluster that its members and its hosts'
// domains, pools and fault sets call for.
func (t *turn) outfitCluster() {
	for i, m := range t.cluster.Members {
		if i == 0 {
			if needsCertificates(t.release()) {
				t.add(nodeproto.StepMDMAuthority)
			}
			t.add(nodeproto.StepCreateCluster)
			continue
		}
		t.add(standbyKey(m.Name))
	}
	t.add(nodeproto.StepSwitchClusterMode)
	t.add(nodeproto.StepRenameSystem)
	t.add(core.StepVerifyVolume)
	t.add(core.StepVerify)
	for _, host := range sortedKeys(t.plans) {
		if onboarded(t.plans[host]) {
			t.outfitObjects(t.plans[host])
		}
	}
}

// outfitObjects adds the steps of the objects that one host belongs to.
func (t *turn) outfitObjects(plan *model.NodePlan) {
	t.add(domainKey(plan.ProtectionDomain))
	t.add(poolKey(plan.ProtectionDomain, plan.StoragePool))
	t.add(spareKey(plan.ProtectionDomain, plan.StoragePool))
	if plan.FaultSet != "" {
		t.add(faultSetKey(plan.ProtectionDomain, plan.FaultSet))
	}
}

func (t *turn) add(key string) {
	if _, has := t.cluster.Steps[key]; !has {
		t.set(ref{"", key}, model.Step{State: model.Pending})
		t.queue.add(ref{"", key})
	}
}
