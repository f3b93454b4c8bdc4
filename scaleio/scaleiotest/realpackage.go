package scaleiotest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// BuildPackages builds real packages of a version for a system, the first that
// the version is made for when it is empty: .deb with dpkg-deb, .rpm with
// rpmbuild. The real tools install them on a machine; dpkg
// also into a host's directory without changing root. The gateway they install
// listens on gatewayPort, 0 for a free one. Each package is as edit leaves it,
// where that is not nil.
func BuildPackages(dir, text string, system OS, gatewayPort int, edit func(*packagestest.Package)) ([]File, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("building packages: %w", err)
	}
	if system == "" {
		system = v.systems()[0]
	}
	var out []File
	for _, component := range v.components() {
		f := packageOf(system, component, v)
		f.Path = filepath.Join(dir, f.Path)
		p := vendorPackage(f, v, gatewayPort)
		if edit != nil {
			edit(&p)
		}
		if err := p.Build(f.Path); err != nil {
			return nil, fmt.Errorf("building packages: %w", err)
		}
		out = append(out, f)
	}
	return out, nil
}

// StandIn is where a machine has the program that Tool is in; the packages
// bring links to it under the names of the vendor's programs.
const StandIn = "/usr/lib/scaleio-double/standin"

// vendorPackage is the vendor's package of a component.
func vendorPackage(f File, v version, gatewayPort int) packagestest.Package {
	unit := unitOf(f.Component)
	if unit == "" {
		return packagestest.Package{Name: f.Name, Version: f.Version, Description: "double of the ScaleIO " + f.Component}
	}
	home := "opt/emc/scaleio/" + f.Component
	p := packagestest.Package{
		Name: f.Name, Version: f.Version, Description: "double of the ScaleIO " + f.Component,
		Depends: dependencies(f.OS, f.Component),
		Files:   map[string]string{home + "/VERSION": f.Version + "\n"},
		Links:   map[string]string{home + "/bin/" + unit: StandIn},
	}
	switch f.Component {
	case "mdm":
		p.Links["usr/bin/scli"] = StandIn
	case "sdc":
		p.Links[home+"/bin/drv_cfg"] = StandIn
		for name, text := range driverFiles(f.Version) {
			p.Files[name] = text
		}
	}
	if f.OS.rpm() {
		p.Scripts = rpmScripts(f.Component, v, gatewayPort)
	} else {
		p.Scripts = debScripts(f.Component, v, gatewayPort)
	}
	return p
}

// dependencies are what the vendor's package of a component says it needs.
func dependencies(system OS, component string) []string {
	java, aio := "openjdk-8-jre-headless", "libaio1"
	if system.rpm() {
		java, aio = "java-1.8.0-openjdk", "libaio"
	}
	if component == "gateway" {
		return []string{java}
	}
	return []string{aio, "numactl"}
}

// DistributionPackages are the distribution's packages that the node agent
// installs before the vendor's, as far as a package manager can see.
func DistributionPackages(system OS) []packagestest.Package {
	names, version := []string{"libaio1", "numactl", "openjdk-8-jre-headless"}, "1.0"
	if system.rpm() {
		names, version = []string{"libaio", "numactl", "python3", "binutils", "java-1.8.0-openjdk"}, "1.0-1"
	}
	var list []packagestest.Package
	for _, name := range names {
		p := packagestest.Package{
			Name: name, Version: version, Description: "double of " + name,
			Files: map[string]string{"usr/share/doc/" + name + "/copyright": "a double\n"},
		}
		if strings.Contains(name, "jdk") {
			p.Links = map[string]string{"usr/bin/java": StandIn}
		}
		list = append(list, p)
	}
	return list
}
