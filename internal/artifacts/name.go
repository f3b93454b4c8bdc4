package artifacts

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The families of package managers.
const (
	familyDeb = "deb"
	familyRPM = "rpm"
	// familyLibrary is of files that no package manager knows.
	familyLibrary = "so"
	// familyModule is of kernel modules.
	familyModule = "ko"
)

// isolatorModule is the component whose files fit one version of Mesos each,
// which is their version, on every system.
const isolatorModule = "dvdi"

// Key is the component of a public key by which packages of rpm are signed. Its
// files fit every system of the family and have no version.
const Key = "key"

// kernelModule is the SDC's module for one kernel: it is of a version of
// ScaleIO, and its system is the kernel's release.
const kernelModule = "scini"

// Name is what a package file is: what its name says, or its place in a
// manifest.
type Name struct {
	Component string // mdm, sds, sdc, lia, gateway, rexray, dvdcli ...
	// Package is the name under which the package manager knows it; of a key
	// that of its file.
	Package string
	Version string // major.minor-build.sub
	Family  string // deb, rpm, so or ko
	// OSID and OSVersion are those of /etc/os-release; empty when the package
	// fits every system of its family. OSVersion of a kernel module is the
	// kernel's release.
	OSID      string
	OSVersion string
}

// vendorComponents are the packages of ScaleIO that are known.
var vendorComponents = []string{"mdm", "tb", "sds", "sdc", "lia", "gateway", "activemq", "xcache", kernelModule}

// driverComponents are the packages of the volume driver.
var driverComponents = []string{"rexray", "dvdcli", isolatorModule}

