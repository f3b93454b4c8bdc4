package steps

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/failure"
)

// isolator makes the Mesos agent mount volumes by its own isolator.
type isolator struct {
	h       *Host
	layout  agentflags.Layout
	flags   agentflags.Flags
	service string // the agent's, as the parameters name it
	names   []string
}

func (h *Host) isolator(p nodeproto.IsolatorParams, r Request) (Step, error) {
	layout, err := agentflags.Find(h.root)
	if err != nil {
		return nil, err
	}
	s := isolator{h: h, layout: layout, flags: agentflags.New(h.root, layout), service: p.Service}
	switch p.Mode {
	case "docker-volume":
		s.names = dockerVolume
		return &s, nil
	case "dvdi":
		s.names = []string{dvdiName}
		return &dvdi{isolator: s, modules: p.Modules, sources: r.Sources}, nil
	}
	return nil, fmt.Errorf("isolator mode %q is not known, want docker-volume or dvdi", p.Mode)
}

// dockerVolume are what the native isolator needs: it works on the Linux file
// system isolator.
var dockerVolume = []string{"filesystem/linux", "docker/volume"}

// Detect asks whether the flag has all it needs, and the agent did not refuse
// that.
func (s *isolator) Detect(context.Context) (bool, error) {
	if refused, err := s.refused(); err != nil || refused {
		return false, err
	}
	return s.flags.HasIsolators(s.names...)
}

// refused reports whether the agent was started with its old flags again. Then
// what stands in the files is somebody's new attempt, which needs a restart.
func (s *isolator) refused() (bool, error) {
	rec, there, err := s.h.restart.Load()
	return there && rec.Phase == agentrestart.TakenBack, failure.Hopeless(err)
}

// arm makes the restart of a service's agent due, which must have isolators
// afterwards, and lets the flags be kept as they are. It comes first: once a flag
// is changed, the restart is due whatever happens to us.
func (h *Host) arm(ctx context.Context, flags agentflags.Flags, named string, isolators []string) (agentflags.Flags, error) {
	service, err := h.agentService(ctx, named)
	if err != nil {
		return flags, err
	}
	if err := h.restart.Arm(ctx, service, isolators); err != nil {
		return flags, err
	}
	return flags.Before(func(file string) error { return h.restart.Keep(ctx, file) }), nil
}

// Apply adds the isolators.
func (s *isolator) Apply(ctx context.Context) error {
	version, err := s.ready(ctx)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(version, ".")
	if major, err := strconv.Atoi(text); err != nil || major < 1 {
		return failure.Hopelessf("the Mesos agent is version %s, and docker/volume came with 1.0: give a module of this version and --volumes.isolator=dvdi, or --volumes.isolator=none", version)
	}
	flags, err := s.h.arm(ctx, s.flags, s.service, s.names)
	if err != nil {
		return err
	}
	return flags.AddIsolators(s.names...)
}

// ready tells the agent's version, on a host whose agent will start again: it
// does not without dvdcli.
func (s *isolator) ready(ctx context.Context) (version string, err error) {
	if !s.hasDVDCLI(ctx) {
		if s.h.unpacks() {
			return "", failure.Hopelessf("dvdcli is not on the PATH of the Mesos agent, which does not start without it once it has an isolator for volumes: the step %s puts it into /opt/bin, so add that directory to the agent's PATH (Environment=PATH=... in a drop-in of its unit), restart the agent, then order retry", nodeproto.StepVolumeDriver)
		}
		return "", failure.Hopelessf("dvdcli is not on this host, and a Mesos agent with an isolator for volumes does not start without it: let the step %s install it", nodeproto.StepVolumeDriver)
	}
	if version, err = s.h.mesos(ctx); err != nil {
		return "", failure.Interrupted(err) // an agent that restarts is back soon
	}
	return version, nil
}

// Verify reads the flag again, and tells whether the agent runs with it.
func (s *isolator) Verify(ctx context.Context) (any, error) { return s.verify(ctx, s.Detect) }

func (s *isolator) verify(ctx context.Context, detect func(context.Context) (bool, error)) (any, error) {
	ok, err := detect(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("the Mesos agent's flags do not hold what was written: something else writes them")
	}
	_, due, err := s.h.restart.Load()
	return nodeproto.IsolatorResult{RestartNeeded: due}, err
}

// hasDVDCLI looks where the agent's PATH would.
func (s *isolator) hasDVDCLI(ctx context.Context) bool {
	for _, dir := range s.layout.Path {
		if s.h.root.Exists(path.Join(dir, "dvdcli")) {
			return true
		}
	}
	if _, err := s.h.run.LookPath("dvdcli"); err == nil {
		return true
	}
	// A package puts it where the agent looks; an unpacked one does not.
	manager, err := s.h.packages()
	if err != nil || s.h.unpacks() {
		return false
	}
	_, ok, err := manager.Installed(ctx, "dvdcli")
	return err == nil && ok
}
