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
	"scaleio-framework/nodeagent/failure"
)

// agentMark stands from the change of the agent's flags to its restart.
const agentMark = "mesos-agent"

// isolator makes the Mesos agent mount volumes by its own isolator.
type isolator struct {
	h      *Host
	layout agentflags.Layout
	flags  agentflags.Flags
}

func (h *Host) isolator(p nodeproto.IsolatorParams, r Request) (Step, error) {
	layout, err := agentflags.Find(h.root)
	if err != nil {
		return nil, err
	}
	s := isolator{h: h, layout: layout, flags: agentflags.New(h.root, layout)}
	switch p.Mode {
	case "docker-volume":
		return &s, nil
	case "dvdi":
		return &dvdi{isolator: s, modules: p.Modules, sources: r.Sources}, nil
	}
	return nil, fmt.Errorf("isolator mode %q is not known, want docker-volume or dvdi", p.Mode)
}

// dockerVolume are what the native isolator needs: it works on the Linux file
// system isolator.
var dockerVolume = []string{"filesystem/linux", "docker/volume"}

// Detect asks whether the flag has all it needs.
func (s *isolator) Detect(context.Context) (bool, error) {
	return s.flags.HasIsolators(dockerVolume...)
}

// Apply adds the isolators. The mark comes first: once the flag is changed,
// the agent's restart is due whatever happens to us.
func (s *isolator) Apply(ctx context.Context) error {
	version, err := s.ready(ctx)
	if err != nil {
		return err
	}
	text, _, _ := strings.Cut(version, ".")
	if major, err := strconv.Atoi(text); err != nil || major < 1 {
		return failure.Hopelessf("the Mesos agent is version %s, and docker/volume came with 1.0: give a module of this version and --volumes.isolator=dvdi, or --volumes.isolator=none", version)
	}
	if err := s.h.pending.Mark(agentMark, ""); err != nil {
		return err
	}
	return s.flags.AddIsolators(dockerVolume...)
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
	due, err := s.h.marked(agentMark)
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
