package steps

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/failure"
)

// dvdi makes the Mesos agent mount volumes by mesos-module-dvdi, whose library
// fits exactly one version of Mesos.
type dvdi struct {
	isolator
	modules []nodeproto.IsolatorModule
	sources []string
}

// dvdiName is how the module's isolator is called.
const dvdiName = "com_emccode_mesos_DockerVolumeDriverIsolator"

// module is the library for a version of Mesos, as the module's own
// documentation places and describes it.
func (s *dvdi) module(version string) agentflags.Module {
	return agentflags.Module{
		Library: s.h.libraries() + "/libmesos_dvdi_isolator-" + version + ".so", Name: dvdiName,
		Parameters: [][2]string{{"isolator_command", "/emc/dvdi_isolator"}}, File: s.h.libraries() + "/dvdi-mod.json",
	}
}

// fitting is the library for the agent of this host.
func (s *dvdi) fitting(version string) (nodeproto.IsolatorModule, error) {
	var known []string
	for _, m := range s.modules {
		if m.MesosVersion == version {
			return m, nil
		}
		known = append(known, m.MesosVersion)
	}
	return nodeproto.IsolatorModule{}, failure.Hopelessf("the Mesos agent is version %s, and modules are given for %s: a module fits its own version only, give one or set --volumes.isolator to docker-volume (Mesos 1.0 and newer) or none",
		version, strings.Join(known, ", "))
}

// Detect asks for the library, its description and the isolator.
func (s *dvdi) Detect(ctx context.Context) (bool, error) {
	version, err := s.h.mesos(ctx)
	if err != nil {
		return false, failure.Interrupted(err)
	}
	wanted, err := s.fitting(version)
	if err != nil {
		return false, err
	}
	m := s.module(version)
	data, there, err := s.h.root.ReadIfThere(m.Library)
	if err != nil || !there {
		return false, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != strings.ToLower(wanted.Artifact.SHA256) {
		return false, nil
	}
	if has, err := s.flags.HasModule(m); err != nil || !has {
		return false, err
	}
	return s.isolator.Detect(ctx)
}

// Apply places the library before anything names it.
func (s *dvdi) Apply(ctx context.Context) error {
	version, err := s.ready(ctx)
	if err != nil {
		return err
	}
	wanted, err := s.fitting(version)
	if err != nil {
		return err
	}
	m := s.module(version)
	if err := s.flags.KeepFile(m.Library); err != nil {
		return err
	}
	err = s.h.cache.Use(ctx, wanted.Artifact, s.sources, func(file string) error {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		return s.h.root.Write(m.Library, data, 0o644)
	})
	if err != nil {
		return err
	}
	flags, err := s.h.arm(ctx, s.flags, s.service, s.names)
	if err != nil {
		return err
	}
	if err := flags.AddModule(m); err != nil {
		return failure.Hopeless(err)
	}
	return flags.AddIsolators(s.names...)
}

// Verify looks again, and tells whether the agent runs with it.
func (s *dvdi) Verify(ctx context.Context) (any, error) { return s.verify(ctx, s.Detect) }
