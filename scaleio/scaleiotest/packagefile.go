package scaleiotest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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

// components of a ScaleIO installation that have packages.
func components() []string { return []string{"mdm", "sds", "sdc", "lia", "gateway"} }

// packageOf names the file and package of a component as the vendor does.
func packageOf(system OS, component string, v version) File {
	f := File{OS: system, Component: component}
	switch {
	case system == EL7 && component == "gateway":
		f.Name, f.Version = "EMC-ScaleIO-gateway", v.pkg()
		f.Path = fmt.Sprintf("EMC-ScaleIO-gateway-%s.x86_64.rpm", v.pkg())
	case system == EL7:
		f.Name, f.Version = "EMC-ScaleIO-"+component, v.pkg()+".el7"
		f.Path = fmt.Sprintf("EMC-ScaleIO-%s-%s.el7.x86_64.rpm", component, v.pkg())
	case component == "gateway":
		f.Name, f.Version = "emc-scaleio-gateway", v.pkg()
		f.Path = fmt.Sprintf("emc-scaleio-gateway_%s_amd64.deb", v.pkg())
	default:
		f.Name, f.Version = "emc-scaleio-"+component, v.pkg()+".Ubuntu.16.04"
		f.Path = fmt.Sprintf("EMC-ScaleIO-%s-%s.Ubuntu.16.04.x86_64.deb", component, v.pkg())
	}
	return f
}

// WritePackages writes stand-in package files of a version (as in
// Options.Version) for Ubuntu and el7 under the vendor's names. Only the
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
	for _, system := range []OS{Ubuntu, EL7} {
		for _, component := range components() {
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
