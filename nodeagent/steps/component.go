package steps

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/packages"
)

// ScaleIO's components by name.
const (
	mdm     = "mdm"
	sds     = "sds"
	sdc     = "sdc"
	lia     = "lia"
	gateway = "gateway"
	// activemq is the event bus of 4.5, which runs below the MDM.
	activemq = "activemq"
)

// The vendor's files that installations write.
const (
	mdmConf = "/opt/emc/scaleio/mdm/cfg/conf.txt"
	drvCfg  = "/bin/emc/scaleio/drv_cfg.txt"
)

// serviceOf is the unit that a component's package starts.
func serviceOf(component string) string {
	switch component {
	case sdc:
		return "scini"
	case gateway:
		return "scaleio-gateway"
	case activemq:
		return "" // the MDM starts what it needs of it
	default:
		return component
	}
}

// component installs one ScaleIO package.
type component struct {
	h       *Host
	params  nodeproto.PackageParams
	sources []string
	env     packages.Env
	unit    string        // empty for a component without a service
	driver  *driverSource // nil but for an SDC that has one
}

func (h *Host) component(p nodeproto.PackageParams, r Request) (Step, error) {
	if p.Package == "" || p.Version == "" {
		return nil, errors.New("parameters name no package or no version")
	}
	s := &component{h: h, params: p, sources: r.Sources, unit: serviceOf(p.Component)}
	switch p.Component {
	case mdm:
		role := "0"
		if p.Manager {
			role = "1"
		}
		s.env.Plain = []string{"MDM_ROLE_IS_MANAGER=" + role}
	case sds, activemq:
	case sdc:
		if len(p.MDMAddresses) == 0 {
			return nil, errors.New("parameters name no MDM address")
		}
		s.env.Plain = []string{"MDM_IP=" + strings.Join(p.MDMAddresses, ",")}
		var err error
		if s.driver, err = h.driverSource(p.Driver, r.Secrets); err != nil {
			return nil, err
		}
	case lia:
		s.env.Secrets = map[string]redact.Secret{"TOKEN": r.Secrets[nodeproto.SecretLIAToken]}
	case gateway:
		s.env.Secrets = map[string]redact.Secret{"GATEWAY_ADMIN_PASSWORD": r.Secrets[nodeproto.SecretGatewayPassword]}
	default:
		return nil, fmt.Errorf("component %q is none of mdm, sds, sdc, lia, gateway, activemq", p.Component)
	}
	return s, nil
}

// Detect refuses what an installation would not mend: another version, or an
// MDM of the other role.
func (s *component) Detect(ctx context.Context) (bool, error) {
	version, ok, err := s.installed(ctx)
	if err != nil || !ok {
		return false, err
	}
	if !packages.SameVersion(version, s.params.Version) {
		return false, failure.Hopelessf("package %s is installed in version %s, wanted is %s: nothing is upgraded here; give the schedulers the packages of version %s, or bring the whole system to %s by the vendor's installer, then order retry",
			s.params.Package, version, s.params.Version, version, s.params.Version)
	}
	if err := s.configured(); err != nil {
		return false, err
	}
	if s.params.GatewayPorts != nil {
		if _, due, err := s.h.portsDue(*s.params.GatewayPorts); err != nil || due {
			return false, err
		}
	}
	if placed, err := s.h.modulePlaced(s.params.Module); err != nil || !placed {
		return false, err
	}
	if s.unit == "" {
		return true, nil
	}
	active, err := s.h.services.IsActive(ctx, s.unit)
	if err != nil || !active || s.params.Component != sdc {
		return active, err
	}
	if there, err := s.driver.there(); err != nil || !there {
		return false, err
	}
	return s.h.moduleRuns(ctx) == nil, nil
}

// Apply installs the package, and starts the service where the package is
// there already. A gateway that the installation started on other ports is
// restarted.
func (s *component) Apply(ctx context.Context) error {
	// Where a gateway's installation fails for its ports, the next one finds
	// the files of the first.
	if err := s.listen(); err != nil {
		return err
	}
	if err := s.install(ctx); err != nil {
		return s.explained(ctx, err)
	}
	switch s.params.Component {
	case gateway:
		if err := s.listen(); err != nil {
			return err
		}
		return s.h.restartGateway(ctx)
	case sdc:
		if err := s.driver.write(); err != nil {
			return err
		}
		return s.h.loadDriver(ctx)
	}
	return nil
}

// explained adds what the service says to the failure of an installation that
// could not start it: the installer's own words seldom tell why.
func (s *component) explained(ctx context.Context, err error) error {
	if s.unit == "" || failure.KindOf(err) != failure.Plain {
		return err
	}
	if state := s.h.services.State(ctx, s.unit); state != "failed" && state != "activating" {
		return err
	}
	return fmt.Errorf("%w; %s", err, s.h.symptoms(ctx, s.params.Component, s.port()))
}

