package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

func prerequisitesParams(t *turn, at ref) (any, error) {
	// It is the host's first step: what lacks is told before it is touched, and
	// another host takes a place that this one cannot have.
	if t.misplaced(at) {
		return nil, errNotYet
	}
	if err := t.lacking(at.host); err != nil {
		return nil, err
	}
	t.freezeRelease()
	p := nodeproto.PrerequisitesParams{Ports: t.ports(at.host)}
	if slices.Contains(t.components(t.plans[at.host].Persona), componentGateway) {
		p.MinMemoryMB = int64(min(managerMemory, t.options.MDM.MemoryMB))
		if hasGateway(t.release()) {
			p.Java = gatewayJava
		}
	}
	if t.options.InstallPrerequisites && !t.image(at.host) {
		system := t.live[at.host].inventory
		p.Packages = prerequisites(system.OS, t.plans[at.host].Persona, t.release())
		if d := t.options.Driver; d != nil && d.Build {
			p.Packages = append(p.Packages, buildTools(system.OS, system.Kernel)...)
		}
	}
	return p, nil
}

// What a gateway asks of its host.
const (
	// managerMemory is what an MDM and a gateway need, in MiB. Who gives node
	// agents less of it (--executor.mem.mdm) has less in mind.
	managerMemory = 3000
	// gatewayJava is the Java of the gateways up to 3.6.
	gatewayJava = "1.8"
)

// ports are where the components of a host will listen. The packages are
// given: lacking has looked.
func (t *turn) ports(host string) []nodeproto.ComponentPort {
	system, err := t.system(host)
	if err != nil {
		return nil // lacking has said so
	}
	var list []nodeproto.ComponentPort
	for _, component := range t.components(t.plans[host].Persona) {
		var ports []int
		switch component {
		case componentMDM:
			ports = []int{9011, 6611} // the cluster's, and that of its clients
			if !hasGateway(t.release()) {
				ports = []int{9011, 8611}
			}
		case componentSDS:
			ports = []int{7072}
		case componentLIA:
			ports = []int{9099}
		case componentGateway:
			ports = []int{t.options.GatewayPort, t.options.GatewayHTTPPort}
		}
		for _, port := range ports {
			if p, ok := Choose(t.catalogue(), component, system); ok {
				list = append(list, nodeproto.ComponentPort{Port: port, Component: component, Package: p.Name})
			}
		}
	}
	return list
}

// choosePackage finds a component for a host, or says what is missing.
func (t *turn) choosePackage(host, component string) (Package, error) {
	system, err := t.system(host)
	if err != nil {
		return Package{}, err
	}
	p, ok := Choose(t.catalogue(), component, system)
	if !ok {
		return p, t.noPackage([]string{component}, system)
	}
	return p, nil
}

