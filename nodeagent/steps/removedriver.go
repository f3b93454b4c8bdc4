package steps

import (
	"context"
	"errors"
	"fmt"
	"path"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/runner"
)

// configBefore names the copy of a configuration that was there before ours.
const configBefore = ".before-scaleio"

// removeDriver takes REX-Ray and dvdcli away, with REX-Ray's configuration,
// which holds a password. A driver that came with the Mesos agent keeps its
// programs, and its service puts its own configuration in place again.
type removeDriver struct {
	driverEndpoint
	packages []string
}

func (h *Host) removeDriver(p nodeproto.RemoveVolumeDriverParams, _ Request) (Step, error) {
	s := &removeDriver{packages: p.Packages}
	s.driverEndpoint = driverEndpoint{h: h, unit: rexray}
	if shipped, ok := h.shippedDriver(); ok {
		s.unit, s.shipped, s.packages = shipped.Service, true, nil
	}
	for _, name := range s.packages {
		if name == "" {
			return nil, errors.New("parameters name a package without a name")
		}
	}
	return s, nil
}

// ours reports whether the configuration is one that we wrote, or replaced.
func (s *removeDriver) ours() (bool, error) {
	if s.h.root.Exists(rexrayConfig+configBefore) || s.h.root.Exists(lastingConfig) {
		return true, nil
	}
	data, there, err := s.h.root.ReadIfThere(rexrayConfig)
	return there && writtenByUs(data), err
}

// Detect asks whether packages, configuration and unit are gone, and nothing is
// left to do for the service.
func (s *removeDriver) Detect(ctx context.Context) (bool, error) {
	if due, err := s.h.marked(rexray); err != nil || due {
		return false, err
	}
	if ours, err := s.ours(); err != nil || ours {
		return false, err
	}
	if s.h.root.Exists(s.dropIn()) {
		return false, nil
	}
	manager, err := s.h.packageManager(s.packages)
	if err != nil || manager == nil {
		return err == nil, err
	}
	for _, name := range s.packages {
		if there, err := manager.Present(ctx, name); err != nil || there {
			return false, err
		}
	}
	return true, nil
}

// Apply stops the driver first, so that nothing uses what goes. The mark stands
// until a shipped one runs again, of which no file tells.
func (s *removeDriver) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(rexray, rexrayConfig); err != nil {
		return err
	}
	if err := s.h.services.Stop(ctx, s.unit); err != nil {
		return err
	}
	manager, err := s.h.packageManager(s.packages)
	if err != nil {
		return err
	}
	for _, name := range s.packages {
		if err := manager.Remove(ctx, name); err != nil {
			return err
		}
	}
	if err := s.removeDropIn(ctx); err != nil {
		return err
	}
	if err := s.restoreConfig(); err != nil {
		return err
	}
	if s.shipped { // it ran before us, by its own configuration
		if err := s.h.services.Start(ctx, s.unit); err != nil {
			return err
		}
	}
	return s.h.pending.Clear(rexray)
}

func (s *removeDriver) removeDropIn(ctx context.Context) error {
	if !s.h.root.Exists(s.dropIn()) {
		return nil
	}
	if err := s.h.root.Remove(s.dropIn()); err != nil {
		return err
	}
	if err := s.h.root.RemoveEmpty(path.Dir(s.dropIn())); err != nil {
		return err
	}
	res, err := s.h.run.Run(ctx, runner.Command{Argv: []string{"systemctl", "daemon-reload"}, Timeout: reloadTimeout})
	if err == nil {
		err = res.Err()
	}
	return err
}

// restoreConfig gives the configuration back that was there before.
func (s *removeDriver) restoreConfig() error {
	ours, err := s.ours()
	if err != nil || !ours {
		return err
	}
	if err := s.h.root.Remove(lastingConfig); err != nil {
		return err
	}
	before, had, err := s.h.root.ReadIfThere(rexrayConfig + configBefore)
	if err != nil {
		return err
	}
	if had {
		if err := s.h.root.Write(rexrayConfig, before, s.h.root.Mode(rexrayConfig+configBefore)); err != nil {
			return err
		}
		return s.h.root.Remove(rexrayConfig + configBefore)
	}
	if err := s.h.root.Remove(rexrayConfig); err != nil {
		return err
	}
	return s.h.root.RemoveEmpty(path.Dir(rexrayConfig))
}

// Verify asks again.
func (s *removeDriver) Verify(ctx context.Context) (any, error) {
	gone, err := s.Detect(ctx)
	if err == nil && !gone {
		err = fmt.Errorf("the volume driver or its configuration %s is still there, although their removal succeeded", rexrayConfig)
	}
	return nil, err
}
