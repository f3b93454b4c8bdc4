package packages

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/google/uuid"

	"scaleio-framework/nodeagent/failure"
)

// The vendor's package names, without their beginning.
const rpmPrefix = "EMC-ScaleIO-"

// DrvCfg is the SDC's file of settings on a host whose /usr is read-only, where
// /bin/emc/scaleio cannot be made.
const DrvCfg = sdcHome + "drv_cfg.txt"

// sdcModules is where the SDC's kernel modules are, one for each kernel.
const sdcModules = sdcHome + "modules"

// ModuleFile is where the SDC's kernel module for a kernel release is on a host
// whose /usr is read-only. It is placed there before the SDC's package, which
// loads it.
func ModuleFile(kernel string) string { return sdcModules + "/scini-" + kernel + ".ko" }

// scripts is what a package's scripts would have done. They are not run: they
// work on /usr and on rpm's database. What they do is from public sources, as
// docs/packages.md says.
type scripts struct {
	writes []write
	unit   string // that is enabled and started; empty for none
}

// write is one file, whose content is made from what is there.
type write struct {
	path    string
	mode    fs.FileMode
	content func(old []byte) ([]byte, error)
}

// scriptsOf knows the packages that are installed on such hosts. Of another one
// nobody knows what its scripts would do.
func scriptsOf(s *surveyed, env Env) (scripts, error) {
	component, vendors := strings.CutPrefix(s.Name, rpmPrefix)
	switch {
	case s.Name == "rexray":
		return s.service("rexray", "REX-Ray", binaries+"rexray start -f", "scini.service")
	case s.Name == "dvdcli":
		return scripts{}, nil
	case !vendors:
	case component == "mdm":
		role := "0"
		if value(env, "MDM_ROLE_IS_MANAGER") == "1" {
			role = "1"
		}
		return s.daemon(component, set(home(component)+"cfg/conf.txt", fs.FileMode(0o644), "actor_role_is_manager", role))
	case component == "sds":
		return s.daemon(component)
	case component == "lia":
		token := env.Secrets["TOKEN"]
		if token.IsEmpty() {
			return scripts{}, errors.New("the LIA needs a token (TOKEN)")
		}
		return s.daemon(component, set(home(component)+"cfg/conf.txt", 0o600, "lia_token", token.Reveal()))
	case component == "sdc":
		return s.driver(value(env, "MDM_IP"))
	case component == "gateway":
		return scripts{}, failure.Hopelessf("the gateway cannot be unpacked: its installer makes keystore and service, and needs a Java that this host's system does not have; give the host another part than %s", "manager")
	}
	return scripts{}, failure.Hopelessf("nobody knows what the scripts of package %s would do, so it is not unpacked on a host whose /usr is read-only", s.Name)
}

func home(component string) string { return "/opt/emc/scaleio/" + component + "/" }

// value is a variable of an installer's environment.
func value(env Env, name string) string {
	for _, kv := range env.Plain {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

// daemon is a component whose service runs run_bin.sh.
func (s *surveyed) daemon(component string, writes ...write) (scripts, error) {
	program := home(component) + "bin/run_bin.sh"
	if _, has := s.origin[program]; !has && s.origin[unitFile(component)] == "" {
		return scripts{}, failure.Hopelessf("package %s has neither a unit nor %s, so nothing tells how to start it", s.Name, program)
	}
	sc, err := s.service(component, "ScaleIO "+strings.ToUpper(component), program, "")
	sc.writes = append(writes, sc.writes...)
	return sc, err
}

func unitFile(unit string) string { return units + unit + ".service" }

// service takes the unit that the package brings along, else writes one.
func (s *surveyed) service(unit, description, command, after string) (scripts, error) {
	sc := scripts{unit: unit}
	if s.origin[unitFile(unit)] != "" {
		return sc, nil
	}
	order := "network-online.target"
	if after != "" {
		order += " " + after
	}
	sc.writes = []write{fixed(unitFile(unit), 0o644, fmt.Sprintf(`# Written by the ScaleIO framework.
[Unit]
Description=%s
Wants=%[2]s
After=%[2]s

[Service]
ExecStart=%[3]s
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`, description, order, command))}
	return sc, nil
}

// loader loads the module by its path, since nothing can be put into
// /lib/modules, and makes the device that drv_cfg speaks through. A module that
// is in use stays.
const loader = `#!/bin/sh
# Written by the ScaleIO framework.
set -e
home=/opt/emc/scaleio/sdc
PATH=/opt/bin:$PATH
module=$home/modules/scini-$(uname -r).ko
if [ "$1" = stop ]; then
	rmmod scini || echo "the module scini stays loaded" >&2
	exit 0
fi
if ! grep -q '^scini ' /proc/modules; then
	[ -e "$module" ] || { echo "there is no $module: the SDC needs a module for exactly this kernel" >&2; exit 1; }
	insmod "$module"
fi
if [ ! -e /dev/scini ]; then
	major=$(awk '$2 == "scini" { print $1 }' /proc/devices)
	[ -n "$major" ] || { echo "the module scini registered no device" >&2; exit 1; }
	mknod -m 600 /dev/scini c "$major" 0
fi
exec $home/bin/drv_cfg --load_cfg_file $home/drv_cfg.txt
`

// driver is the SDC: its settings, and a service that loads its module.
func (s *surveyed) driver(mdms string) (scripts, error) {
	if mdms == "" {
		return scripts{}, errors.New("the SDC needs the addresses of the MDMs (MDM_IP)")
	}
	program := sdcHome + "bin/load_scini"
	return scripts{unit: "scini", writes: []write{
		{path: DrvCfg, mode: 0o644, content: func(old []byte) ([]byte, error) {
			return fmt.Appendf(nil, "ini_guid %s\nmdm %s\n", guidOf(old), mdms), nil
		}},
		fixed(program, 0o755, loader),
		fixed(unitFile("scini"), 0o644, fmt.Sprintf(`# Written by the ScaleIO framework.
[Unit]
Description=ScaleIO SDC
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=%[1]s start
ExecStop=%[1]s stop

[Install]
WantedBy=multi-user.target
`, program)),
	}}, nil
}

// guidOf is the identity of the SDC, which the MDM knows it by: the one it has,
// else a new one.
func guidOf(settings []byte) string {
	for line := range strings.Lines(string(settings)) {
		if guid, ok := strings.CutPrefix(strings.TrimSpace(line), "ini_guid "); ok {
			return strings.TrimSpace(guid)
		}
	}
	return strings.ToUpper(uuid.NewString())
}

func fixed(name string, mode fs.FileMode, content string) write {
	return write{path: name, mode: mode, content: func([]byte) ([]byte, error) { return []byte(content), nil }}
}

// set sets one property of a file and keeps the others.
func set(name string, mode fs.FileMode, key, value string) write {
	return write{path: name, mode: mode, content: func(old []byte) ([]byte, error) {
		if strings.ContainsAny(value, "\r\n") {
			return nil, fmt.Errorf("%s: the value of %s holds a line break", name, key)
		}
		var b strings.Builder
		for line := range strings.Lines(string(old)) {
			if k, _, _ := strings.Cut(line, "="); strings.TrimSpace(k) == key {
				continue
			}
			b.WriteString(strings.TrimSuffix(line, "\n") + "\n")
		}
		b.WriteString(key + "=" + value + "\n")
		return []byte(b.String()), nil
	}}
}
