package scaleiotest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// File is a package file.
type File struct {
	// Path of the file, OS it is for, Component inside it (mdm, sds, sdc,
	// lia, gateway), package Name and Version as the package tools say them.
	Path      string
	OS        OS
	Component string
	Name      string
	Version   string
}

// components of a ScaleIO installation that have packages, over all versions.
func components() []string { return []string{"mdm", "sds", "sdc", "lia", "gateway", "activemq"} }

// components are those that a version has packages of.
func (v version) components() []string {
	return slices.DeleteFunc(components(), func(c string) bool { return c == "gateway" && v.certificates() || c == "activemq" && !v.certificates() })
}

// systems are those that a version is made for, of those that a host can have.
func (v version) systems() []OS {
	if v.certificates() {
		return []OS{Ubuntu22, EL9}
	}
	return []OS{Ubuntu, EL7}
}

// packageOf names the file and package of a component as the vendor does.
func packageOf(system OS, component string, v version) File {
	f := File{OS: system, Component: component}
	switch {
	case system.rpm() && component == "gateway":
		f.Name, f.Version = "EMC-ScaleIO-gateway", v.pkg()
		f.Path = fmt.Sprintf("EMC-ScaleIO-gateway-%s.x86_64.rpm", v.pkg())
	case system.rpm():
		f.Name, f.Version = "EMC-ScaleIO-"+component, v.pkg()+"."+string(system)
		f.Path = fmt.Sprintf("%s-%s.x86_64.rpm", f.Name, f.Version)
	case component == "gateway":
		f.Name, f.Version = "emc-scaleio-gateway", v.pkg()
		f.Path = fmt.Sprintf("emc-scaleio-gateway_%s_amd64.deb", v.pkg())
	default:
		release := map[OS]string{Ubuntu: "16.04", Ubuntu22: "22.04"}[system]
		f.Name, f.Version = "emc-scaleio-"+component, v.pkg()+".Ubuntu."+release
		f.Path = fmt.Sprintf("EMC-ScaleIO-%s-%s.Ubuntu.%s.x86_64.deb", component, v.pkg(), release)
	}
	return f
}

// WritePackages writes stand-in package files of a version (as in
// Options.Version) for Ubuntu and Red Hat's under the vendor's names. Only the
// stand-in package tools understand them.
func WritePackages(dir, text string) ([]File, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("stand-in packages: %w", err)
	}
	var out []File
	for _, system := range v.systems() {
		for _, component := range v.components() {
			f := packageOf(system, component, v)
			f.Path = filepath.Join(dir, f.Path)
			body, err := json.Marshal(packageFile{Format: packageFormat, Name: f.Name, Component: component, Version: f.Version})
			if err != nil {
				return nil, fmt.Errorf("stand-in package %s: %w", f.Name, err)
			}
			if err := os.WriteFile(f.Path, append(body, '\n'), 0o644); err != nil {
				return nil, fmt.Errorf("stand-in package %s: %w", f.Name, err)
			}
			out = append(out, f)
		}
	}
	return out, nil
}
