package hosttest

import (
	"os"
	"path/filepath"
	"strings"
)

// flatcar is what an image says that it is.
const flatcar = `NAME="Flatcar Container Linux by Kinvolk"
ID=flatcar
ID_LIKE=coreos
VERSION=3510.2.0
VERSION_ID=3510.2.0
PRETTY_NAME="Flatcar Container Linux 3510.2.0 (played by Debian)"
`

// makeImage takes the package tools away and gives the machine its name. What
// it mounts read-only below /usr needs its place there beforehand.
func (m *Machine) makeImage() error {
	for _, pattern := range append(Rocky.foreign(), "usr/bin/rpm*", "usr/bin/dnf*", "usr/bin/zypper", "var/lib/rpm") {
		if err := removeAll(m.root, pattern); err != nil {
			return err
		}
	}
	for _, pair := range m.opt.BindsReadOnly {
		_, at, _ := strings.Cut(pair, ":")
		if err := os.MkdirAll(filepath.Join(m.root, filepath.Dir(at)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(m.root, at), nil, 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(m.root, "etc/os-release"), []byte(flatcar), 0o644)
}
