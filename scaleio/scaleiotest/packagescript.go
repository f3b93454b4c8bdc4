package scaleiotest

import (
	"fmt"
	"strings"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// putFunction writes a file below $DPKG_ROOT unless it is there, as configure does for
// the stand-ins.
const putFunction = "put() { mkdir -p \"$(dirname \"$DPKG_ROOT$1\")\"; [ -e \"$DPKG_ROOT$1\" ] || cat > \"$DPKG_ROOT$1\"; }\n"

// demands is what the vendor's installer wants in its environment.
func demands(component string) string {
	switch component {
	case "lia":
		return "[ -n \"$TOKEN\" ] || { echo 'The LIA needs a token: set the environment variable TOKEN' >&2; exit 1; }\n"
	case "gateway":
		return "[ -n \"$GATEWAY_ADMIN_PASSWORD\" ] || { echo 'The gateway needs a password: set the environment variable GATEWAY_ADMIN_PASSWORD' >&2; exit 1; }\n"
	}
	return ""
}

// settings is what the vendor's installer makes of its environment.
func settings(component string, v version, port int) string {
	switch component {
	case "mdm":
		generator := ""
		if v.certificates() {
			generator = "echo '" + strings.TrimSpace(generatorText) + "' | put " + mdmGenerator + "\n"
		}
		return generator + "[ \"$MDM_ROLE_IS_MANAGER\" = 1 ] && role=1 || role=0\necho \"actor_role_is_manager=$role\" | put " + mdmConf + "\n"
	case "lia":
		return "{ echo \"lia_token=$TOKEN\"; echo '" + strings.TrimSpace(mtlsOnly(v)) + "'; } | put " + liaConf + "\n"
	case "sdc":
		return "guid=$(cat /proc/sys/kernel/random/uuid | tr a-z A-Z)\n{ echo \"ini_guid $guid\"; [ -z \"$MDM_IP\" ] || echo \"mdm $MDM_IP\"; } | put " + drvCfg + "\n"
	case "gateway":
		return "{ echo 'mdm.ip.addresses='; echo 'security.bypass_certificate_check=false'; echo \"gateway-admin.password=$GATEWAY_ADMIN_PASSWORD\"; } | put " + gatewayConf + "\n" +
			fmt.Sprintf("{ echo 'http.port=%d'; echo 'ssl.port=%d'; } | put %s\n", httpPort(port), port, tomcatConf)
	}
	return ""
}

// startService is what the scripts do on a machine, where systemd runs: the
// vendor's write the unit file themselves.
func startService(component string) string {
	unit := unitOf(component)
	return fmt.Sprintf(`cat > /etc/systemd/system/%[1]s.service <<'END'
[Unit]
Description=double of the ScaleIO service %[1]s
After=network.target
[Service]
Type=notify
ExecStart=/opt/emc/scaleio/%[2]s/bin/%[1]s
Restart=always
RestartSec=100ms
StartLimitIntervalSec=0
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
systemctl enable %[1]s
systemctl restart %[1]s
`, unit, component)
}

// stopService is the opposite, also when the start was not reached.
func stopService(unit string) string {
	return "[ ! -e /etc/systemd/system/" + unit + ".service ] || systemctl disable --now " + unit + "\n"
}

// debScripts are those of a .deb. In a host's directory DPKG_ROOT is set, and
// no systemd runs.
func debScripts(component string, v version, port int) map[packagestest.Moment]string {
	unit := unitOf(component)
	return map[packagestest.Moment]string{
		packagestest.Configuring: "#!/bin/sh\nset -e\n[ \"$1\" = configure ] || exit 0\n" + putFunction + demands(component) + settings(component, v, port) +
			"[ -z \"$DPKG_ROOT\" ] || exit 0\n" + startService(component),
		packagestest.BeforeRemoval: "#!/bin/sh\n[ \"$1\" != remove ] || [ \"$I_AM_SURE\" = 1 ] || { echo 'The removal needs I_AM_SURE=1' >&2; exit 1; }\n" +
			"[ -n \"$DPKG_ROOT\" ] || [ \"$1\" != remove ] || " + stopService(unit),
		packagestest.AfterRemoval: "#!/bin/sh\n[ -z \"$DPKG_ROOT\" ] || exit 0\n[ \"$1\" != remove ] || rm -f /etc/systemd/system/" + unit + ".service\n" +
			"[ \"$1\" != purge ] || rm -rf " + leftovers(component) + "\n",
	}
}

// rpmScripts are those of a .rpm, which is told how many versions there will
// be. It checks first, since rpm takes a package whose %post fails for
// installed.
func rpmScripts(component string, v version, port int) map[packagestest.Moment]string {
	unit := unitOf(component)
	return map[packagestest.Moment]string{
		packagestest.BeforeUnpacking: demands(component) + "exit 0\n",
		packagestest.Configuring:     "set -e\n" + putFunction + settings(component, v, port) + startService(component),
		packagestest.BeforeRemoval: "[ \"$1\" = 0 ] || exit 0\n[ \"$I_AM_SURE\" = 1 ] || { echo 'The removal needs I_AM_SURE=1' >&2; exit 1; }\n" +
			stopService(unit),
		packagestest.AfterRemoval: "[ \"$1\" = 0 ] || exit 0\nrm -f /etc/systemd/system/" + unit + ".service\nrm -rf " + leftovers(component) + "\n",
	}
}

// leftovers are the files of a component that no package tool knows.
func leftovers(component string) string {
	names := "/opt/emc/scaleio/" + component
	if component == "sdc" {
		names += " " + drvCfg
	}
	return names
}
