package steps

import (
	"context"
	"errors"

	"scaleio-framework/internal/nodeproto"
)

// removeTraces removes what the node agent keeps on its host. The journal must
// stay for as long as the node agent runs, since it holds off commands of a
// leader that slept; the node agent removes it when it ends.
type removeTraces struct{ h *Host }

func (h *Host) removeTraces(p nodeproto.RemoveTracesParams, _ Request) (Step, error) {
	if p.Cluster == "" {
		return nil, errors.New("parameters do not say which installation is removed")
	}
	return &removeTraces{h: h}, nil
}

// Detect asks whether the journal is to go and the downloads are gone.
func (s *removeTraces) Detect(context.Context) (bool, error) {
	retired, err := s.h.pending.Retired()
	if err != nil || !retired {
		return false, err
	}
	return s.h.cache.Empty()
}

// Apply removes the downloads, and orders the rest.
func (s *removeTraces) Apply(context.Context) error {
	if err := s.h.cache.Clear(); err != nil {
		return err
	}
	return s.h.pending.Retire()
}

// Verify asks again.
func (s *removeTraces) Verify(ctx context.Context) (any, error) {
	gone, err := s.Detect(ctx)
	if err == nil && !gone {
		err = errors.New("there are still downloads, although they were removed")
	}
	return nil, err
}
