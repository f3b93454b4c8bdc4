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

// Base returns the directory with the root file system that machines of a
// system are laid over, and makes it when it is not in the cache yet: one
// or two minutes, 300 to 500 MB. Several processes may ask at the same time.
func Base(ctx context.Context, system System) (string, error) {
	if err := system.check(); err != nil {
		return "", err
	}
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
	sum := sha256.Sum256([]byte(system.recipe()))
	base := filepath.Join(dir, suite+"-"+hex.EncodeToString(sum[:6]))
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
	if err := makeBase(ctx, system, making); err != nil {
		return "", fmt.Errorf("base of the machines: %w", err)
	}
	return base, os.Rename(making, base)
}

func makeBase(ctx context.Context, system System, dir string) error {
	cmd := exec.CommandContext(ctx, "debootstrap", "--variant=minbase", "--include="+strings.Join(system.included(), ","), suite, dir)
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
		if err := removeAll(dir, pattern); err != nil {
			return err
		}
	}
	return system.finish(dir)
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
