package hosttest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
)

// MachineOptions describe a machine.
type MachineOptions struct {
	// Name is also its host name.
	Name string
	// Binds are directories of this system that the machine sees under the
	// same name. They must exist.
	Binds []string
	// BindsReadOnly likewise, as "source:name in the machine".
	BindsReadOnly []string
	// ContainersIn is the service below whose control group containers are; empty
	// gives each a unit of its own.
	ContainersIn string
	// Image makes it a machine of Flatcar: its /usr is read-only, and it has no
	// package tools.
	Image bool
}

// Machine is one host.
type Machine struct {
	rack      *Rack
	opt       MachineOptions
	address   string
	dir, root string
	disks     []*Disk

	mu   sync.Mutex
	boot *boot // the last one; nil before the first
}

// Add lays out a machine, which is off: its root file system, its network.
func (r *Rack) Add(o MachineOptions) (*Machine, error) {
	n := len(r.machines) + 1
	m := &Machine{
		rack: r, opt: o, address: r.address(byte(10 + n)),
		dir: filepath.Join(r.dir, o.Name), root: filepath.Join(r.dir, o.Name, "root"),
	}
	if err := m.layOut(); err != nil {
		return nil, fmt.Errorf("machine %s: %w", o.Name, err)
	}
	space, outer := m.netns(), fmt.Sprintf("%sv%d", r.id, n)
	for _, args := range [][]string{
		{"netns", "add", space},
		{"link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", space},
		{"link", "set", outer, "master", r.id, "up"},
		{"-netns", space, "link", "set", "lo", "up"},
		{"-netns", space, "address", "add", m.address + "/24", "dev", "eth0"},
		{"-netns", space, "link", "set", "eth0", "up"},
	} {
		if err := ip(args...); err != nil {
			return nil, fmt.Errorf("machine %s: %w", o.Name, err)
		}
	}
	r.machines = append(r.machines, m)
	return m, nil
}

// layOut mounts the machine's own layer over the base and names it.
func (m *Machine) layOut() error {
	layer := func(name string) string { return filepath.Join(m.dir, name) }
	for _, name := range []string{"upper", "work", "root", "disks"} {
		if err := os.MkdirAll(layer(name), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", m.rack.base, layer("upper"), layer("work"))
	if err := syscall.Mount("overlay", m.root, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount its root file system: %w", err)
	}
	if m.opt.Image {
		if err := m.makeImage(); err != nil {
			return err
		}
	}
	id := sha256.Sum256([]byte(m.rack.id + m.opt.Name))
	for name, text := range map[string]string{
		"etc/hostname":   m.opt.Name + "\n",
		"etc/hosts":      "127.0.0.1 localhost\n" + m.address + " " + m.opt.Name + "\n",
		"etc/machine-id": hex.EncodeToString(id[:16]) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(m.root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return m.layOutDisks()
}

// Name is the machine's host name.
func (m *Machine) Name() string { return m.opt.Name }

// Address is the machine's own.
func (m *Machine) Address() string { return m.address }

// Root is where this system sees the machine's root file system, also while
// the machine is off. What the machine mounts itself is not there.
func (m *Machine) Root() string { return m.root }

// Console is the file with what the machine wrote to its console.
func (m *Machine) Console() string { return filepath.Join(m.dir, "console.log") }

func (m *Machine) netns() string { return m.rack.id + "-" + m.opt.Name }

// Boot starts the machine and returns when its systemd has started everything.
func (m *Machine) Boot(ctx context.Context) error {
	if err := m.start(ctx); err != nil {
		return fmt.Errorf("boot machine %s: %w (its console: %s)", m.opt.Name, err, m.Console())
	}
	return nil
}

func (m *Machine) start(ctx context.Context) error {
	if m.running() != nil {
		return errors.New("it runs already")
	}
	nspawn, ended, err := m.nspawn()
	if err != nil {
		return err
	}
	boot := &boot{ended: ended}
	err = poll(ctx, func() error {
		if boot.over() {
			return nil
		}
		boot.leader, err = firstProcess(nspawn)
		return err
	})
	m.mu.Lock()
	m.boot = boot
	m.mu.Unlock()
	if err == nil {
		err = poll(ctx, func() error { return m.up(ctx, boot) })
	}
	if err == nil && boot.over() {
		err = errors.New("it ended at once")
	}
	return err
}

// boot is the time from one start of the machine to its end.
type boot struct {
	leader int           // its process 1, as this system numbers it
	ended  chan struct{} // closed at the end
}

func (b *boot) over() bool {
	select {
	case <-b.ended:
		return true
	default:
		return false
	}
}

// running is the present boot, nil while the machine is off.
func (m *Machine) running() *boot {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.boot == nil || m.boot.over() {
		return nil
	}
	return m.boot
}

// up asks systemd whether the boot is over. Units that fail are the machine's
// own affair: "degraded" is up.
func (m *Machine) up(ctx context.Context, b *boot) error {
	if b.over() {
		return nil
	}
	out, err := m.command(ctx, b, "systemctl", "is-system-running", "--wait").Output()
	switch state := strings.TrimSpace(string(out)); state {
	case "running", "degraded":
		return nil
	default:
		return fmt.Errorf("systemd is %q: %w", state, errors.Join(err))
	}
}

// firstProcess finds process 1 of the machine below its systemd-nspawn.
func firstProcess(nspawn int) (int, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn, nspawn))
	if err != nil {
		return 0, err
	}
	for child := range strings.FieldsSeq(string(children)) {
		status, err := os.ReadFile("/proc/" + child + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			ids := strings.Fields(line)
			if len(ids) == 3 && ids[0] == "NSpid:" && ids[2] == "1" {
				var pid int
				_, err := fmt.Sscan(ids[1], &pid)
				return pid, err
			}
		}
	}
	return 0, errors.New("it has no process 1 yet")
}

// Reboot restarts the machine in good order.
func (m *Machine) Reboot(ctx context.Context) error {
	b := m.running()
	if b == nil {
		return fmt.Errorf("reboot machine %s: it is off", m.opt.Name)
	}
	// Its answer may be lost in the shutdown.
	_ = m.command(ctx, b, "systemctl", "reboot").Run()
	select {
	case <-b.ended:
	case <-ctx.Done():
		return fmt.Errorf("reboot machine %s: it does not go down: %w", m.opt.Name, context.Cause(ctx))
	}
	return m.Boot(ctx)
}

// PowerOff cuts the machine's power: every process ends at once. What it wrote
// stays.
func (m *Machine) PowerOff() error {
	b := m.running()
	if b == nil {
		return nil
	}
	if err := syscall.Kill(b.leader, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("power off machine %s: %w", m.opt.Name, err)
	}
	<-b.ended
	return nil
}