// lacking names every component of a host's part that no package is given for.
func (t *turn) lacking(host string) error {
	system, err := t.system(host)
	if err != nil {
		return err
	}
	var missing []string
	for _, component := range t.components(t.plans[host].Persona) {
		if slices.Contains([]string{componentSDC, componentREXRay, componentDVDCLI}, component) && t.withoutSDC(host) != "" {
			continue
		}
		if _, ok := Choose(t.catalogue(), component, system); !ok {
			missing = append(missing, component)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return t.noPackage(missing, system)
}

// components are what is installed on a host of a persona.
func (t *turn) components(persona model.Persona) []string {
	list := []string{componentSDS, componentLIA, componentSDC}
	if persona != model.Storage {
		list = append(list, componentMDM)
	}
	if persona == model.Manager && hasGateway(t.release()) {
		list = append(list, componentGateway)
	}
	if t.unwanted(nodeproto.StepVolumeDriver) == "" {
		list = append(list, componentREXRay, componentDVDCLI)
	}
	return list
}

func (t *turn) noPackage(components []string, system model.OS) error {
	begun := ""
	if release := t.cluster.Release; release != "" && hasGateway(release) != hasGateway(t.options.release()) {
		begun = fmt.Sprintf(" that goes with %s, which the first host was prepared for", release)
	}
	return fmt.Errorf("no package of %s for %s %s (%s)%s: give one in --artifacts.dir or --packages of every scheduler, restart them, then order retry",
		strings.Join(components, ", "), system.ID, system.Version, system.Family, begun)
}

func packageParams(component string) func(t *turn, at ref) (any, error) {
	return func(t *turn, at ref) (any, error) {
		if reason := t.unwanted(at.key); reason != "" {
			return nil, notNeeded{reason}
		}
		if (component == componentMDM || component == componentGateway) && t.misplaced(at) {
			return nil, errNotYet
		}
		p, err := t.choosePackage(at.host, component)
		if err != nil {
			return nil, err
		}
		params := nodeproto.PackageParams{
			Component: component, Package: p.Name, Version: p.Version, Artifact: p.Artifact, Keys: keys(t.options.Packages, p.Family),
		}
		switch component {
		case componentMDM:
			params.Manager = t.plans[at.host].Persona == model.Manager
		case componentGateway:
			params.GatewayPorts = &nodeproto.GatewayPorts{HTTPS: t.options.GatewayPort, HTTP: t.options.GatewayHTTPPort}
		case componentSDC:
			if params.MDMAddresses, err = t.managerAddresses(); err != nil {
				return nil, err
			}
			if t.image(at.host) {
				params.Module = t.module(at.host)
			} else {
				params.Driver = t.options.Driver
			}
		}
		return params, nil
	}
}

func mdmRemoveParams(t *turn, at ref) (any, error) {
	var installed nodeproto.PackageParams
	// The record of the installation is ours; one edited by hand gives no name.
	if err := json.Unmarshal(t.plans[at.host].Steps[nodeproto.StepMDMPackage].Params, &installed); err != nil || installed.Package == "" {
		p, err := t.choosePackage(at.host, componentMDM)
		if err != nil {
			return nil, err
		}
		installed.Package = p.Name
	}
	return nodeproto.MDMRemoveParams{Package: installed.Package}, nil
}

func liaIDParams(t *turn, _ ref) (any, error) {
	if t.cluster.InstallationID == "" {
		return nil, notNeeded{"the cluster's installation id is not known, since create-cluster was forced complete or gave none"}
	}
	return nodeproto.LIAIDParams{InstallationID: t.cluster.InstallationID, TokenLogin: !hasGateway(t.cluster.Release)}, nil
}

func gatewayConfigureParams(t *turn, at ref) (any, error) {
	if reason := t.unwanted(at.key); reason != "" {
		return nil, notNeeded{reason}
	}
	if _, err := t.address(at.host); err != nil {
		return nil, err
	}
	addresses, err := t.managerAddresses()
	if err != nil {
		return nil, err
	}
	p := nodeproto.GatewayConfigureParams{
		MDMAddresses: addresses, Username: t.options.AdminUsername,
		Port: t.options.GatewayPort, BypassCertificateCheck: t.options.BypassCertificateCheck,
	}
	if !p.BypassCertificateCheck {
		p.MDMCertificates = maps.Clone(t.cluster.MDMCertificates)
	}
	return p, nil
}

func gatewayConfigureResult(t *turn, at ref, raw json.RawMessage) error {
	var r nodeproto.GatewayResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	if r.URL == "" {
		return errors.New("no url")
	}
	if err := t.pinMDMs(r.MDMCertificates); err != nil {
		return err
	}
	t.addGateway(model.Gateway{Host: at.host, URL: strings.TrimSuffix(r.URL, "/"), CertificatePEM: r.CertificatePEM})
	return nil
}

// pinMDMs keeps the MDMs' certificates as they were first seen. Two gateways
// that looked at the same time must have seen the same.
func (t *turn) pinMDMs(seen map[string]string) error {
	for _, address := range sortedKeys(seen) {
		known, has := t.cluster.MDMCertificates[address]
		if has && known != seen[address] {
			return fmt.Errorf("the MDM %s showed another certificate than to the gateway before: if it was changed on purpose, take it out of mdm_certificates in %s and order retry", address, leader.PathCluster)
		}
	}
	if t.cluster.MDMCertificates == nil && len(seen) > 0 {
		t.cluster.MDMCertificates = make(map[string]string)
	}
	maps.Copy(t.cluster.MDMCertificates, seen)
	t.changed[""] = true
	return nil
}

// addGateway puts a gateway into the cluster's record, in the place of an
// older one of the same host.
func (t *turn) addGateway(g model.Gateway) {
	gateways := slices.DeleteFunc(slices.Clone(t.cluster.Gateways), func(old model.Gateway) bool { return old.Host == g.Host })
	gateways = append(gateways, g)
	slices.SortFunc(gateways, func(a, b model.Gateway) int { return strings.Compare(a.Host, b.Host) })
	t.cluster.Gateways = gateways
	t.changed[""] = true
	t.moveEndpoints()
}

func volumeDriverParams(t *turn, at ref) (any, error) {
	if reason := t.unwanted(at.key); reason != "" {
		return nil, notNeeded{reason}
	}
	params := nodeproto.VolumeDriverParams{Keys: keys(t.options.Packages, t.live[at.host].inventory.OS.Family)}
	for _, component := range []string{componentREXRay, componentDVDCLI} {
		p, err := t.choosePackage(at.host, component)
		if err != nil {
			return nil, err
		}
		params.Packages = append(params.Packages, nodeproto.DriverPackage{Package: p.Name, Version: p.Version, Artifact: p.Artifact})
	}
	return params, nil
}

func isolatorParams(t *turn, at ref) (any, error) {
	if reason := t.unwanted(at.key); reason != "" {
		return nil, notNeeded{reason}
	}
	p := nodeproto.IsolatorParams{Mode: t.options.Isolator, Service: t.options.AgentService}
	if p.Mode == IsolatorDVDI {
		p.Modules = modules(t.options.Packages)
	}
	return p, nil
}

func isolatorResult(_ *turn, _ ref, raw json.RawMessage) error {
	var r nodeproto.IsolatorResult
	return json.Unmarshal(raw, &r)
}

func agentRestartParams(t *turn, at ref) (any, error) {
	needed, known := verdictOf(t.plans[at.host], nodeproto.StepIsolator)
	switch {
	case !known && t.unwanted(at.key) != "":
		return nil, notNeeded{t.unwanted(at.key)}
	case !known:
		return nil, notNeeded{"the isolator step gave no verdict; restart the Mesos agent by hand if its flags changed"}
	case !needed:
		return nil, notNeeded{"the Mesos agent runs with its flags already"}
	}
	if !t.mayRestart(at) {
		t.waiting[at.host] = true
		return nil, errNotYet
	}
	return nodeproto.AgentRestartParams{Service: t.options.AgentService}, nil
}

func addSDSParams(t *turn, at ref) (any, error) {
	address, err := t.address(at.host)
	if err != nil {
		return nil, err
	}
	plan := t.plans[at.host]
	return core.AddSDSParams{Name: objectName(at.host), ProtectionDomain: plan.ProtectionDomain, FaultSet: plan.FaultSet, IPs: []string{address}}, nil
}

func addSDSResult(t *turn, at ref, raw json.RawMessage) error {
	var r core.AddSDSResult
	if err := json.Unmarshal(raw, &r); err != nil {
		return err
	}
	t.plans[at.host].SDSID = r.ID
	t.changed[at.host] = true
	return nil
}

// address freezes the address of a host when a step first names it: ScaleIO
// keeps it for ever.
func (t *turn) address(host string) (string, error) {
	plan := t.plans[host]
	if plan == nil {
		return "", errNotYet
	}
	if plan.Address == "" {
		l := t.live[host]
		if l == nil || l.inventory == nil {
			return "", errNotYet
		}
		plan.Address = l.inventory.Address
		t.changed[host] = true
	}
	return plan.Address, nil
}
