package steps

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
)

// mdmRemove takes the MDM package from a host that lost its role before the
// cluster was made.
type mdmRemove struct {
	h    *Host
	name string
}

func (h *Host) mdmRemove(p nodeproto.MDMRemoveParams, _ Request) (Step, error) {
	if p.Package == "" {
		return nil, errors.New("parameters name no package")
	}
	return &mdmRemove{h: h, name: p.Package}, nil
}

// Detect asks whether the package is gone, and nothing of it left.
func (s *mdmRemove) Detect(ctx context.Context) (bool, error) {
	manager, err := s.h.packages()
	if err != nil {
		return false, err
	}
	there, err := manager.Present(ctx, s.name)
	return !there, err
}

// Apply removes the package, but not from under a running cluster.
func (s *mdmRemove) Apply(ctx context.Context) error {
	if s.h.inCluster(ctx) {
		return failure.Hopelessf("the MDM on this host belongs to a cluster: package %s is not removed; take the MDM out of the cluster first", s.name)
	}
	manager, err := s.h.packages()
	if err != nil {
		return err
	}
	return manager.Remove(ctx, s.name)
}

// Verify asks the package database.
func (s *mdmRemove) Verify(ctx context.Context) (any, error) {
	gone, err := s.Detect(ctx)
	if err == nil && !gone {
		err = fmt.Errorf("package %s is still installed, although the package manager reported success", s.name)
	}
	return nil, err
}
