package bootstrap

import (
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

func removalCheckParams(t *turn, _ ref) (any, error) {
	u := t.cluster.Uninstall
	return RemovalCheck(t.cluster, u.KeepData || u.RemoveVolumes), nil
}

// RemovalCheck is what a removal asks first.
func RemovalCheck(cluster *model.Cluster, allowVolumes bool) core.RemovalCheckParams {
	return core.RemovalCheckParams{VolumePrefix: verifyPrefixOf(cluster), AllowVolumes: allowVolumes}
}

func restoreFlagsParams(t *turn, at ref) (any, error) {
	if !t.attempted(ref{at.host, nodeproto.StepIsolator}) {
		return nil, notNeeded{"the Mesos agent's flags were never changed"}
	}
	return nodeproto.RestoreAgentFlagsParams{}, nil
}

func restoreAgentParams(t *turn, at ref) (any, error) {
	if needed, _ := verdictOf(t.plans[at.host], nodeproto.StepRestoreAgentFlags); !needed {
		return nil, notNeeded{"the Mesos agent runs with its own flags already"}
	}
	if !t.mayRestart(at) {
		t.waiting[at.host] = true
		return nil, errNotYet
	}
	return nodeproto.AgentRestartParams{Service: t.options.AgentService}, nil
}

func removeDriverParams(t *turn, at ref) (any, error) {
	driver := ref{at.host, nodeproto.StepVolumeDriver}
	if !t.attempted(driver) && !t.attempted(ref{at.host, nodeproto.StepVolumeDriverEndpoint}) {
		return nil, notNeeded{neverInstalled}
	}
	var installed nodeproto.VolumeDriverParams
	step, _ := t.step(driver)
	if len(step.Params) > 0 {
		if err := json.Unmarshal(step.Params, &installed); err != nil {
			return nil, fmt.Errorf("the parameters of step %s cannot be read: %w", driver, err)
		}
	}
	var params nodeproto.RemoveVolumeDriverParams
	for _, p := range installed.Packages {
		params.Packages = append(params.Packages, p.Package)
	}
	return params, nil
}

const neverInstalled = "it was never installed here"

// attempted reports whether a step may have left something on its host.
func (r *records) attempted(at ref) bool {
	step, has := r.step(at)
	return has && (step.Attempt > 0 || step.State == model.Done)
}

// removePackageParams names the package as its installation did.
func removePackageParams(component, installation string) func(t *turn, at ref) (any, error) {
	return func(t *turn, at ref) (any, error) {
		installed := ref{at.host, installation}
		if !t.attempted(installed) {
			return nil, notNeeded{neverInstalled}
		}
		var known nodeproto.PackageParams
		step, _ := t.step(installed)
		if err := json.Unmarshal(step.Params, &known); err != nil || known.Package == "" {
			// Forced complete, or edited by hand.
			p, err := t.choosePackage(at.host, component)
			if err != nil {
				return nil, err
			}
			known.Package = p.Name
		}
		return nodeproto.RemovePackageParams{Component: component, Package: known.Package}, nil
	}
}

// removeGatewayParams also takes the gateway out of the cluster's record: once
// its removal is committed, nobody is sent there any more.
func removeGatewayParams(t *turn, at ref) (any, error) {
	params, err := removePackageParams(componentGateway, nodeproto.StepGatewayPackage)(t, at)
	if err == nil {
		t.dropGateway(at.host)
	}
	return params, err
}

func removeMDMParams(t *turn, at ref) (any, error) {
	params, err := removePackageParams(componentMDM, nodeproto.StepMDMPackage)(t, at)
	if err != nil {
		return nil, err
	}
	remove, ok := params.(nodeproto.RemovePackageParams)
	if u := t.cluster.Uninstall; ok && at.host == u.LastMDM {
		remove.LastMDM, remove.KeepFiles = true, u.KeepData
	}
	return remove, nil
}

// kept says why a step that would lose data is skipped.
func (t *turn) kept() error {
	switch {
	case t.cluster.Uninstall.KeepData:
		return notNeeded{"the data is kept"}
	case !t.begun():
		return notNeeded{neverBegun}
	}
	return nil
}

func removeVolumesParams(t *turn, _ ref) (any, error) {
	if err := t.kept(); err != nil {
		return nil, err
	}
	return core.RemoveVolumesParams{VolumePrefix: verifyPrefix(t), All: t.cluster.Uninstall.RemoveVolumes}, nil
}

func removeSDSParams(t *turn, at ref) (any, error) {
	if err := t.kept(); err != nil {
		return nil, err
	}
	if !t.attempted(ref{at.host, core.StepAddSDS}) {
		return nil, notNeeded{"it was never added"}
	}
	return core.RemoveSDSParams{Name: objectName(at.host), VolumePrefix: verifyPrefix(t)}, nil
}

func removePoolParams(t *turn, at ref) (any, error) {
	if err := t.notMade(core.StepStoragePools, at); err != nil {
		return nil, err
	}
	pd, pool, _ := strings.Cut(at.object(), "/")
	return core.RemoveStoragePoolParams{ProtectionDomain: pd, StoragePool: pool, VolumePrefix: verifyPrefix(t)}, nil
}

func removeFaultSetParams(t *turn, at ref) (any, error) {
	if err := t.notMade(core.StepFaultSets, at); err != nil {
		return nil, err
	}
	pd, name, _ := strings.Cut(at.object(), "/")
	return core.RemoveFaultSetParams{ProtectionDomain: pd, Name: name}, nil
}

// notMade says why an object needs no removal.
func (t *turn) notMade(making string, at ref) error {
	if err := t.kept(); err != nil {
		return err
	}
	if !t.attempted(ref{"", making + "/" + at.object()}) {
		return notNeeded{"it was never made"}
	}
	return nil
}

func removeDomainParams(t *turn, at ref) (any, error) {
	if err := t.notMade(core.StepProtectionDomains, at); err != nil {
		return nil, err
	}
	params := core.RemoveProtectionDomainParams{Name: at.object(), VolumePrefix: verifyPrefix(t)}
	for _, host := range sortedKeys(t.plans) {
		if t.plans[host].ProtectionDomain == params.Name && t.attempted(ref{host, core.StepAddSDS}) {
			params.SDSs = append(params.SDSs, objectName(host))
		}
	}
	for _, key := range sortedKeys(t.cluster.Steps) {
		object, ours := strings.CutPrefix(ref{"", key}.object(), params.Name+"/")
		switch name := nodeproto.Name(key); {
		case !ours:
		case name == core.StepStoragePools:
			params.StoragePools = append(params.StoragePools, object)
		case name == core.StepFaultSets:
			params.FaultSets = append(params.FaultSets, object)
		}
	}
	return params, nil
}

// shrinkParams makes the manager that runs the step the last one. Which one is
// the primary is not known here: one that is not fails, and the next attempt is
// another's.
func shrinkParams(t *turn, at ref) (any, error) {
	runner := t.runner(t.graph.byName[at.name()], at)
	params := nodeproto.ShrinkClusterModeParams{Release: t.scliRelease(), Username: t.options.AdminUsername}
	for _, m := range t.cluster.Members {
		switch {
		case m.Address == "":
			return nil, fmt.Errorf("the address of member %s is not recorded: mend /cluster by hand, or take the cluster down with scli and order force-complete", m.Name)
		case m.Host == runner:
			params.KeepIPs = []string{m.Address}
		case m.Persona == model.Manager:
			params.ManagerIPs = append(params.ManagerIPs, m.Address)
		default:
			params.TieBreakerIPs = append(params.TieBreakerIPs, m.Address)
		}
	}
	return params, nil
}

func shrinkResult(t *turn, at ref, _ json.RawMessage) error {
	step, _ := t.step(at)
	t.cluster.Uninstall.LastMDM = step.Runner
	t.changed[""] = true
	return nil
}

func removeStandbyParams(t *turn, at ref) (any, error) {
	for _, m := range t.cluster.Members {
		switch {
		case m.Name != at.object():
		case m.Host == t.cluster.Uninstall.LastMDM:
			return nil, notNeeded{"it is the last MDM"}
		default:
			return nodeproto.RemoveStandbyMDMParams{Release: t.scliRelease(), Name: m.Name, IPs: []string{m.Address}, Username: t.options.AdminUsername}, nil
		}
	}
	return nil, fmt.Errorf("/cluster has no member %q: mend its members by hand", at.object())
}

func removeTracesParams(t *turn, _ ref) (any, error) {
	return nodeproto.RemoveTracesParams{Cluster: t.cluster.UUID}, nil
}
