package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/packages"
)

// shippedDriver is the driver that came with the installation of the Mesos agent:
// a second one would fight with it for the same sockets.
func (h *Host) shippedDriver() (agentflags.Driver, bool) {
	layout, err := agentflags.Find(h.root)
	if err != nil || len(layout.Driver.Programs) == 0 {
		return agentflags.Driver{}, false
	}
	for _, program := range layout.Driver.Programs {
		if !h.root.Exists(program) {
			return agentflags.Driver{}, false
		}
	}
	return layout.Driver, true
}

// volumeDriver installs REX-Ray and dvdcli. An older version is replaced.
type volumeDriver struct {
	h       *Host
	wanted  []nodeproto.DriverPackage
	keys    []nodeproto.Artifact
	sources []string
}

func (h *Host) volumeDriver(p nodeproto.VolumeDriverParams, r Request) (Step, error) {
	for _, d := range p.Packages {
		if d.Package == "" || d.Version == "" {
			return nil, errors.New("parameters name a package without name or version")
		}
	}
	s := &volumeDriver{h: h, wanted: p.Packages, keys: p.Keys, sources: r.Sources}
	if _, shipped := h.shippedDriver(); shipped {
		s.wanted = nil
	}
	return s, nil
}

// Detect asks for each package.
func (s *volumeDriver) Detect(ctx context.Context) (bool, error) {
	missing, err := s.missing(ctx)
	return len(missing) == 0, err
}

// Apply installs what is missing.
func (s *volumeDriver) Apply(ctx context.Context) error {
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	missing, err := s.missing(ctx)
	if err != nil {
		return err
	}
	for _, d := range missing {
		if err := s.h.install(ctx, manager, parcel{artifact: d.Artifact, keys: s.keys, sources: s.sources}); err != nil {
			return err
		}
	}
	return nil
}

// Verify asks the package database again.
func (s *volumeDriver) Verify(ctx context.Context) (any, error) {
	missing, err := s.missing(ctx)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("package %s is not installed in version %s, although the installer reported success", missing[0].Package, missing[0].Version)
	}
	return nil, err
}

func (s *volumeDriver) missing(ctx context.Context) ([]nodeproto.DriverPackage, error) {
	manager, err := s.h.packages()
	if err != nil {
		return nil, err
	}
	var missing []nodeproto.DriverPackage
	for _, d := range s.wanted {
		version, ok, err := manager.Installed(ctx, d.Package)
		if err != nil {
			return nil, err
		}
		if !ok || !packages.SameVersion(version, d.Version) {
			missing = append(missing, d)
		}
	}
	return missing, nil
}
