package hosttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// suite is the release of Debian that machines run.
const suite = "bookworm"

// osRelease is what machines say they are: a system that the vendor has
// packages for.
const osRelease = `NAME="Ubuntu"
VERSION="16.04.7 LTS (Xenial Xerus)"
ID=ubuntu
ID_LIKE=debian
PRETTY_NAME="Ubuntu 16.04.7 LTS (played by Debian)"
VERSION_ID="16.04"
`

// included are the packages beside those of debootstrap's variant minbase.
func included() []string {
	return []string{"systemd", "systemd-sysv", "dbus", "iproute2", "procps", "kmod", "udev"}
}

// masked are the units that a machine has no use for, or that would work on
// its packages by themselves.
func masked() []string {
	return []string{
		"apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer", "e2scrub_all.timer",
		"systemd-firstboot.service", "console-getty.service", "getty.target", "systemd-networkd.service",
	}
}

// Base returns the directory with the root file system that machines are laid
// over, and makes it when it is not in the cache yet: about a minute, 300 MB.
// Several processes may ask at the same time.
func Base(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("base of the machines: %w: set HOME or XDG_CACHE_HOME", err)
	}
	dir := filepath.Join(cache, "scaleio-framework", "hosts")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("base of the machines: %w", err)
	}
	lock, err := flock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", fmt.Errorf("base of the machines: %w", err)
	}
	defer func() { _ = lock.Close() }() // ends the lock
	base := filepath.Join(dir, suite+"-"+recipe())
	if _, err := os.Stat(base); err == nil {
		return base, nil
	}
	// What a crash left half made is of no use.
	left, err := filepath.Glob(filepath.Join(dir, "making-*"))
	for _, old := range left {
		err = errors.Join(err, os.RemoveAll(old))
	}
	if err != nil {
		return "", fmt.Errorf("base of the machines: %w", err)
	}
	making := filepath.Join(dir, "making-"+suite)
	if err := makeBase(ctx, making); err != nil {
		return "", fmt.Errorf("base of the machines: %w", err)
	}
	return base, os.Rename(making, base)
}

// recipe names everything that the base is made of: another recipe is another
// base.
func recipe() string {
	all := strings.Join(append(append(included(), masked()...), osRelease), "\n")
	sum := sha256.Sum256([]byte(all))
	return hex.EncodeToString(sum[:6])
}

func makeBase(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include="+strings.Join(included(), ","), suite, dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("debootstrap: %w: %s", err, lastLines(out, 5))
	}
	for _, name := range []string{
		"etc/machine-id", "etc/hostname", "etc/resolv.conf", "etc/apt/sources.list", "etc/os-release", "var/log/bootstrap.log",
	} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	for _, pattern := range []string{"var/cache/apt/archives/*.deb", "var/lib/apt/lists/*_*", "usr/share/doc/*", "usr/share/locale/*"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		for _, name := range found {
			err = errors.Join(err, os.RemoveAll(name))
		}
		if err != nil {
			return err
		}
	}
	for _, unit := range masked() {
		if err := os.Symlink("/dev/null", filepath.Join(dir, "etc/systemd/system", unit)); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "etc/os-release"), []byte(osRelease), 0o644)
}

// flock takes an exclusive lock on a file and waits for it.
func flock(ctx context.Context, name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = poll(ctx, func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) })
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
	}
	return f, nil
}

func lastLines(out []byte, n int) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(len(lines)-n, 0):], "; ")
}
