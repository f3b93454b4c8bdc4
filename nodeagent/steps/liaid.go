package steps

import (
	"context"
	"errors"
	"strings"

	"scaleio-framework/internal/nodeproto"
)

// liaIDFile holds the installation id of the cluster, so that the gateway's
// installer takes the host for one of its own.
const liaIDFile = "/opt/emc/scaleio/lia/cfg/installation_id.txt"

// liaID tells the LIA which installation its host belongs to.
type liaID struct {
	h  *Host
	id string
}

func (h *Host) liaID(p nodeproto.LIAIDParams, _ Request) (Step, error) {
	if p.InstallationID == "" || strings.ContainsAny(p.InstallationID, "\r\n") {
		return nil, errors.New("parameters have no usable installation id")
	}
	return &liaID{h: h, id: p.InstallationID}, nil
}

// Detect compares the file, and asks whether its restart is still due.
func (s *liaID) Detect(ctx context.Context) (bool, error) {
	due, err := s.h.marked(lia)
	if err != nil || due {
		return false, err
	}
	data, _, err := s.h.root.ReadIfThere(liaIDFile)
	if err != nil || strings.TrimSpace(string(data)) != s.id {
		return false, err
	}
	return s.h.services.IsActive(ctx, serviceOf(lia))
}

// Apply writes the file and restarts the LIA, which reads it at its start.
func (s *liaID) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(lia, liaIDFile); err != nil {
		return err
	}
	if _, err := s.h.root.WriteIfDifferent(liaIDFile, []byte(s.id+"\n"), 0); err != nil {
		return err
	}
	return s.h.services.Restart(ctx, serviceOf(lia))
}

// Verify waits for the LIA to run.
func (s *liaID) Verify(ctx context.Context) (any, error) {
	if err := s.h.active(ctx, serviceOf(lia)); err != nil {
		return nil, err
	}
	return nil, s.h.pending.Clear(lia)
}