func (s *component) listen() error {
	if s.params.GatewayPorts == nil {
		return nil
	}
	return s.h.writePorts(*s.params.GatewayPorts)
}

// install installs the package, or starts the service of an installed one.
func (s *component) install(ctx context.Context) error {
	if err := s.h.placeModule(ctx, s.params.Module, s.sources); err != nil {
		return err
	}
	_, ok, err := s.installed(ctx)
	if err != nil {
		return err
	}
	if ok {
		return s.h.services.Start(ctx, s.unit)
	}
	for name, secret := range s.env.Secrets {
		if secret.IsEmpty() {
			return fmt.Errorf("package %s: the command carries no secret for %s", s.params.Package, name)
		}
	}
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	return s.h.install(ctx, manager, parcel{
		artifact: s.params.Artifact, keys: s.params.Keys, sources: s.sources, env: s.env, fits: s.fits,
	})
}

// fits looks at a package before it is installed.
func (s *component) fits(ctx context.Context, file string) error {
	if s.params.Component != sdc || s.params.Module != nil || s.params.Driver != nil && (s.params.Driver.Repository != "" || s.params.Driver.Build) {
		return nil
	}
	return s.h.moduleFits(ctx, file)
}

// Verify asks the package database, the configuration and the service.
func (s *component) Verify(ctx context.Context) (any, error) {
	version, ok, err := s.installed(ctx)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("package %s is not installed, although the installer reported success", s.params.Package)
	case !packages.SameVersion(version, s.params.Version):
		return nil, failure.Hopelessf("package %s has version %s after the installation, wanted is %s: the artifact %s holds another version",
			s.params.Package, version, s.params.Version, s.params.Artifact.Path)
	}
	if err := s.configured(); err != nil {
		return nil, err
	}
	if s.unit == "" {
		return nil, nil
	}
	if err := s.h.answers(ctx, s.params.Component, s.port()); err != nil || s.params.Component != sdc {
		return nil, err
	}
	return nil, s.h.driverConnects(ctx)
}

// port is where the component's program listens; 0 for the SDC, which is in
// the kernel.
func (s *component) port() int {
	switch s.params.Component {
	case mdm:
		return mdmPort
	case sds:
		return sdsPort
	case lia:
		return liaPort
	case gateway:
		return s.h.gatewayPorts(s.params.GatewayPorts).HTTPS
	}
	return 0
}

func (s *component) installed(ctx context.Context) (string, bool, error) {
	manager, err := s.h.packages()
	if err != nil {
		return "", false, err
	}
	return manager.Installed(ctx, s.params.Package)
}

// configured checks what the installer took from its environment.
func (s *component) configured() error {
	switch s.params.Component {
	case mdm:
		return s.role()
	case sdc:
		return s.mdmAddresses()
	}
	return nil
}

// role checks the MDM's role, which cannot be changed in place: the vendor
// asks for a reinstallation.
func (s *component) role() error {
	data, there, err := s.h.root.ReadIfThere(mdmConf)
	if err != nil {
		return err
	}
	if !there {
		return fmt.Errorf("%s is missing: the MDM's role cannot be told", mdmConf)
	}
	want := "0"
	if s.params.Manager {
		want = "1"
	}
	if have := property(data, "actor_role_is_manager"); have != want {
		return failure.Hopelessf("the MDM is installed with actor_role_is_manager=%s, wanted is %s: if it serves a cluster that stays, give this host the Mesos attribute scaleio-persona=%s, and begin anew with an empty path in ZooKeeper; else remove package %s (I_AM_SURE=1) and retry the step",
			have, want, persona(have), s.params.Package)
	}
	return nil
}

// persona is the part of a host by its MDM's role.
func persona(actor string) string {
	if actor == "1" {
		return "manager"
	}
	return "tie-breaker"
}

// mdmAddresses checks that the SDC was told where the MDMs are.
func (s *component) mdmAddresses() error {
	drvCfg := s.h.sdcSettings()
	data, there, err := s.h.root.ReadIfThere(drvCfg)
	if err != nil || !there {
		return err // some versions keep it elsewhere; the gateway knows the SDC
	}
	for _, address := range s.params.MDMAddresses {
		if !listsAddress(string(data), address) {
			return failure.Hopelessf("%s does not name the MDM %s: add it with drv_cfg --mod_mdm_ip, or remove package %s and retry the step", drvCfg, address, s.params.Package)
		}
	}
	return nil
}

// listsAddress looks for an address in the lines "mdm ip,ip".
func listsAddress(text, address string) bool {
	for line := range strings.Lines(text) {
		words := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' || r == ';' })
		if len(words) == 0 || words[0] != "mdm" {
			continue
		}
		for _, w := range words[1:] {
			if w == address {
				return true
			}
		}
	}
	return false
}
