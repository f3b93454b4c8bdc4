// Package services starts, restarts and queries the host's services, by
// whatever starts them there: systemd; upstart, as on Ubuntu 14.04; or a SysV
// script.
package services

import (
	"context"
	"fmt"
	"time"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
)

// Timeouts of the tools. A restart waits for the old process to end, which
// systemd itself gives 90 seconds by default.
const (
	queryTimeout  = 30 * time.Second
	changeTimeout = 3 * time.Minute
)

// manager is what starts a service.
type manager interface {
	isActive(ctx context.Context, unit string) (bool, error)
	// enable makes the service start with the host.
	enable(ctx context.Context, unit string) error
	// start of one that runs is fine.
	start(ctx context.Context, unit string) error
	restart(ctx context.Context, unit string) error
	// stop also keeps the service from starting at boot where that is a setting.
	stop(ctx context.Context, unit string) error
	generation(ctx context.Context, unit string) (string, error)
}

// Services are those of one host.
type Services struct {
	tools tools
	root  hostfs.Root
}

// New returns the services of the runner's host.
func New(run *runner.Runner, root hostfs.Root) Services {
	return Services{tools: tools{run}, root: root}
}

// Supported is an error on a host without any of the tools that are known.
func (s Services) Supported() error {
	if s.Systemd() || s.tools.has("initctl") || s.tools.has("service") {
		return nil
	}
	return failure.Hopelessf("services cannot be started: this host has none of systemctl, initctl and service: install one, or put its directory into the node agent's PATH")
}

// Systemd reports whether systemd runs the host: its tools may be there
// without it.
func (s Services) Systemd() bool {
	return s.tools.has("systemctl") && (!s.root.IsMachine() || s.root.Exists("/run/systemd/system"))
}

// of finds what starts a service; nil when the host does not know it. Upstart
// starts SysV scripts too, so a job of its own goes first.
func (s Services) of(unit string) manager {
	switch {
	case s.Systemd():
		return systemd{s.tools}
	case s.tools.has("initctl") && s.root.Exists("/etc/init/"+unit+".conf"):
		return upstart{s.tools}
	case s.tools.has("service") && s.root.Exists("/etc/init.d/"+unit):
		return sysv{s.tools}
	}
	return nil
}

// IsActive reports whether a service runs. An unknown one does not.
func (s Services) IsActive(ctx context.Context, unit string) (bool, error) {
	if err := s.Supported(); err != nil {
		return false, err
	}
	m := s.of(unit)
	if m == nil {
		return false, nil
	}
	active, err := m.isActive(ctx, unit)
	if err != nil {
		return false, fmt.Errorf("query service %s: %w", unit, err)
	}
	return active, nil
}

// Enable makes a service start with the host.
func (s Services) Enable(ctx context.Context, unit string) error {
	return s.change(unit, "enable", func(m manager) error { return m.enable(ctx, unit) })
}

// Start starts a service and enables it for the next boot.
func (s Services) Start(ctx context.Context, unit string) error {
	return s.change(unit, "start", func(m manager) error {
		if err := m.enable(ctx, unit); err != nil {
			return err
		}
		return m.start(ctx, unit)
	})
}

// Restart restarts a service and waits until that is done.
func (s Services) Restart(ctx context.Context, unit string) error {
	return s.change(unit, "restart", func(m manager) error { return m.restart(ctx, unit) })
}

// Stop stops a service, and disables it where that is a setting. One that the
// host does not have is stopped.
func (s Services) Stop(ctx context.Context, unit string) error {
	active, err := s.IsActive(ctx, unit)
	if err != nil || !active {
		return err
	}
	return s.change(unit, "stop", func(m manager) error { return m.stop(ctx, unit) })
}

func (s Services) change(unit, verb string, f func(manager) error) error {
	err := s.Supported()
	if err == nil {
		if m := s.of(unit); m != nil {
			err = f(m)
		} else {
			err = fmt.Errorf("the host has neither /etc/init/%s.conf nor /etc/init.d/%s", unit, unit)
		}
	}
	if err != nil {
		return fmt.Errorf("%s service %s: %w", verb, unit, err)
	}
	return nil
}

// Generation names one run of a service: another value means that it was
// started again. It is empty where nothing tells.
func (s Services) Generation(ctx context.Context, unit string) (string, error) {
	m := s.of(unit)
	if m == nil {
		return "", nil
	}
	name, err := m.generation(ctx, unit)
	if err != nil {
		return "", fmt.Errorf("query service %s: %w", unit, err)
	}
	return name, nil
}

// tools run the programs of the managers.
type tools struct{ run *runner.Runner }

func (t tools) has(program string) bool {
	_, err := t.run.LookPath(program)
	return err == nil
}

func (t tools) query(ctx context.Context, argv ...string) (runner.Result, error) {
	return t.run.Run(ctx, runner.Command{Argv: argv, Timeout: queryTimeout})
}

// change runs outside of our control groups: a SysV script forks the daemon
// itself, and a restart of the Mesos agent may end us before it is done.
func (t tools) change(ctx context.Context, argv ...string) error {
	res, err := t.run.Run(ctx, runner.Command{Argv: argv, Timeout: changeTimeout, Outside: true})
	if err != nil {
		return err
	}
	return res.Err()
}
