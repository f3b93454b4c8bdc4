package hosttest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/packages/packagestest"
)

// System is what machines say they are, a system that the vendor has packages
// for, and the package tools that they have. All are played by Debian.
type System string

// The systems.
const (
	// Ubuntu 16.04 has dpkg and apt.
	Ubuntu System = "ubuntu"
	// Rocky 8 has rpm, dnf and zypper, and neither dpkg nor apt.
	Rocky System = "rocky"
)

// osRelease is the text of /etc/os-release.
func (s System) osRelease() string {
	if s == Rocky {
		return `NAME="Rocky Linux"
VERSION="8.10 (Green Obsidian)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="8.10"
PLATFORM_ID="platform:el8"
PRETTY_NAME="Rocky Linux 8.10 (played by Debian)"
`
	}
	return `NAME="Ubuntu"
VERSION="16.04.7 LTS (Xenial Xerus)"
ID=ubuntu
ID_LIKE=debian
PRETTY_NAME="Ubuntu 16.04.7 LTS (played by Debian)"
VERSION_ID="16.04"
`
}

// included are the packages beside those of debootstrap's variant minbase.
func (s System) included() []string {
	list := []string{"systemd", "systemd-sysv", "dbus", "iproute2", "procps", "kmod", "udev"}
	if s == Rocky {
		list = append(list, "rpm", "dnf", "zypper")
	}
	return list
}

// masked are the units that a machine has no use for, or that would work on
// its packages by themselves.
func (s System) masked() []string {
	list := []string{
		"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
		"systemd-firstboot.service", "console-getty.service", "getty.target", "systemd-networkd.service",
	}
	if s == Rocky {
		list = append(list, "dnf-makecache.timer", "dnf-automatic.timer", "packagekit.service")
	}
	return list
}

// files are what the system has differently from Debian.
func (s System) files() map[string]string {
	if s != Rocky {
		return nil
	}
	return map[string]string{
		// Debian's rpm keeps its database in the user's home.
		"etc/rpm/macros": "%_dbpath /var/lib/rpm\n",
	}
}

// foreign are what Debian has and the system has not: the patterns of files.
func (s System) foreign() []string {
	if s != Rocky {
		return nil
	}
	return []string{
		"usr/bin/dpkg*", "usr/bin/apt*", "usr/sbin/dpkg*", "usr/lib/apt", "usr/lib/dpkg", "var/lib/apt", "var/lib/dpkg", "var/cache/apt", "etc/apt",
		"etc/debian_version", "usr/bin/deb-*", "usr/share/debconf", "usr/bin/debconf*",
	}
}

// platform is what rpm takes for installed from the start: of all that the
// system has, what packages with scripts need, and the release.
func platform() packagestest.Package {
	return packagestest.Package{
		Name: "rocky-release", Version: "8.10-1", Description: "the system, played by Debian",
		Provides: []string{"/bin/sh", "system-release = 8.10", "system-release(releasever) = 8"},
	}
}

// installPlatform makes the database of rpm.
func installPlatform(dir string) error {
	const file = "tmp/platform.rpm"
	if err := platform().Build(filepath.Join(dir, file)); err != nil {
		return err
	}
	if out, err := exec.Command("chroot", dir, "rpm", "-i", "/"+file).CombinedOutput(); err != nil {
		return fmt.Errorf("rpm: %w: %s", err, lastLines(out, 3))
	}
	return os.Remove(filepath.Join(dir, file))
}

// finish makes the system of a Debian.
func (s System) finish(dir string) error {
	for _, pattern := range s.foreign() {
		if err := removeAll(dir, pattern); err != nil {
			return err
		}
	}
	for name, text := range s.files() {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if s == Rocky {
		if err := installPlatform(dir); err != nil {
			return err
		}
	}
	for _, unit := range s.masked() {
		if err := os.Symlink("/dev/null", filepath.Join(dir, "etc/systemd/system", unit)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "etc/os-release"), []byte(s.osRelease()), 0o644)
}

// removeAll removes what fits a pattern below a directory.
func removeAll(dir, pattern string) error {
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	for _, name := range found {
		err = errors.Join(err, os.RemoveAll(name))
	}
	return err
}

// recipe names everything that the base is made of: another recipe is another
// base.
func (s System) recipe() string {
	parts := slices.Concat(s.included(), s.masked(), []string{s.osRelease()}, s.foreign())
	if s == Rocky {
		parts = append(parts, fmt.Sprint(platform()))
	}
	files := s.files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		parts = append(parts, name+"="+files[name])
	}
	return strings.Join(parts, "\n")
}

func (s System) check() error {
	if s != Ubuntu && s != Rocky {
		return fmt.Errorf("machines of the system %q are not known, want %s or %s", s, Ubuntu, Rocky)
	}
	return nil
}
