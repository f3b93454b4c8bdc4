package scaleiotest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
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

// postinst are the installation scripts of the real packages: they do, in
// shell and below $DPKG_ROOT, what configure does for the stand-ins.
func postinst(component string, port int) string {
	const head = "#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\nput() { mkdir -p \"$(dirname \"$DPKG_ROOT$1\")\"; [ -e \"$DPKG_ROOT$1\" ] || cat > \"$DPKG_ROOT$1\"; }\n"
	switch component {
	case "mdm":
		return head + "[ \"$MDM_ROLE_IS_MANAGER\" = 1 ] && role=1 || role=0\necho \"actor_role_is_manager=$role\" | put " + mdmConf + "\n"
	case "lia":
		return head + "[ -n \"$TOKEN\" ] || { echo 'The LIA needs a token: set the environment variable TOKEN' >&2; exit 1; }\necho \"lia_token=$TOKEN\" | put " + liaConf + "\n"
	case "sdc":
		return head + "guid=$(cat /proc/sys/kernel/random/uuid | tr a-z A-Z)\n{ echo \"ini_guid $guid\"; [ -z \"$MDM_IP\" ] || echo \"mdm $MDM_IP\"; } | put " + drvCfg + "\n"
	case "gateway":
		return head + "[ -n \"$GATEWAY_ADMIN_PASSWORD\" ] || { echo 'The gateway needs a password: set the environment variable GATEWAY_ADMIN_PASSWORD' >&2; exit 1; }\n" +
			"{ echo 'mdm.ip.addresses='; echo 'security.bypass_certificate_check=false'; echo \"gateway-admin.password=$GATEWAY_ADMIN_PASSWORD\"; } | put " + gatewayConf + "\n" +
			fmt.Sprintf("{ echo 'http.port=0'; echo 'ssl.port=%d'; } | put %s\n", port, tomcatConf)
	}
	return head
}

// BuildDebs builds real Debian packages of a version with dpkg-deb, which the
// real dpkg installs into a host's directory without changing root. The
// gateway they install listens on gatewayPort, 0 for a free one.
func BuildDebs(dir, text string, gatewayPort int) ([]File, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("building packages: %w", err)
	}
	var out []File
	for _, component := range components() {
		f := packageOf(Ubuntu, component, v)
		f.Path = filepath.Join(dir, f.Path)
		if err := buildDeb(f, gatewayPort); err != nil {
			return nil, fmt.Errorf("building package %s: %w", f.Name, err)
		}
		out = append(out, f)
	}
	return out, nil
}

func buildDeb(f File, gatewayPort int) error {
	tree, err := os.MkdirTemp("", "deb")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tree) }()
	if err := os.Chmod(tree, 0o755); err != nil {
		return err
	}
	control := fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nMaintainer: double <double@example.invalid>\nDescription: double of the ScaleIO %s\n", f.Name, f.Version, f.Component)
	const prerm = "#!/bin/sh\n[ \"$1\" != remove ] || [ \"$I_AM_SURE\" = 1 ] || { echo 'The removal needs I_AM_SURE=1' >&2; exit 1; }\n"
	for name, content := range map[string]string{
		"DEBIAN/control": control, "DEBIAN/postinst": postinst(f.Component, gatewayPort), "DEBIAN/prerm": prerm,
		"opt/emc/scaleio/" + f.Component + "/VERSION": f.Version + "\n",
	} {
		if err := put(tree, name, content); err != nil {
			return err
		}
	}
	for _, script := range []string{"postinst", "prerm"} {
		if err := os.Chmod(filepath.Join(tree, "DEBIAN", script), 0o755); err != nil {
			return err
		}
	}
	text, err := exec.Command("dpkg-deb", "--build", "--root-owner-group", "-Znone", tree, f.Path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("dpkg-deb: %w: %s", err, text)
	}
	return nil
}
