package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/packages"
)

// volumeDriver installs REX-Ray and dvdcli. An older version is replaced.
type volumeDriver struct {
	h       *Host
	wanted  []nodeproto.DriverPackage
	sources []string
}

func (h *Host) volumeDriver(p nodeproto.VolumeDriverParams, r Request) (Step, error) {
	for _, d := range p.Packages {
		if d.Package == "" || d.Version == "" {
			return nil, errors.New("parameters name a package without name or version")
		}
	}
	return &volumeDriver{h: h, wanted: p.Packages, sources: r.Sources}, nil
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
		if err := s.h.install(ctx, manager, d.Artifact, s.sources, packages.Env{}); err != nil {
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
