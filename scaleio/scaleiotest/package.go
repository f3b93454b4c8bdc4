package scaleiotest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// packageFile is the content of a stand-in package file.
type packageFile struct {
	Format    string `json:"format"`
	Name      string `json:"name"`
	Component string `json:"component"`
	Version   string `json:"version"`
}

// packageFormat marks the stand-in package files.
const packageFormat = "scaleio-double-package/1"

// packageRun is one run of a package tool.
type packageRun struct {
	s   *System
	h   *host
	ctx context.Context
	dir string
	env map[string]string
	// over says that a real package tool has done it already.
	over bool
}

// open reads a stand-in package file.
func (p packageRun) open(path string) (packageFile, error) {
	var f packageFile
	if !filepath.IsAbs(path) {
		path = filepath.Join(p.dir, path)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("cannot access archive '%s': No such file or directory", path)
	}
	if json.Unmarshal(data, &f) != nil || f.Format != packageFormat {
		return f, fmt.Errorf("'%s' is not a package of this double", path)
	}
	return f, nil
}

// prerequisites are what the components need on the host; each element lists
// alternatives.
func prerequisites(component string, v version) [][]string {
	if component == "mdm" && v.certificates() {
		return [][]string{
			{"libaio1", "libaio", "libaio1t64"},
			{"numactl"},
			{"python3"},
			{"java-17-openjdk-headless", "openjdk-17-jre-headless", "java-11-openjdk-headless", "openjdk-11-jre-headless"},
		}
	}
	if component == "gateway" {
		return [][]string{{"java-1.8.0-openjdk", "java-1.8.0-openjdk-headless", "openjdk-8-jre", "openjdk-8-jre-headless", "default-jre-headless", "java-11-openjdk-headless"}}
	}
	return [][]string{{"libaio1", "libaio", "libaio1t64"}, {"numactl"}}
}

// install puts a package on the host: the vendor's files, the services, the
// record in the package database.
func (p packageRun) install(f packageFile) error {
	_, err := p.s.do(p.ctx, OpInstall, p.h.name+":"+f.Name, func() (string, error) {
		if p.s.opt.StrictDependencies && f.Component != "" {
			for _, alternatives := range prerequisites(f.Component, p.s.version) {
				if !p.any(alternatives) {
					return "", refusef(0, "%s depends on %s; however:\n Package %s is not installed.", f.Name, alternatives[0], alternatives[0])
				}
			}
		}
		if err := p.configure(f.Component); err != nil {
			return "", err
		}
		p.h.packages[f.Name] = f.Version
		if err := p.saveDatabase(); err != nil {
			return "", err
		}
		return "", p.startServices(f.Component)
	})
	return err
}

func (p packageRun) any(names []string) bool {
	for _, name := range names {
		if p.h.packages[name] != "" {
			return true
		}
	}
	return false
}

// configure does what the vendor's scripts do with the environment.
func (p packageRun) configure(component string) error {
	h := p.h
	switch component {
	case "mdm":
		role := "0"
		if p.env["MDM_ROLE_IS_MANAGER"] == "1" {
			role = "1"
		}
		if p.s.version.certificates() {
			if err := h.writeNew(mdmGenerator, generatorText); err != nil {
				return err
			}
		}
		return h.writeNew(mdmConf, "actor_role_is_manager="+role+"\n")
	case "lia":
		if p.env["TOKEN"] == "" {
			return refuse(0, "The LIA needs a token: set the environment variable TOKEN")
		}
		return h.writeNew(liaConf, "lia_token="+p.env["TOKEN"]+"\n"+mtlsOnly(p.s.version))
	case "sdc":
		return p.configureSDC()
	case "gateway":
		if p.env["GATEWAY_ADMIN_PASSWORD"] == "" {
			return refuse(0, "The gateway needs a password: set the environment variable GATEWAY_ADMIN_PASSWORD")
		}
		if err := h.writeNew(gatewayConf, "mdm.ip.addresses=\nsecurity.bypass_certificate_check=false\ngateway-admin.password="+p.env["GATEWAY_ADMIN_PASSWORD"]+"\n"); err != nil {
			return err
		}
		return h.writeNew(tomcatConf, fmt.Sprintf("http.port=%d\nssl.port=%d\n", httpPort(p.s.opt.GatewayPort), p.s.opt.GatewayPort))
	}
	return nil
}

// generatorText stands in the place of the vendor's program: the stand-in for
// python3 does what it does.
const generatorText = "# the double of python3 runs this\n"

