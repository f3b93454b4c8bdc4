package steps

import (
	"context"
	"fmt"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/inventory"
)

// prerequisites checks the host and installs the distribution's packages that
// ScaleIO's packages depend on.
type prerequisites struct {
	h      *Host
	params nodeproto.PrerequisitesParams
}

func (h *Host) prerequisites(p nodeproto.PrerequisitesParams, _ Request) (Step, error) {
	return &prerequisites{h: h, params: p}, nil
}

// Detect refuses a host that cannot carry its persona before anything changes.
func (s *prerequisites) Detect(ctx context.Context) (bool, error) {
	if have := inventory.MemoryMB(s.h.root); s.params.MinMemoryMB > 0 && have < s.params.MinMemoryMB {
		return false, failure.Hopelessf("the host has %d MiB of memory, its persona needs %d: give it more, or place the persona elsewhere", have, s.params.MinMemoryMB)
	}
	if err := s.h.services.Supported(); err != nil {
		return false, err
	}
	if err := s.portsFree(ctx); err != nil {
		return false, err
	}
	missing, err := s.missing(ctx)
	return len(missing) == 0, err
}

// portsFree refuses a host on which another program has a port that a component
// needs: found here, it is told before anything is installed.
func (s *prerequisites) portsFree(ctx context.Context) error {
	if len(s.params.Ports) == 0 {
		return nil
	}
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	var held []string
	for _, p := range s.params.Ports {
		holder, err := s.h.holder(p.Port)
		if err != nil {
			return err
		}
		if holder == nil {
			continue
		}
		_, installed, err := manager.Installed(ctx, p.Package)
		if err != nil {
			return err
		}
		if !installed {
			held = append(held, fmt.Sprintf("TCP port %d, which the %s needs, is held by %s", p.Port, p.Component, holder))
		}
	}
	if len(held) == 0 {
		return nil
	}
	return failure.Hopelessf("%s: stop that program or let it listen elsewhere (the gateway can: --gateway.port, --gateway.http-port), then order retry", strings.Join(held, "; "))
}

// Apply installs what is missing.
func (s *prerequisites) Apply(ctx context.Context) error {
	missing, err := s.missing(ctx)
	if err != nil || len(missing) == 0 {
		return err
	}
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	return manager.InstallNamed(ctx, missing...)
}

// Verify asks the package database again.
func (s *prerequisites) Verify(ctx context.Context) (any, error) {
	missing, err := s.missing(ctx)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("packages %s are not installed, although the package manager reported success", strings.Join(missing, ", "))
	}
	if err == nil && s.params.Java != "" {
		err = s.h.java(ctx, s.params.Java)
	}
	return nil, err
}

func (s *prerequisites) missing(ctx context.Context) ([]string, error) {
	manager, err := s.h.packages()
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, name := range s.params.Packages {
		_, ok, err := manager.Installed(ctx, name)
		if err != nil {
			return nil, err
		}
		if !ok {
			missing = append(missing, name)
		}
	}
	return missing, nil
}
