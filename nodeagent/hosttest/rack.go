package hosttest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// registry holds a file for each rack: what of this system belongs to it. The
// file is locked as long as the rack's process lives.
const registry = "/run/scaleio-hosttest"

// Options of a Rack.
type Options struct {
	// Dir holds the machines' files. It must exist, and not be a directory of
	// an overlay itself.
	Dir string
	// System is that of the machines; Ubuntu when empty.
	System System
}

// Rack is a set of machines on one bridge, which has an address of its own.
type Rack struct {
	id, dir, base string
	subnet        [3]byte
	cgroups       []string // where the machines' control groups are
	lock          *os.File
	machines      []*Machine
}

// belongings are what the registry knows of a rack.
type belongings struct {
	Dir     string   `json:"dir"`
	Cgroups []string `json:"cgroups"`
}

// Missing says what this system lacks for machines of these systems, and what
// to do; nil when nothing does.
func Missing(systems ...System) error {
	if os.Geteuid() != 0 {
		return errors.New("hosts made of machines need root (mounts, network namespaces, loop devices): run it as root")
	}
	type needed struct{ program, pkg string }
	tools := []needed{
		{"debootstrap", "debootstrap"},
		{"systemd-nspawn", "systemd-container"},
		{"ip", "iproute2"},
		{"losetup", "mount"},
		{"nsenter", "util-linux"},
	}
	if slices.Contains(systems, Rocky) {
		// The packages and their repository are made here.
		tools = append(tools, needed{"rpmbuild", "rpm"}, needed{"createrepo_c", "createrepo-c"})
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool.program); err != nil {
			return fmt.Errorf("hosts made of machines need %s: install Debian's package %s (deploy/dev/setup hosts does)", tool.program, tool.pkg)
		}
	}
	return nil
}

// NewRack removes what crashed racks left behind, makes the base where it is
// not cached, and the bridge.
func NewRack(ctx context.Context, o Options) (r *Rack, err error) {
	if o.System == "" {
		o.System = Ubuntu
	}
	if err := Missing(o.System); err != nil {
		return nil, err
	}
	if err := sweep(); err != nil {
		return nil, fmt.Errorf("remove what an earlier rack left: %w", err)
	}
	base, err := Base(ctx, o.System)
	if err != nil {
		return nil, err
	}
	cgroups, err := ownCgroups()
	if err != nil {
		return nil, err
	}
	r = &Rack{id: newID(), dir: o.Dir, base: base, cgroups: cgroups}
	if r.subnet, err = freeSubnet(); err != nil {
		return nil, err
	}
	if err := r.register(); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"link", "add", r.id, "type", "bridge"},
		{"address", "add", r.Address() + "/24", "dev", r.id},
		{"link", "set", r.id, "up"},
	} {
		if err := ip(args...); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	return r, nil
}

// newID is short, since names of network interfaces begin with it.
func newID() string {
	var raw [3]byte
	_, _ = rand.Read(raw[:]) // never fails
	return "sio" + hex.EncodeToString(raw[:])
}

// Address is that of the bridge: where machines reach this system.
func (r *Rack) Address() string { return r.address(1) }

func (r *Rack) address(host byte) string {
	return net.IPv4(r.subnet[0], r.subnet[1], r.subnet[2], host).String()
}

// freeSubnet picks a network of 198.18.0.0/15, which is set aside for tests
// and is routed nowhere, that no interface has.
func freeSubnet() ([3]byte, error) {
	used, err := net.InterfaceAddrs()
	if err != nil {
		return [3]byte{}, fmt.Errorf("addresses of this system: %w", err)
	}
	for third := range 256 {
		subnet := [3]byte{198, 18, byte(third)}
		inIt := func(a net.Addr) bool {
			n, ok := a.(*net.IPNet)
			v4 := []byte(nil)
			if ok {
				v4 = n.IP.To4()
			}
			return v4 != nil && [3]byte(v4[:3]) == subnet
		}
		if !slices.ContainsFunc(used, inIt) {
			return subnet, nil
		}
	}
	return [3]byte{}, errors.New("every network of 198.18.0.0/16 is in use: remove the bridges named sio* that nobody needs")
}

func (r *Rack) register() error {
	if err := os.MkdirAll(registry, 0o700); err != nil {
		return err
	}
	lock, err := flock(context.Background(), filepath.Join(registry, r.id))
	if err != nil {
		return err
	}
	data, err := json.Marshal(belongings{Dir: r.dir, Cgroups: r.cgroups})
	if err == nil {
		_, err = lock.Write(data)
	}
	if err != nil {
		return errors.Join(err, lock.Close())
	}
	r.lock = lock
	return nil
}

// Close ends the machines and removes everything of theirs but the files in
// Options.Dir.
func (r *Rack) Close() error {
	var errs []error
	for _, m := range r.machines {
		errs = append(errs, m.PowerOff())
	}
	errs = append(errs, remove(r.id, belongings{Dir: r.dir, Cgroups: r.cgroups}))
	errs = append(errs, os.Remove(filepath.Join(registry, r.id)), r.lock.Close())
	return errors.Join(errs...)
}

func ip(args ...string) error {
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("ip %v: %w: %s", args, err, lastLines(out, 2))
	}
	return nil
}