// mtlsOnly is the line by which a LIA speaks to a management platform only.
func mtlsOnly(v version) string {
	if v.certificates() {
		return "lia_mtls_only=1\n"
	}
	return ""
}

// configureSDC gives the SDC its identifier, unless its file has one, and the
// addresses of the MDMs.
func (p packageRun) configureSDC() error {
	text := "ini_guid " + p.s.newGUID() + "\n"
	if ips := fields(p.env["MDM_IP"]); len(ips) > 0 {
		text += "mdm " + strings.Join(ips, ",") + "\n"
	}
	if err := p.h.writeNew(drvCfg, text); err != nil {
		return err
	}
	return p.h.readGUID()
}

// readGUID learns the SDC's identifier from its file.
func (h *host) readGUID() error {
	text, err := h.read(h.sdcSettings())
	for line := range strings.Lines(text) {
		if guid, ok := strings.CutPrefix(strings.TrimSpace(line), "ini_guid "); ok {
			h.guid = strings.TrimSpace(guid)
		}
	}
	return err
}

// unitOf names the service of a component.
func unitOf(component string) string {
	switch component {
	case "mdm", "sds", "lia":
		return component
	case "sdc":
		return "scini"
	case "gateway":
		return "scaleio-gateway"
	}
	return ""
}

func (p packageRun) startServices(component string) error {
	unit := unitOf(component)
	if unit == "" {
		return nil
	}
	svc := &service{enabled: true}
	p.h.services[unit] = svc
	return p.s.startUnit(p.h, unit, svc)
}

// remove takes a package off the host.
func (p packageRun) remove(name string) error {
	var end chan struct{}
	_, err := p.s.do(p.ctx, OpRemovePackage, p.h.name+":"+name, func() (string, error) {
		if p.h.packages[name] == "" {
			return "", refusef(0, "package %s is not installed", name)
		}
		component := componentOf(name)
		if component != "" && p.env["I_AM_SURE"] != "1" {
			return "", refuse(0, "The removal needs the environment variable I_AM_SURE=1")
		}
		if err := p.s.mayRemove(p.h, component); err != nil && !p.over {
			return "", err
		}
		delete(p.h.packages, name)
		if unit := unitOf(component); unit != "" {
			if svc := p.h.services[unit]; svc != nil {
				end = p.h.stopUnit(unit, svc)
			}
			delete(p.h.services, unit)
		}
		p.removeFiles(component)
		p.s.forgetSystem()
		return "", p.saveDatabase()
	})
	if end != nil {
		<-end
	}
	return err
}

func (p packageRun) removeFiles(component string) {
	gone := map[string][]string{
		"mdm": {mdmConf}, "lia": {liaConf}, "sdc": {drvCfg}, "gateway": {gatewayConf, tomcatConf},
	}[component]
	for _, name := range gone {
		delete(p.h.files, name)
		if p.h.root != "" {
			_ = os.Remove(p.h.path(name))
		}
	}
	if component == "sdc" {
		p.h.guid = ""
	}
}

// componentOf is the ScaleIO component of a package name, empty for others.
func componentOf(name string) string {
	component, ok := strings.CutPrefix(strings.ToLower(name), "emc-scaleio-")
	if !ok {
		return ""
	}
	return component
}

// saveDatabase writes the host's package database for people to read. The
// System's own record is what counts.
func (p packageRun) saveDatabase() error {
	if p.h.root == "" {
		return nil
	}
	names := make([]string, 0, len(p.h.packages))
	for name := range p.h.packages {
		names = append(names, name)
	}
	sort.Strings(names)
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "%s %s\n", name, p.h.packages[name])
	}
	return p.h.write("/var/lib/scaleio-double/packages", text.String())
}

// event records what a real package tool has done: "installed NAME VERSION" or
// "removed NAME". The vendor's files are there already.
func (p packageRun) event(args []string) ToolReply {
	var err error
	switch {
	case len(args) == 3 && args[0] == "installed":
		err = p.install(packageFile{Name: args[1], Component: componentOf(args[1]), Version: args[2]})
	case len(args) == 2 && args[0] == "removed":
		p.over = true
		err = p.remove(args[1])
	default:
		return ToolReply{Exit: 2, Stderr: "package-event: bad arguments\n"}
	}
	if err != nil {
		return ToolReply{Exit: 1, Stderr: err.Error() + "\n"}
	}
	return ToolReply{}
}

// Installed returns the version of a package on a host, empty if absent.
func (s *System) Installed(hostname, name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hostNamed(hostname)
	if h == nil {
		return ""
	}
	return h.packages[name]
}
