package artifacts

import (
	"regexp"
	"strings"
)

// Name is what a package file's name says.
type Name struct {
	Component string // mdm, sds, sdc, lia, gateway, rexray, dvdcli ...
	// Package is the name under which the package manager knows it.
	Package string
	Version string // major.minor-build.sub
	Family  string // deb or rpm
	// OSID and OSVersion are those of /etc/os-release; empty when the package
	// fits every system of its family.
	OSID      string
	OSVersion string
}

// vendorName covers the names listed in docs/packages.md, from 1.32 to 4.5.
var vendorName = regexp.MustCompile(`^(?i:emc-scaleio-)(mdm|tb|sds|sdc|lia|gateway|xcache)[-_](\d+\.\d+(?:\.\d+)*-\d+\.\d+)(?:\.((?i:el\d+|ubuntu\.\d\d\.\d\d(?:\.\d+)?|sles?\d+(?:\.\d+)?)))?[._](?:x86_64|amd64|noarch)\.(rpm|deb)$`)

var driverName = regexp.MustCompile(`^(rexray|dvdcli)[-_](\d+\.\d+\.\d+(?:-\d+)?)[._](?:x86_64|amd64)\.(rpm|deb)$`)

// ParseName reads a file name; ok is false for a file that is no package of
// ours.
func ParseName(file string) (n Name, ok bool) {
	if m := driverName.FindStringSubmatch(file); m != nil {
		return Name{Component: m[1], Package: m[1], Version: m[2], Family: m[3]}, true
	}
	m := vendorName.FindStringSubmatch(file)
	if m == nil {
		return Name{}, false
	}
	n = Name{Component: m[1], Version: m[2], Family: m[4]}
	n.OSID, n.OSVersion = system(m[3])
	n.Package = "EMC-ScaleIO-" + n.Component
	if n.Family == "deb" {
		n.Package = strings.ToLower(n.Package)
	}
	return n, true
}

// system reads the part of a name that names an operating system.
func system(tag string) (id, version string) {
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
