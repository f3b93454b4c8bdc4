package steps

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/scaleio"
)

// The files that an MDM of 4.x and scli beside it read.
const (
	trustedFile     = mdmCfg + "mgmt_ca.pem"
	certificateFile = mdmCfg + "mdm_certificate.pem"
	loginFile       = mdmCfg + "cli_certificate.p12"
)

// secretFile is the mode of files that hold a private key.
const secretFile fs.FileMode = 0o600

// mdmCertificate gives the MDM on this host its certificate, and the authority
// that it and scli trust.
type mdmCertificate struct {
	h      *Host
	params nodeproto.MDMCertificateParams
	files  map[string]redact.Secret
}

func (h *Host) mdmCertificate(p nodeproto.MDMCertificateParams, r Request) (Step, error) {
	if p.Member == "" || p.Authority == "" {
		return nil, errors.New("parameters lack the member or the authority")
	}
	return &mdmCertificate{h: h, params: p, files: r.Secrets}, nil
}

// Detect compares what is there with the authority that was made, and asks
// whether the MDM's restart is still due.
func (s *mdmCertificate) Detect(ctx context.Context) (bool, error) {
	due, err := s.h.marked(nodeproto.StepMDMCertificate)
	if err != nil || due || s.inPlace() != nil {
		return false, err
	}
	return s.h.services.IsActive(ctx, serviceOf(mdm))
}

// inPlace says what is missing.
func (s *mdmCertificate) inPlace() error {
	trusted, err := s.h.root.ReadFile(trustedFile)
	if err != nil {
		return err
	}
	own, err := s.h.root.ReadFile(certificateFile)
	if err != nil {
		return err
	}
	if err := s.ours(trusted, own); err != nil {
		return err
	}
	_, err = s.h.root.ReadFile(loginFile)
	return err
}

// ours checks that files are of the authority that the cluster's record names.
func (s *mdmCertificate) ours(trusted, own []byte) error {
	have, err := fingerprintOf(trusted)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", trustedFile, err)
	case have != s.params.Authority:
		return fmt.Errorf("the authority is %s, wanted is %s", have, s.params.Authority)
	}
	if err := signedBy(trusted, own); err != nil {
		return fmt.Errorf("%s: %w", certificateFile, err)
	}
	return nil
}

// Apply writes the files, lets scli trust the authority and restarts the MDM,
// which reads them at its start.
func (s *mdmCertificate) Apply(ctx context.Context) error {
	trusted := []byte(s.files[nodeproto.SecretMDMAuthority].Reveal())
	own := []byte(s.files[nodeproto.SecretMDMCertificate].Reveal())
	login, err := base64.StdEncoding.DecodeString(s.files[nodeproto.SecretCLICertificate].Reveal())
	if err != nil {
		return errors.New("the login file that was sent is not in base64") // the decoder's text could tell of it
	}
	if len(trusted) == 0 || len(own) == 0 || len(login) == 0 {
		return fmt.Errorf("the node agent of %s gave no certificate for %s: look at its log; if the folder %s is gone there, order retry of %s before the cluster is made", s.params.From, s.params.Member, authorityDir, nodeproto.StepMDMAuthority)
	}
	if err := s.ours(trusted, own); err != nil {
		return fmt.Errorf("files from %s: %w", s.params.From, err)
	}
	if err := s.h.pending.Mark(nodeproto.StepMDMCertificate, s.params.Authority); err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		data []byte
		mode fs.FileMode
	}{{trustedFile, trusted, 0o644}, {certificateFile, own, secretFile}, {loginFile, login, secretFile}} {
		if _, err := s.h.root.WriteIfDifferent(f.name, f.data, f.mode); err != nil {
			return err
		}
	}
	if err := s.trust(ctx); err != nil {
		return err
	}
	return s.h.services.Restart(ctx, serviceOf(mdm))
}

// trust makes scli on this host trust the authority. Doing it twice is no harm.
func (s *mdmCertificate) trust(ctx context.Context) error {
	cli := &scli{h: s.h}
	command := cli.build.AddCertificate(trustedFile)
	res, _, err := cli.do(ctx, command)
	if err != nil {
		return err
	}
	if res.Outcome == scaleio.OutcomeUsage {
		return failure.Hopelessf("scli does not know %s: this is no PowerFlex 4.x", command)
	}
	if res.Outcome == scaleio.OutcomeAlreadyDone {
		return nil
	}
	return res.Err(command)
}

// Verify waits for the MDM to run.
func (s *mdmCertificate) Verify(ctx context.Context) (any, error) {
	if err := s.inPlace(); err != nil {
		return nil, err
	}
	if err := s.h.answers(ctx, mdm, mdmPort); err != nil {
		return nil, err
	}
	return nil, s.h.pending.Clear(nodeproto.StepMDMCertificate)
}
