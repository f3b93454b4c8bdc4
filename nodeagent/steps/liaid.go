package steps

import (
	"context"
	"errors"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/hostfs"
)

// liaIDFile holds the installation id of the cluster, so that the gateway's
// installer takes the host for one of its own.
const liaIDFile = "/opt/emc/scaleio/lia/cfg/installation_id.txt"

// liaID tells the LIA which installation its host belongs to.
type liaID struct {
	h          *Host
	id         string
	tokenLogin bool
}

func (h *Host) liaID(p nodeproto.LIAIDParams, _ Request) (Step, error) {
	if p.InstallationID == "" || strings.ContainsAny(p.InstallationID, "\r\n") {
		return nil, errors.New("parameters have no usable installation id")
	}
	return &liaID{h: h, id: p.InstallationID, tokenLogin: p.TokenLogin}, nil
}

// liaConf is the LIA's own configuration.
const liaConf = "/opt/emc/scaleio/lia/cfg/conf.txt"

// mtlsOnly is the property by which a LIA of 4.x answers a management platform
// only.
const mtlsOnly = "lia_mtls_only"

// settled reports whether the LIA may be spoken to as wanted.
func (s *liaID) settled() (bool, error) {
	if !s.tokenLogin {
		return true, nil
	}
	conf, _, err := s.h.root.ReadIfThere(liaConf)
	return property(conf, mtlsOnly) == "", err
}

// Detect compares the files, and asks whether its restart is still due.
func (s *liaID) Detect(ctx context.Context) (bool, error) {
	due, err := s.h.marked(lia)
	if err != nil || due {
		return false, err
	}
	if settled, err := s.settled(); err != nil || !settled {
		return false, err
	}
	data, _, err := s.h.root.ReadIfThere(liaIDFile)
	if err != nil || strings.TrimSpace(string(data)) != s.id {
		return false, err
	}
	return s.h.services.IsActive(ctx, serviceOf(lia))
}

// Apply writes the files and restarts the LIA, which reads it at its start.
func (s *liaID) Apply(ctx context.Context) error {
	if err := s.h.pending.Mark(lia, liaIDFile); err != nil {
		return err
	}
	if _, err := s.h.root.WriteIfDifferent(liaIDFile, []byte(s.id+"\n"), 0); err != nil {
		return err
	}
	settled, err := s.settled()
	if err != nil {
		return err
	}
	if !settled {
		conf, err := s.h.root.ReadFile(liaConf)
		if err != nil {
			return err
		}
		if err := s.h.root.Write(liaConf, withoutProperty(conf, mtlsOnly), hostfs.KeepMode); err != nil {
			return err
		}
	}
	return s.h.services.Restart(ctx, serviceOf(lia))
}

// Verify waits for the LIA to answer.
func (s *liaID) Verify(ctx context.Context) (any, error) {
	if err := s.h.answers(ctx, lia, liaPort); err != nil {
		return nil, err
	}
	return nil, s.h.pending.Clear(lia)
}
