package hosttest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// blockDir is where a machine keeps what it takes for /sys/block.
const blockDir = "/run/hosttest/block"

// Disk is a disk of a machine: a loop device of this system. Under the name of
// a disk the machine finds the device in /dev, and in /sys/block the kernel's
// own description of it; the rest of this system's disks is hidden.
type Disk struct {
	// Name in the machine: sdb.
	Name string
	// Device is the loop device of this system.
	Device string
}

// Path is the disk's name for programs of the machine.
func (d *Disk) Path() string { return "/dev/" + d.Name }

// AddDisk plugs an empty disk in, also while the machine runs. It takes no
// room until something is written.
func (m *Machine) AddDisk(ctx context.Context, name string, bytes int64) (*Disk, error) {
	d, err := m.newDisk(name, bytes)
	if err == nil {
		m.mu.Lock()
		m.disks = append(m.disks, d)
		m.mu.Unlock()
		err = m.writeWiring()
	}
	if err == nil && m.running() != nil {
		_, err = m.Run(ctx, "sh", wiring)
	}
	if err != nil {
		return nil, fmt.Errorf("machine %s: disk %s: %w", m.opt.Name, name, err)
	}
	return d, nil
}

func (m *Machine) newDisk(name string, bytes int64) (*Disk, error) {
	file := filepath.Join(m.dir, "disks", name)
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Truncate(bytes), f.Close()); err != nil {
		return nil, err
	}
	out, err := exec.Command("losetup", "--find", "--show", "--partscan", file).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("losetup: %w: %s", err, lastLines(out, 1))
	}
	return &Disk{Name: name, Device: strings.TrimSpace(string(out))}, nil
}

// wiring is the program that shows a machine its disks: the unit runs it before
// anything that looks at disks, and AddDisk runs it in a machine that is on.
const wiring = "/etc/hosttest-disks"

const wiringUnit = `[Unit]
Description=Show the machine its disks
DefaultDependencies=no
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ` + wiring + `
`

// layOutDisks makes the machine find its disks, none yet, at each boot. A boot
// without them fails.
func (m *Machine) layOutDisks() error {
	const unit, wanted = "/etc/systemd/system/hosttest-disks.service", "/etc/systemd/system/sysinit.target.requires"
	if err := os.WriteFile(filepath.Join(m.root, unit), []byte(wiringUnit), 0o644); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(m.root, wanted), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(unit, filepath.Join(m.root, wanted, filepath.Base(unit))); err != nil {
		return err
	}
	return m.writeWiring()
}

func (m *Machine) writeWiring() error {
	script := []string{"set -e", "mkdir -p " + blockDir}
	m.mu.Lock()
	disks := slices.Clone(m.disks)
	m.mu.Unlock()
	for _, d := range disks {
		loop := filepath.Base(d.Device)
		number, err := os.ReadFile("/sys/block/" + loop + "/dev")
		if err != nil {
			return err
		}
		major, minor, _ := strings.Cut(strings.TrimSpace(string(number)), ":")
		script = append(script,
			fmt.Sprintf("ln -sfn /sys/devices/virtual/block/%s %s/%s", loop, blockDir, d.Name),
			fmt.Sprintf("[ -e %s ] || mknod %s b %s %s", d.Path(), d.Path(), major, minor),
		)
	}
	script = append(script, "mountpoint -q /sys/block || mount --bind "+blockDir+" /sys/block", "")
	return os.WriteFile(filepath.Join(m.root, wiring), []byte(strings.Join(script, "\n")), 0o644)
}

// Device is this system's device for a disk of the machine; empty for none.
func (m *Machine) Device(path string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.disks {
		if d.Path() == path {
			return d.Device
		}
	}
	return ""
}