var (
	vendorVersion = regexp.MustCompile(`^\d+\.\d+(?:\.\d+)*-\d+\.\d+$`)
	driverVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(?:-\d+)?$`)
	// vendorName covers the names listed in docs/packages.md, from 1.32 to 4.5.
	vendorName = regexp.MustCompile(`^(?i:emc-scaleio-)(mdm|tb|sds|sdc|lia|gateway|activemq|xcache)[-_](\d+\.\d+(?:\.\d+)*-\d+\.\d+)(?:\.((?i:el\d+|ubuntu\.\d\d\.\d\d(?:\.\d+)?|sles?\d+(?:\.\d+)?)))?[._](?:x86_64|amd64|noarch)\.(rpm|deb|tar)$`)
	driverName = regexp.MustCompile(`^(rexray|dvdcli)[-_](\d+\.\d+\.\d+(?:-\d+)?)[._](?:x86_64|amd64)\.(rpm|deb)$`)
	keyName    = regexp.MustCompile(`^RPM-GPG-KEY-[A-Za-z0-9._+-]+$`)
	moduleName = regexp.MustCompile(`^libmesos_dvdi_isolator-(\d+\.\d+\.\d+)\.so$`)
	// A module's name has what uname -r prints.
	sdcModuleName = regexp.MustCompile(`^scini-(` + release + `)\.ko$`)
	kernelRelease = regexp.MustCompile(`^` + release + `$`)
	systemName    = regexp.MustCompile(`^(?:(el)(\d+)|(ubuntu)(\d\d\.\d\d)|(sles)(\d+(?:\.\d+)?))$`)
)

// release is a kernel's: 5.15.86-flatcar, 3.10.0-1160.el7.x86_64.
const release = `\d+\.\d+\.\d+[0-9A-Za-z._+~-]*`

// ParseName reads a file name; ok is false for a file that is no package of
// ours.
func ParseName(file string) (n Name, ok bool) {
	if m := driverName.FindStringSubmatch(file); m != nil {
		return named(m[1], m[2], m[3], "", ""), true
	}
	if m := moduleName.FindStringSubmatch(file); m != nil {
		return named(isolatorModule, m[1], familyLibrary, "", ""), true
	}
	if keyName.MatchString(file) {
		return keyed(file), true
	}
	if m := sdcModuleName.FindStringSubmatch(file); m != nil {
		return named(kernelModule, "", familyModule, "", m[1]), true // of the version of the packages beside it
	}
	m := vendorName.FindStringSubmatch(file)
	if m == nil {
		return Name{}, false
	}
	id, version := systemOf(m[3])
	family := m[4]
	if family == "tar" {
		// The vendor wraps packages for Ubuntu in an archive; no other.
		if id != "ubuntu" {
			return Name{}, false
		}
		family = familyDeb
	}
	return named(m[1], m[2], family, id, version), true
}

// keyed is the name of a public key.
func keyed(file string) Name { return Name{Component: Key, Package: file, Family: familyRPM} }

// named completes a name with the one that the package manager uses.
func named(component, version, family, id, osVersion string) Name {
	n := Name{Component: component, Package: component, Version: version, Family: family, OSID: id, OSVersion: osVersion}
	if !n.vendor() || component == kernelModule {
		return n
	}
	n.Package = "EMC-ScaleIO-" + component
	if family == familyDeb {
		n.Package = strings.ToLower(n.Package)
	}
	return n
}

// vendor reports whether this is a package of ScaleIO.
func (n Name) vendor() bool { return slices.Contains(vendorComponents, n.Component) }

// System is how manifests call the systems that a package fits: el7,
// ubuntu16.04, sles12.2, rpm and deb for all of a family, so for a library, a
// kernel's release for its module.
func (n Name) System() string {
	switch {
	case n.Family == familyModule:
		return n.OSVersion
	case n.OSID == "":
		return n.Family
	}
	return n.OSID + n.OSVersion
}

// String names the package as messages do.
func (n Name) String() string {
	if n.Component == Key {
		return n.Package
	}
	return fmt.Sprintf("%s %s for %s", n.Component, n.Version, n.System())
}

// parseSystem reads what System writes.
func parseSystem(text string) (family, id, version string, err error) {
	if slices.Contains([]string{familyDeb, familyRPM, familyLibrary}, text) {
		return text, "", "", nil
	}
	if kernelRelease.MatchString(text) {
		return familyModule, "", text, nil
	}
	m := systemName.FindStringSubmatch(text)
	switch {
	case m == nil:
		return "", "", "", fmt.Errorf("system %q is not known, want for example el7, ubuntu16.04, sles12.2, rpm or deb for all systems of a family, so for a library, or a kernel's release for its module", text)
	case m[1] != "":
		return familyRPM, m[1], m[2], nil
	case m[3] != "":
		return familyDeb, m[3], m[4], nil
	default:
		return familyRPM, m[5], m[6], nil
	}
}

// checkFile tells whether a file of this name can be a package of a family.
func checkFile(file, family string) error {
	if keyName.MatchString(file) {
		return fmt.Errorf("file %q is a public key and belongs below keys", file)
	}
	switch extension := strings.TrimPrefix(path.Ext(file), "."); {
	case extension == family, extension == "tar" && family == familyDeb:
		return nil
	case extension == "siob":
		return fmt.Errorf("file %q can be opened only beside the vendor's siob_extract: give the .tar that holds both", file)
	case family == familyDeb:
		return fmt.Errorf("file %q is neither a .deb nor the vendor's .tar", file)
	default:
		return fmt.Errorf("file %q is no .%s", file, family)
	}
}

// systemOf reads the part of a file name that names an operating system.
func systemOf(tag string) (id, version string) {
	tag = strings.ToLower(tag)
	switch {
	case strings.HasPrefix(tag, "el"):
		return "el", tag[2:]
	case strings.HasPrefix(tag, "ubuntu."):
		// Ubuntu.20.04.4 is a point release of 20.04.
		parts := strings.Split(strings.TrimPrefix(tag, "ubuntu."), ".")
		return "ubuntu", strings.Join(parts[:2], ".")
	case strings.HasPrefix(tag, "sle"):
		return "sles", strings.TrimPrefix(strings.TrimPrefix(tag, "sles"), "sle")
	}
	return "", ""
}
