package scaleiotest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// StandIn is where a machine has the program that Tool is in; the packages
// bring links to it under the names of the vendor's programs.
const StandIn = "/usr/lib/scaleio-double/standin"

// script is the beginning of the installation scripts of the real packages:
// they do, in shell and below $DPKG_ROOT, what configure does for the
// stand-ins.
const script = "#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\nput() { mkdir -p \"$(dirname \"$DPKG_ROOT$1\")\"; [ -e \"$DPKG_ROOT$1\" ] || cat > \"$DPKG_ROOT$1\"; }\n"

// settings is what the vendor's postinst makes of its environment.
func settings(component string, v version, port int) string {
	switch component {
	case "mdm":
		generator := ""
		if v.certificates() {
			generator = "echo '" + strings.TrimSpace(generatorText) + "' | put " + mdmGenerator + "\n"
		}
		return generator + "[ \"$MDM_ROLE_IS_MANAGER\" = 1 ] && role=1 || role=0\necho \"actor_role_is_manager=$role\" | put " + mdmConf + "\n"
	case "lia":
		return "[ -n \"$TOKEN\" ] || { echo 'The LIA needs a token: set the environment variable TOKEN' >&2; exit 1; }\n{ echo \"lia_token=$TOKEN\"; echo '" + strings.TrimSpace(mtlsOnly(v)) + "'; } | put " + liaConf + "\n"
	case "sdc":
		return "guid=$(cat /proc/sys/kernel/random/uuid | tr a-z A-Z)\n{ echo \"ini_guid $guid\"; [ -z \"$MDM_IP\" ] || echo \"mdm $MDM_IP\"; } | put " + drvCfg + "\n"
	case "gateway":
		return "[ -n \"$GATEWAY_ADMIN_PASSWORD\" ] || { echo 'The gateway needs a password: set the environment variable GATEWAY_ADMIN_PASSWORD' >&2; exit 1; }\n" +
			"{ echo 'mdm.ip.addresses='; echo 'security.bypass_certificate_check=false'; echo \"gateway-admin.password=$GATEWAY_ADMIN_PASSWORD\"; } | put " + gatewayConf + "\n" +
			fmt.Sprintf("{ echo 'http.port=0'; echo 'ssl.port=%d'; } | put %s\n", port, tomcatConf)
	}
	return ""
}

// startService is what the scripts do on a machine, where DPKG_ROOT is empty and
// systemd runs: the vendor's write the unit file themselves.
func startService(unit, program string) string {
	return fmt.Sprintf(`[ -z "$DPKG_ROOT" ] || exit 0
cat > /etc/systemd/system/%[1]s.service <<'END'
[Unit]
Description=double of the ScaleIO service %[1]s
After=network.target
[Service]
Type=notify
ExecStart=%[2]s
Restart=always
RestartSec=100ms
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable %[1]s
systemctl restart %[1]s
`, unit, program)
}

// BuildDebs builds real Debian packages of a version with dpkg-deb. The real
// dpkg installs them on a machine, or into a host's directory without changing
// root. The gateway they install listens on gatewayPort, 0 for a free one.
func BuildDebs(dir, text string, gatewayPort int) ([]File, error) {
	v, err := parseVersion(text)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("building packages: %w", err)
	}
	var out []File
	for _, component := range v.components() {
		f := packageOf(v.systems()[0], component, v)
		f.Path = filepath.Join(dir, f.Path)
		if err := vendorDeb(f, v, gatewayPort).Build(f.Path); err != nil {
			return nil, fmt.Errorf("building packages: %w", err)
		}
		out = append(out, f)
	}
	return out, nil
}

// vendorDeb is the vendor's package of a component.
func vendorDeb(f File, v version, gatewayPort int) packagestest.Deb {
	unit := unitOf(f.Component)
	if unit == "" {
		return packagestest.Deb{Name: f.Name, Version: f.Version, Description: "double of the ScaleIO " + f.Component}
	}
	home := "opt/emc/scaleio/" + f.Component
	program := home + "/bin/" + unit
	d := packagestest.Deb{
		Name: f.Name, Version: f.Version, Description: "double of the ScaleIO " + f.Component,
		Depends: []string{"libaio1", "numactl"},
		Files:   map[string]string{home + "/VERSION": f.Version + "\n"},
		Links:   map[string]string{program: StandIn},
		Scripts: map[string]string{
			"postinst": script + settings(f.Component, v, gatewayPort) + startService(unit, "/"+program),
			"prerm": "#!/bin/sh\n[ \"$1\" != remove ] || [ \"$I_AM_SURE\" = 1 ] || { echo 'The removal needs I_AM_SURE=1' >&2; exit 1; }\n" +
				"[ -n \"$DPKG_ROOT\" ] || [ \"$1\" != remove ] || systemctl disable --now " + unit + "\n",
			"postrm": "#!/bin/sh\n[ -z \"$DPKG_ROOT\" ] || exit 0\n[ \"$1\" != remove ] || rm -f /etc/systemd/system/" + unit + ".service\n" +
				"[ \"$1\" != purge ] || rm -rf /" + home + " " + configOf(f.Component) + "\n",
		},
	}
	switch f.Component {
	case "mdm":
		d.Links["usr/bin/scli"] = StandIn
	case "sdc":
		d.Links[home+"/bin/drv_cfg"] = StandIn
	case "gateway":
		d.Depends = []string{"openjdk-8-jre-headless"}
	}
	return d
}

// configOf is the configuration that a component has outside its home.
func configOf(component string) string {
	if component == "sdc" {
		return drvCfg
	}
	return ""
}

// DistributionDebs are the distribution's packages that the vendor's depend
// on, as far as a package manager can see.
func DistributionDebs() []packagestest.Deb {
	var debs []packagestest.Deb
	for _, name := range []string{"libaio1", "numactl", "openjdk-8-jre-headless"} {
		deb := packagestest.Deb{
			Name: name, Version: "1.0", Description: "double of " + name,
			Files: map[string]string{"usr/share/doc/" + name + "/copyright": "a double\n"},
		}
		if strings.Contains(name, "jre") {
			deb.Links = map[string]string{"usr/bin/java": StandIn}
		}
		debs = append(debs, deb)
	}
	return debs
}
