// Package inventory describes a host: its names, operating system, addresses
// and disks.
//
// A disk counts as free only when it was examined and nothing was found on it.
// What could not be examined is not free, and the disk says why.
package inventory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"scaleio-framework/internal/model"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/imds"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/runner"
)

// Options of a Collector.
type Options struct {
	Root   hostfs.Root
	Runner *runner.Runner
	// Address is where other nodes reach the host.
	Address string
	// PublicKey and Version are shown as they are.
	PublicKey, Version string
	// Metadata says which instance of a cloud the host is; nil asks nobody.
	Metadata *imds.Reader
	// Logger hears of a metadata service that makes no sense; may be nil.
	Logger hclog.Logger
}

// Collector looks at a host. It is safe for concurrent use.
type Collector struct {
	opt   Options
	cloud identity
	looks looks
}

// New wires a collector.
func New(o Options) *Collector {
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return &Collector{opt: o, cloud: identity{metadata: o.Metadata, log: o.Logger}, looks: newLooks()}
}

// Collect describes the host as it is now. A host whose operating system is
// not supported is described as well, beside the error.
func (c *Collector) Collect(ctx context.Context) (model.Inventory, error) {
	system, unsupported := OS(c.opt.Root)
	hostname, err := c.hostname()
	if err != nil {
		return model.Inventory{}, err
	}
	addresses, err := addresses()
	if err != nil {
		return model.Inventory{}, err
	}
	disks, err := c.disks(ctx)
	if err != nil {
		return model.Inventory{}, err
	}
	inv := model.Inventory{
		Hostname:  hostname,
		MachineID: c.line("/etc/machine-id"),
		BootID:    c.kernelLine("/proc/sys/kernel/random/boot_id"),
		OS:        system,
		Kernel:    c.kernelLine("/proc/sys/kernel/osrelease"),
		Address:   c.opt.Address,
		Addresses: addresses,
		CPUs:      runtime.NumCPU(),
		MemoryMB:  MemoryMB(c.opt.Root),
		Disks:     disks,
		Cloud:     c.cloud.host(ctx),
		PublicKey: c.opt.PublicKey,
		Agent:     c.opt.Version,
	}
	if unsupported != nil {
		return inv, unsupported
	}
	return inv, inv.Validate()
}

// Equal reports whether two inventories say the same.
func Equal(a, b model.Inventory) bool { return reflect.DeepEqual(a, b) }

// OS reads which operating system a host has, and whether packages have to be
// unpacked there.
func OS(root hostfs.Root) (model.OS, error) {
	system, err := releaseOf(root)
	if system.ID == "" {
		return system, err
	}
	if err != nil || system.Family != packages.Unpacked {
		if !readOnlyUsr(root) {
			return system, err
		}
		system.Family = packages.Unpacked
	}
	if enforces(root) {
		return system, fmt.Errorf("operating system %q %q has a read-only /usr, so packages could only be unpacked into /opt, and its SELinux enforces, so their programs would not be allowed to run from there: take another system for the host, or keep the host out by the persona none", system.ID, system.Version)
	}
	return system, nil
}

func releaseOf(root hostfs.Root) (model.OS, error) {
	for _, name := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, there, err := root.ReadIfThere(name)
		if err != nil {
			return model.OS{}, fmt.Errorf("operating system: %w", err)
		}
		if there {
			return ParseOSRelease(data)
		}
	}
	return model.OS{}, errors.New("operating system: the host has no /etc/os-release")
}

// readOnlyUsr reports whether /usr cannot be written to while /etc can: a file
// system with errors, which the kernel made read-only as a whole, is no image.
func readOnlyUsr(root hostfs.Root) bool {
	readOnly := func(name string) (is, known bool) {
		var s unix.Statfs_t
		if err := unix.Statfs(root.Path(name), &s); err != nil {
			return false, false
		}
		return s.Flags&unix.ST_RDONLY != 0, true
	}
	usr, known := readOnly("/usr")
	etc, also := readOnly("/etc")
	return known && also && usr && !etc
}

// enforces reports whether SELinux does more than write down what it would
// refuse.
func enforces(root hostfs.Root) bool {
	data, _, err := root.ReadIfThere("/sys/fs/selinux/enforce")
	return err == nil && strings.HasPrefix(string(data), "1")
}

func (c *Collector) hostname() (string, error) {
	if name := c.line("/etc/hostname"); name != "" && !c.opt.Root.IsMachine() {
		return name, nil
	}
	name, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("host name: %w", err)
	}
	return name, nil
}

// line is a file's first line, or nothing.
func (c *Collector) line(name string) string {
	data, err := c.opt.Root.ReadFile(name)
	if err != nil {
		return ""
	}
	first, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSpace(first)
}

// kernelLine is a line that a host's directory may have, else the machine's.
func (c *Collector) kernelLine(name string) string {
	if line := c.line(name); line != "" {
		return line
	}
	machine := Collector{opt: Options{Root: hostfs.New("")}}
	return machine.line(name)
}

// MemoryMB is the host's memory in MiB; 0 when it cannot be told.
func MemoryMB(root hostfs.Root) int64 {
	data, err := root.ReadFile("/proc/meminfo")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			fields := strings.Fields(line)
			if len(fields) < 2 || fields[0] != "MemTotal:" {
				continue
			}
			if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
				return kib / 1024
			}
		}
	}
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit) >> 20
}

// addresses are the machine's global unicast addresses, sorted.
func addresses() ([]string, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("addresses: %w", err)
	}
	var found []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			found = append(found, n.IP.String())
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
