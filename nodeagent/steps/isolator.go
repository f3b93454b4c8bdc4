package steps

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
)

const (
	// isolationFile is a flag of the classic packages' Mesos agent: its content
	// replaces the default.
	isolationFile = "/etc/mesos-slave/isolation"
	// defaultIsolation is what Mesos uses without the flag, so what must stay.
	defaultIsolation = "posix/cpu,posix/mem"
	// agentMark stands from the change of the agent's flags to its restart.
	agentMark = "mesos-agent"
)

// isolator makes the Mesos agent mount docker volumes.
type isolator struct{ h *Host }

func (h *Host) isolator(p nodeproto.IsolatorParams, _ Request) (Step, error) {
	if p.Mode != "docker-volume" {
		return nil, fmt.Errorf("isolator mode %q is not known, want docker-volume", p.Mode)
	}
	return &isolator{h: h}, nil
}

// Detect asks whether the flag has all it needs.
func (s *isolator) Detect(context.Context) (bool, error) {
	data, there, err := s.h.root.ReadIfThere(isolationFile)
	if err != nil || !there {
		return false, err
	}
	old := strings.TrimSpace(string(data))
	return old == mergeIsolation(old), nil
}

// Apply adds the isolators. The mark comes first: once the flag is changed,
// the agent's restart is due whatever happens to us.
func (s *isolator) Apply(ctx context.Context) error {
	if !s.hasDVDCLI(ctx) {
		return failure.Hopelessf("dvdcli is not on this host, and a Mesos agent with the docker/volume isolator does not start without it: let the step %s install it", nodeproto.StepVolumeDriver)
	}
	data, there, err := s.h.root.ReadIfThere(isolationFile)
	if err != nil {
		return err
	}
	old := defaultIsolation
	if there && strings.TrimSpace(string(data)) != "" {
		old = strings.TrimSpace(string(data))
	}
	if there {
		if err := s.backup(data); err != nil {
			return err
		}
	}
	if err := s.h.pending.Mark(agentMark, ""); err != nil {
		return err
	}
	return s.h.root.Write(isolationFile, []byte(mergeIsolation(old)+"\n"), 0)
}

// Verify reads the flag again, and tells whether the agent runs with it.
func (s *isolator) Verify(ctx context.Context) (any, error) {
	ok, err := s.Detect(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("%s does not hold the isolators that were written: something else writes this file", isolationFile)
	}
	due, err := s.h.marked(agentMark)
	return nodeproto.IsolatorResult{RestartNeeded: due}, err
}

// backup keeps the operator's file, once. It lies outside the directory of
// flags, where every file is a flag.
func (s *isolator) backup(data []byte) error {
	const backup = "/etc/mesos-slave.isolation.before-scaleio"
	if s.h.root.Exists(backup) {
		return nil
	}
	return s.h.root.Write(backup, data, 0)
}

// hasDVDCLI looks where the agent's PATH would.
func (s *isolator) hasDVDCLI(ctx context.Context) bool {
	for _, dir := range []string{"/usr/bin", "/usr/local/bin", "/opt/bin", "/bin", "/usr/sbin"} {
		if s.h.root.Exists(dir + "/dvdcli") {
			return true
		}
	}
	if _, err := s.h.run.LookPath("dvdcli"); err == nil {
		return true
	}
	manager, err := s.h.packages()
	if err != nil {
		return false
	}
	_, ok, err := manager.Installed(ctx, "dvdcli")
	return err == nil && ok
}

// mergeIsolation adds what volumes need and keeps the rest in its order. Mesos
// takes one filesystem isolator only, and docker/volume needs the Linux one.
func mergeIsolation(old string) string {
	var list []string
	for name := range strings.SplitSeq(old, ",") {
		name = strings.TrimSpace(name)
		if name == "filesystem/posix" {
			name = "filesystem/linux"
		}
		if name != "" && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	for _, name := range []string{"filesystem/linux", "docker/volume"} {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, ",")
}
