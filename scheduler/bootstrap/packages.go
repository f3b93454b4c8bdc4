package bootstrap

import (
	"slices"
	"strconv"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// The components of the catalogue.
const (
	componentMDM     = "mdm"
	componentSDS     = "sds"
	componentSDC     = "sdc"
	componentLIA     = "lia"
	componentGateway = "gateway"
	// componentActiveMQ comes with 4.5, and is installed where it is given.
	componentActiveMQ = "activemq"
	componentREXRay   = "rexray"
	componentDVDCLI   = "dvdcli"
	componentDVDI     = "dvdi"
	componentSCINI    = "scini"
	// componentKey is a public key by which packages are signed.
	componentKey = "key"
)

// Package is one package file that the schedulers serve.
type Package struct {
	Component string // mdm, sds, sdc, lia, gateway, rexray, dvdcli, dvdi, scini, key
	// OSID and OSVersion are the system it was made for, as in
	// /etc/os-release, or "el" for all of the Red Hat family; empty when it
	// fits every system of its family. OSVersion of scini is the kernel's
	// release.
	OSID      string
	OSVersion string
	Family    string // deb or rpm; so for dvdi, ko for scini
	Name      string // as the package manager knows it
	Version   string // none for key
	Artifact  nodeproto.Artifact
}

// Choose picks the package of a component for an operating system: one made
// for exactly this release, else for its major version, else for the whole
// package family; of several the newest.
func Choose(catalogue []Package, component string, os model.OS) (Package, bool) {
	best, rank := Package{}, 0
	for _, p := range catalogue {
		r := fitness(p, os)
		if p.Component != component || r == 0 {
			continue
		}
		if r > rank || r == rank && newer(p, best) {
			best, rank = p, r
		}
	}
	return best, rank > 0
}

// fitness tells how well a package fits a system; 0 is not at all.
func fitness(p Package, os model.OS) int {
	if p.Family != os.Family {
		return 0
	}
	sameID := p.OSID == os.ID || p.OSID == "el" && isEL(os.ID)
	major, _, _ := strings.Cut(os.Version, ".")
	switch {
	case p.OSID == "":
		return 1
	case sameID && p.OSVersion == os.Version:
		return 3
	case sameID && p.OSVersion == major:
		return 2
	}
	return 0
}

// isEL tells the systems that run packages made for Red Hat's.
func isEL(id string) bool {
	return slices.Contains([]string{"rhel", "centos", "rocky", "almalinux", "ol", "scientific"}, id)
}

// elRelease is the major release of such a system; 0 when it has none.
func elRelease(os model.OS) int {
	major, _, _ := strings.Cut(os.Version, ".")
	n, _ := strconv.Atoi(major) // 0 for no number
	return n
}

// newer compares versions number by number, then names, so that the choice
// does not depend on the order of the catalogue.
func newer(a, b Package) bool {
	if c := slices.Compare(numbers(a.Version), numbers(b.Version)); c != 0 {
		return c > 0
	}
	return a.Artifact.Path < b.Artifact.Path
}

func numbers(version string) []int {
	var out []int
	for _, part := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = 0 // more digits than any version has
		}
		out = append(out, n)
	}
	return out
}

// modules are the libraries of the isolator, each for the version of Mesos that
// is its own. A second one for a version is left out.
func modules(catalogue []Package) []nodeproto.IsolatorModule {
	var list []nodeproto.IsolatorModule
	for _, p := range catalogue {
		known := func(m nodeproto.IsolatorModule) bool { return m.MesosVersion == p.Version }
		if p.Component == componentDVDI && !slices.ContainsFunc(list, known) {
			list = append(list, nodeproto.IsolatorModule{MesosVersion: p.Version, Artifact: p.Artifact})
		}
	}
	return list
}

// keys are the public keys by which packages of a family may be signed.
func keys(catalogue []Package, family string) []nodeproto.Artifact {
	var list []nodeproto.Artifact
	for _, p := range catalogue {
		if p.Component == componentKey && p.Family == family {
			list = append(list, p.Artifact)
		}
	}
	return list
}

// offers reports whether the catalogue has a component for any system.
func offers(catalogue []Package, component string) bool {
	return slices.ContainsFunc(catalogue, func(p Package) bool { return p.Component == component })
}

// buildTools are what the SDC's package needs to build a kernel module, which it
// does on Ubuntu alone.
func buildTools(os model.OS, kernel string) []string {
	if os.ID != "ubuntu" || kernel == "" {
		return nil
	}
	return []string{"gcc", "make", "linux-headers-" + kernel}
}

// prerequisites are the distribution's packages that ScaleIO's need: the
// vendor's packages declare only some of them.
func prerequisites(os model.OS, persona model.Persona, release string) []string {
	var names []string
	switch {
	case os.ID == "sles":
		names = []string{"libaio1", "numactl", "python3"}
	case isEL(os.ID) && elRelease(os) >= 8:
		// Since 8, a minimal system has neither of the last two.
		names = []string{"libaio", "numactl", "python3", "binutils"}
	case os.Family == "rpm":
		names = []string{"libaio", "numactl"}
	default:
		names = []string{"libaio1", "numactl"}
	}
	if needsCertificates(release) && persona != model.Storage {
		return mdmPrerequisites(os, names)
	}
	if persona != model.Manager || !hasGateway(release) {
		return names
	}
	// The gateway is a Java program.
	switch {
	case os.ID == "sles":
		return append(names, "java-1_8_0-openjdk")
	case os.Family == "rpm":
		return append(names, "java-1.8.0-openjdk")
	default:
		return append(names, "openjdk-8-jre-headless")
	}
}

// mdmPrerequisites adds what an MDM of 4.x needs: Java, and Python for the
// vendor's program that makes certificates.
func mdmPrerequisites(os model.OS, names []string) []string {
	java := "java-17-openjdk-headless"
	if os.Family == "deb" {
		java = "openjdk-17-jre-headless"
	}
	names = append(names, java)
	if !slices.Contains(names, "python3") {
		names = append(names, "python3")
	}
	return names
}
