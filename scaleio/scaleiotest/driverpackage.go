package scaleiotest

import (
	"fmt"
	"path/filepath"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// rexrayUnit makes the service that "rexray install" makes, on a machine. It
// does not start without its configuration.
const rexrayUnit = `#!/bin/sh
[ -z "$DPKG_ROOT" ] || exit 0
cat > /etc/systemd/system/rexray.service <<'END'
[Unit]
Description=double of REX-Ray
[Service]
ExecStartPre=/usr/bin/test -s /etc/rexray/config.yml
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
END
systemctl daemon-reload
`

// rexrayUnitGone undoes it, as "rexray uninstall" does. REX-Ray's packages call
// it without looking whether they are removed or replaced.
const rexrayUnitGone = `#!/bin/sh
[ -z "$DPKG_ROOT" ] || exit 0
systemctl disable --now rexray
rm -f /etc/systemd/system/rexray.service
systemctl daemon-reload
`

// BuildDriverPackages builds real packages of REX-Ray and dvdcli for a system,
// for one with dpkg when it is empty.
func BuildDriverPackages(dir string, system OS) error {
	for _, p := range []packagestest.Package{
		{
			Name: "rexray", Version: "0.11.4-1", Description: "double of REX-Ray",
			Links:   map[string]string{"usr/bin/rexray": StandIn},
			Scripts: map[packagestest.Moment]string{packagestest.Configuring: rexrayUnit, packagestest.BeforeRemoval: rexrayUnitGone},
		},
		{
			Name: "dvdcli", Version: "0.2.1-1", Description: "double of dvdcli",
			Links: map[string]string{"usr/bin/dvdcli": StandIn},
		},
	} {
		file := p.Name + "_" + p.Version + "_amd64.deb"
		if system.rpm() {
			file = p.Name + "-" + p.Version + ".x86_64.rpm"
		}
		if err := p.Build(filepath.Join(dir, file)); err != nil {
			return fmt.Errorf("building packages: %w", err)
		}
	}
	return nil
}
