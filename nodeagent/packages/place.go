package packages

import (
	"fmt"
	"path"
	"strings"
)

// kind says how a file of a package is treated where /usr is read-only.
type kind int

const (
	// leftOut is of no use on such a host: manuals, scripts of another init
	// system, kernel modules of other kernels.
	leftOut kind = iota
	// plain files are replaced.
	plain
	// config files are kept where they are there already.
	config
	// text is a unit or a rule of udev: plain, and the paths in it are mapped.
	text
)

// place is where a file of a package goes.
type place struct {
	kind kind
	path string // on the host; empty when it is left out
}

// rule maps all that is below a directory of packages.
type rule struct {
	from, to string
	kind     kind
	// direct takes only what is in the directory itself.
	direct bool
}

// rules are looked at in this order. Everything that vendor and driver packages
// are known to hold has a place; what has none is refused, since something
// would be missing without a word.
var rules = []rule{
	{from: "/usr/share/"},
	{from: "/usr/lib/.build-id/"},
	{from: "/usr/src/"},
	{from: "/lib/modules/"},
	{from: "/usr/lib/modules/"},
	{from: "/etc/init/"},
	{from: "/etc/init.d/"},
	{from: "/etc/rc.d/"},
	{from: "/etc/bash_completion.d/"},
	{from: "/etc/logrotate.d/"},
	{from: "/run/"},
	{from: "/var/run/"},
	// The SDC has its settings beside the system's programs.
	{from: "/bin/emc/scaleio/", to: sdcHome, kind: plain},
	{from: "/usr/bin/", to: binaries, kind: plain, direct: true},
	{from: "/usr/sbin/", to: binaries, kind: plain, direct: true},
	{from: "/usr/local/bin/", to: binaries, kind: plain, direct: true},
	{from: "/bin/", to: binaries, kind: plain, direct: true},
	{from: "/sbin/", to: binaries, kind: plain, direct: true},
	{from: "/etc/systemd/system/", to: units, kind: text},
	{from: "/usr/lib/systemd/system/", to: units, kind: text},
	{from: "/lib/systemd/system/", to: units, kind: text},
	{from: "/etc/udev/rules.d/", to: udevRules, kind: text, direct: true},
	{from: "/usr/lib/udev/rules.d/", to: udevRules, kind: text, direct: true},
	{from: "/lib/udev/rules.d/", to: udevRules, kind: text, direct: true},
	{from: "/etc/emc/", to: "/etc/emc/", kind: config},
	{from: "/etc/rexray/", to: "/etc/rexray/", kind: config},
	{from: "/opt/", to: "/opt/", kind: plain},
}

// Directories of a host whose /usr is read-only.
const (
	binaries  = "/opt/bin/"
	units     = "/etc/systemd/system/"
	udevRules = "/etc/udev/rules.d/"
	sdcHome   = "/opt/emc/scaleio/sdc/"
)

// placeOf maps a path of a package, which is clean and absolute.
func placeOf(name string) (place, error) {
	for _, r := range rules {
		rest, below := strings.CutPrefix(name, r.from)
		if !below || rest == "" || r.direct && strings.Contains(rest, "/") {
			continue
		}
		if r.kind == leftOut {
			return place{}, nil
		}
		p := place{kind: r.kind, path: r.to + rest}
		if p.kind == plain && path.Base(path.Dir(p.path)) == "cfg" {
			p.kind = config // the vendor's settings: .../cfg/conf.txt
		}
		return p, nil
	}
	return place{}, fmt.Errorf("%s has no place on a host whose /usr is read-only: known are the directories of ScaleIO and REX-Ray below /opt, /etc, /bin and /usr/bin", name)
}

// linkTo maps the target of a symbolic link of a package. It is empty when what
// the link leads to is left out.
func linkTo(name, target string) (string, error) {
	at := target
	if !path.IsAbs(at) {
		at = path.Join(path.Dir(name), at)
	}
	to, err := placeOf(path.Clean(at))
	if err != nil {
		return "", fmt.Errorf("the symbolic link %s leads out of the package, to %s: %w", name, target, err)
	}
	from, err := placeOf(name)
	if err != nil {
		return "", err
	}
	if to.path == path.Clean(at) && from.path == name {
		return target, nil // nothing moved
	}
	return to.path, nil
}
