package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"scaleio-framework/nodeagent/hosttest"
	"scaleio-framework/nodeagent/packages/packagestest"
	"scaleio-framework/scaleio/scaleiotest"
	"scaleio-framework/scheduler/mesosapi/mesostest/agentunit"
)

// bootTime bounds the start of one machine.
const bootTime = 2 * time.Minute

// machines are the hosts of a world that are machines, and the repository that
// their package manager takes the distribution's packages from.
type machines struct {
	rack       *hosttest.Rack
	repository *http.Server
	url        string
	agents     string        // where the hosts' Mesos agents say that they run
	served     chan struct{} // closed when the repository has ended

	mu   sync.Mutex
	errs []error // of machines whose power could not be cut
}

// withMachines checks what machines ask for.
func (o *Options) withMachines() error {
	switch {
	case o.Growth:
		return errors.New("hosts that are machines are no instances of EC2: leave out growth and the scenarios demo and growth")
	case o.StandInPackages:
		return errors.New("hosts that are machines have real package tools: leave out --packages stand-in")
	case o.Mesos != "":
		return errors.New("hosts that are machines have the sandbox's Mesos agents: leave out --mesos")
	}
	if o.System == "" {
		o.System = hosttest.Ubuntu
	}
	return hosttest.Missing(o.System)
}

// address is where schedulers and doubles listen: where hosts reach them.
func (w *World) address() string {
	if w.machines != nil {
		return w.machines.rack.Address()
	}
	return "127.0.0.1"
}

// startMachines makes the rack and the repository.
func (w *World) startMachines(ctx context.Context) error {
	if err := os.MkdirAll(w.repository(), 0o755); err != nil {
		return err
	}
	if err := w.FillRepository(w.DistributionPackages()...); err != nil {
		return err
	}
	rack, err := hosttest.NewRack(ctx, hosttest.Options{Dir: filepath.Join(w.dir, "hosts"), System: w.opts.System})
	if err != nil {
		return err
	}
	m := &machines{rack: rack, served: make(chan struct{})}
	listener, err := net.Listen("tcp", net.JoinHostPort(rack.Address(), "0"))
	if err != nil {
		return errors.Join(err, rack.Close())
	}
	m.url = "http://" + listener.Addr().String()
	m.repository = &http.Server{Handler: http.FileServer(http.Dir(w.repository())), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(m.served)
		_ = m.repository.Serve(listener) // until close
	}()
	w.machines = m
	return nil
}

// note keeps an error for close.
func (m *machines) note(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.errs = append(m.errs, err)
	}
}

func (m *machines) close() error {
	m.note(m.repository.Close())
	<-m.served
	m.note(m.rack.Close())
	m.mu.Lock()
	defer m.mu.Unlock()
	return errors.Join(m.errs...)
}

// DistributionPackages are what the repository of the machines' distribution has
// at the start.
func (w *World) DistributionPackages() []packagestest.Package {
	return scaleiotest.DistributionPackages(w.os())
}

// FillRepository makes the repository of the machines' distribution have these
// packages and no others.
func (w *World) FillRepository(packages ...packagestest.Package) error {
	if w.os() == "" {
		return packagestest.WriteDebRepository(w.repository(), packages...)
	}
	return packagestest.WriteRPMRepository(w.repository(), packages...)
}

func (w *World) repository() string { return filepath.Join(w.dir, "repository") }

// PackageVersion is that of the vendor's packages.
func (w *World) PackageVersion() string { return releases[w.opts.Release] }

// EditPackages builds the vendor's packages anew, as edit leaves them.
func (w *World) EditPackages(edit func(*packagestest.Package)) error {
	_, err := scaleiotest.BuildPackages(w.packages, releases[w.opts.Release], w.os(), w.gateway.First, edit)
	return err
}

// os is how the double calls the system of the hosts; empty for the one with
// dpkg that the version of its packages is made for.
func (w *World) os() scaleiotest.OS {
	if w.opts.System == hosttest.Rocky {
		return scaleiotest.EL8
	}
	return ""
}

// source is the file by which a machine knows the repository.
func (w *World) source() (name, text string) {
	if w.os() == "" {
		return "etc/apt/sources.list", fmt.Sprintf("deb [trusted=yes] %s ./\n", w.machines.url)
	}
	return "etc/yum.repos.d/base.repo", fmt.Sprintf("[base]\nname=the distribution\nbaseurl=%s/\ngpgcheck=0\nmetadata_expire=0\n", w.machines.url)
}

// addMachine lays out one more machine.
func (w *World) addMachine(h *Host, image bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), bootTime)
	defer cancel()
	inside := ""
	if w.opts.MesosUnit.ExecutorsInside {
		inside = w.opts.MesosUnit.name()
	}
	m, err := w.machines.rack.Add(hosttest.MachineOptions{
		ContainersIn:  inside,
		Name:          h.Name,
		Image:         image,
		Binds:         []string{filepath.Join(w.dir, "mesos")}, // the executors' sandboxes
		BindsReadOnly: []string{filepath.Join(w.opts.Bin, "standin") + ":" + scaleiotest.StandIn},
	})
	if err != nil {
		return err
	}
	h.Machine, h.Root, h.IP = m, m.Root(), m.Address()
	h.Environment = map[string]string{"SIO_ADDRESS": h.IP}
	if !image {
		name, text := w.source()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(h.Root, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(h.Root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for n := range w.opts.Disks {
		if _, err := m.AddDisk(ctx, diskName(n), diskBytes); err != nil {
			return err
		}
	}
	err = w.opts.MesosUnit.layOut(h.Root, agentunit.Place{URL: w.machines.agents, Hostname: h.Name})
	if err != nil {
		return err
	}
	return w.system.AttachMachine(scaleiotest.Machine{
		Hostname: h.Name, IP: h.IP, Root: h.Root, Listen: m.Listen, Device: m.Device,
	})
}

// bootMachine boots a machine whose Mesos agent is known, and waits until that
// has registered.
func (w *World) bootMachine(h *Host) error {
	ctx, cancel := context.WithTimeout(context.Background(), bootTime)
	defer cancel()
	if err := h.Machine.Boot(ctx); err != nil {
		return err
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for h.agent.ID() == "" {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("the Mesos agent of machine %s does not register: look at its unit's journal", h.Name)
		}
	}
	return nil
}
