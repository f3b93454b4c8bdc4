package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/artifacts"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/inventory"
	"scaleio-framework/nodeagent/journal"
	"scaleio-framework/nodeagent/packages"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/services"
	"scaleio-framework/nodeagent/siob"
)

// HostOptions are what steps work with.
type HostOptions struct {
	Root   hostfs.Root
	Runner *runner.Runner
	// CacheDir keeps artifacts. It must exist.
	CacheDir string
	// Pending keeps the marks of unfinished work.
	Pending journal.Pending
	// Address is where other nodes reach this host.
	Address string
	// RestartDir keeps what the guard of the Mesos agent's restart must know.
	RestartDir string
	// MesosAgent is where the host's Mesos agent answers.
	MesosAgent agentrestart.Endpoint
	// Program is the node agent's own file, which the guard runs; empty lets the
	// step itself do the guard's work, on a host that is a directory.
	Program string
	// MesosVersion asks the host's Mesos agent which version it is.
	MesosVersion func(ctx context.Context) (string, error)
	// SCLIPasswordInArgs lets scli have passwords among its arguments where it
	// does not ask for them.
	SCLIPasswordInArgs bool
	Logger             hclog.Logger
}

// Host is where steps work.
type Host struct {
	root     hostfs.Root
	run      *runner.Runner
	services services.Services
	cache    *artifacts.Cache
	pending  journal.Pending
	address  string
	restart  *agentrestart.Restart
	mesos    func(ctx context.Context) (string, error)
	inArgs   bool
	log      hclog.Logger
}

// NewHost wires a host and looks at nothing.
func NewHost(o HostOptions) (*Host, error) {
	switch {
	case o.Runner == nil:
		return nil, errors.New("steps: option Runner is missing")
	case o.CacheDir == "":
		return nil, errors.New("steps: option CacheDir is missing")
	case o.MesosVersion == nil:
		return nil, errors.New("steps: option MesosVersion is missing")
	case o.Logger == nil:
		return nil, errors.New("steps: option Logger is missing")
	}
	known := services.New(o.Runner, o.Root)
	restart, err := agentrestart.New(agentrestart.Options{
		Dir: o.RestartDir, Root: o.Root, Services: known, Runner: o.Runner, Agent: o.MesosAgent, Program: o.Program, Logger: o.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("steps: %w", err)
	}
	return &Host{
		root: o.Root, run: o.Runner, services: known, restart: restart, cache: artifacts.New(artifacts.Options{Dir: o.CacheDir}),
		pending: o.Pending, address: o.Address, mesos: o.MesosVersion, inArgs: o.SCLIPasswordInArgs, log: o.Logger,
	}, nil
}

// packages is the package manager of the host's family.
func (h *Host) packages() (packages.Manager, error) {
	system, err := inventory.OS(h.root)
	if err != nil {
		return nil, failure.Hopeless(err)
	}
	return packages.New(system.Family, h.run, h.root, h.pending)
}

// parcel is a package to install, and what belongs to it.
type parcel struct {
	artifact nodeproto.Artifact
	keys     []nodeproto.Artifact // that may have signed it
	sources  []string
	env      packages.Env
	// fits looks at the package file before it is installed; nil does not.
	fits func(ctx context.Context, file string) error
}

// packageManager is nil where there is nothing to do for it.
func (h *Host) packageManager(names []string) (packages.Manager, error) {
	if len(names) == 0 {
		return nil, nil
	}
	return h.packages()
}

// install fetches a package, takes it out of the vendor's archive where it is in
// one, looks whether it fits, makes sure that its signature is trusted, and
// installs it.
func (h *Host) install(ctx context.Context, manager packages.Manager, p parcel) error {
	return h.cache.Use(ctx, p.artifact, p.sources, func(file string) error {
		return siob.Open(ctx, h.run, file, func(file string) error {
			if p.fits != nil {
				if err := p.fits(ctx, file); err != nil {
					return err
				}
			}
			err := h.useAll(ctx, p.keys, p.sources, func(keys []string) error { return manager.Trust(ctx, file, keys) })
			if err != nil {
				return err
			}
			return manager.Install(ctx, file, p.env)
		})
	})
}

// useAll gives f the paths of verified files and keeps them until f returns.
func (h *Host) useAll(ctx context.Context, list []nodeproto.Artifact, sources []string, f func(files []string) error) error {
	if len(list) == 0 {
		return f(nil)
	}
	return h.cache.Use(ctx, list[0], sources, func(first string) error {
		return h.useAll(ctx, list[1:], sources, func(rest []string) error { return f(append([]string{first}, rest...)) })
	})
}

// The pauses between two looks at something that takes time.
const (
	firstPause = 20 * time.Millisecond
	lastPause  = 3 * time.Second
)

// until asks again and again, with growing pauses, until the answer is nil or
// hopeless, or the context ends; then the last answer is part of the error.
func until(ctx context.Context, ask func(context.Context) error) error {
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		err := ask(ctx)
		if err == nil || failure.KindOf(err) == failure.Hopelessness {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last seen: %w", context.Cause(ctx), err)
		case <-time.After(pause):
		}
	}
}

// settleTime is how long a service may take to run after its start.
const settleTime = 90 * time.Second

// active waits until a service runs.
func (h *Host) active(ctx context.Context, unit string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("service %s does not run within %s", unit, settleTime))
	defer cancel()
	return until(ctx, func(ctx context.Context) error {
		ok, err := h.services.IsActive(ctx, unit)
		if err == nil && !ok {
			err = fmt.Errorf("service %s is not active: look at journalctl -u %s", unit, unit)
		}
		return err
	})
}

// marked reports whether work under this name was begun and not finished.
func (h *Host) marked(name string) (bool, error) {
	_, there, err := h.pending.Note(name)
	return there, err
}
