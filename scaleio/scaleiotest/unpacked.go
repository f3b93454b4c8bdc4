package scaleiotest

import (
	"path"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// unpackedDrvCfg is where the SDC's settings are on a host whose /usr is
// read-only.
const unpackedDrvCfg = "/opt/emc/scaleio/sdc/drv_cfg.txt"

// sdcSettings is the file of the SDC's settings.
func (h *host) sdcSettings() string {
	if _, err := h.read(unpackedDrvCfg); err == nil {
		return unpackedDrvCfg
	}
	return drvCfg
}

// Unpackable makes a package one that starts without its scripts, as the
// vendor's do: by run_bin.sh. Its programs are scripts, since a link to where
// the double's program is leads out of the package.
func Unpackable(p *packagestest.Package) {
	for name := range p.Links {
		program := path.Base(name)
		if componentOfUnit(program) != "" && program != "scini" {
			name = path.Dir(name) + "/run_bin.sh"
		}
		p.Files[name] = "#!/bin/bash\nexec -a " + program + " " + StandIn + " \"$@\"\n"
	}
	p.Links = nil
}

// KernelTools are insmod and rmmod of a machine: the module is loaded for the
// double as long as its program runs, since the machine's kernel takes none.
func KernelTools() map[string]string {
	return map[string]string{
		"opt/bin/insmod": "#!/bin/sh\nset -e\ngrep -q 'a double of scini' \"$1\"\n" +
			"systemd-run --quiet --collect --unit=scini-module --service-type=notify /opt/emc/scaleio/sdc/bin/scini\n: > /dev/scini\n",
		"opt/bin/rmmod": "#!/bin/sh\nrm -f /dev/scini\nsystemctl stop scini-module\n",
	}
}

// KernelModule is the content of a stand-in for scini.ko.
const KernelModule = "a double of scini.ko\n"
