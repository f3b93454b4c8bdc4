package steps

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

// The vendor's files of 4.x, and where the first MDM keeps the authority.
const (
	mdmCfg         = "/opt/emc/scaleio/mdm/cfg/"
	generator      = mdmCfg + "certificate_generator_MDM_USER.py"
	authorityDir   = mdmCfg + "authority/"
	authorityFile  = authorityDir + "mgmt_ca.pem"
	authorityLogin = authorityDir + "cli_certificate.p12"
)

// generatorTimeout bounds one run of the vendor's program.
const generatorTimeout = 2 * time.Minute

// typedPassword runs a program of Python with a password among its arguments
// that stands on no command line: it asks for it, and hands it over within the
// interpreter. The vendor's program may take a password no other way.
const typedPassword = `import getpass, os, runpy, sys
sys.argv = sys.argv[1:] + ["--password", getpass.getpass("Password: ")]
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")`

// mdmAuthority makes the authority that the MDMs' certificates come from, the
// file that scli logs in with, and a certificate for each manager. All of it is
// made anew as long as it is not complete: nobody has been given any of it then.
type mdmAuthority struct {
	h        *Host
	members  []string
	password redact.Secret
}

func (h *Host) mdmAuthority(p nodeproto.MDMAuthorityParams, r Request) (Step, error) {
	if len(p.Members) == 0 {
		return nil, errors.New("parameters name no member")
	}
	for _, m := range p.Members {
		if m == "" || m != path.Base(m) || strings.HasPrefix(m, ".") {
			return nil, fmt.Errorf("member %q cannot be a file's name", m)
		}
	}
	return &mdmAuthority{h: h, members: p.Members, password: r.Secrets[nodeproto.SecretP12Password]}, nil
}

// Detect looks whether everything is there.
func (s *mdmAuthority) Detect(context.Context) (bool, error) {
	if unfinished, err := s.h.marked(nodeproto.StepMDMAuthority); err != nil || unfinished {
		return false, err
	}
	for _, m := range s.members {
		if _, err := s.h.authorityFiles(m); err != nil {
			return false, nil //nolint:nilerr // what cannot be used is made anew
		}
	}
	return true, nil
}

// Apply makes all of it.
func (s *mdmAuthority) Apply(ctx context.Context) error {
	if s.password.IsEmpty() {
		return fmt.Errorf("the command carries no secret %q", nodeproto.SecretP12Password)
	}
	if err := s.h.pending.Mark(nodeproto.StepMDMAuthority, authorityDir); err != nil {
		return err
	}
	dir := s.h.root.Path(authorityDir)
	if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o700)); err != nil {
		return err
	}
	if err := s.generate(ctx, true, "--generate_ca", authorityFile); err != nil {
		return err
	}
	if err := s.generate(ctx, true, "--generate_cli", authorityLogin, "-CA", authorityFile); err != nil {
		return err
	}
	for _, m := range s.members {
		if err := s.generate(ctx, false, "--generate_mdm", certificateOf(m), "-CA", authorityFile); err != nil {
			return err
		}
	}
	return nil
}

// Verify reads what was made.
func (s *mdmAuthority) Verify(context.Context) (any, error) {
	var result nodeproto.MDMAuthorityResult
	for _, m := range s.members {
		files, err := s.h.authorityFiles(m)
		if err != nil {
			return nil, err
		}
		if result.Authority, err = fingerprintOf([]byte(files[nodeproto.SecretMDMAuthority].Reveal())); err != nil {
			return nil, err
		}
	}
	return result, s.h.pending.Clear(nodeproto.StepMDMAuthority)
}

// certificateOf is where a manager's certificate lies until it is asked for.
func certificateOf(member string) string { return authorityDir + member + ".pem" }

// generate runs the vendor's program, on a terminal where a password can be
// typed at whoever asks: typedPassword, or the program itself for the key of
// the authority.
func (s *mdmAuthority) generate(ctx context.Context, withPassword bool, args ...string) error {
	argv := []string{"python3"}
	if withPassword {
		argv = append(argv, "-c", typedPassword)
	}
	command := runner.Command{Argv: append(append(argv, generator), args...), Dir: s.h.root.Path(mdmCfg), Timeout: generatorTimeout}
	res, answered, err := s.h.run.RunTyping(ctx, command, runner.Typing{
		Secrets: []redact.Secret{s.password},
		Answer: func(text string, _ int) (redact.Secret, bool) {
			line := strings.ToLower(text[strings.LastIndexAny(text, "\r\n")+1:])
			asks := strings.Contains(line, "pass") && strings.HasSuffix(strings.TrimSpace(line), ":")
			return s.password, asks
		},
	})
	switch {
	case errors.Is(err, runner.ErrNotFound):
		return failure.Hopeless(fmt.Errorf("the vendor's program for certificates needs Python: %w", err))
	case err != nil:
		return err
	case res.Err() != nil:
		return fmt.Errorf("%s %s: %w", generator, args[0], res.Err())
	case withPassword && answered == 0:
		return fmt.Errorf("%s %s ended without its password", generator, args[0])
	}
	return nil
}

// authorityFiles are what a manager needs, by the names that they have in a
// box. Of the authority it is the certificate alone: its key stays here.
func (h *Host) authorityFiles(member string) (map[string]redact.Secret, error) {
	ca, err := h.root.ReadFile(authorityFile)
	if err != nil {
		return nil, err
	}
	public := certificatesIn(ca)
	own, err := h.root.ReadFile(certificateOf(member))
	if err != nil {
		return nil, err
	}
	if err := signedBy(public, own); err != nil {
		return nil, fmt.Errorf("%s: %w", certificateOf(member), err)
	}
	login, err := h.root.ReadFile(authorityLogin)
	if err != nil {
		return nil, err
	}
	if len(login) == 0 {
		return nil, fmt.Errorf("%s is empty", authorityLogin)
	}
	return map[string]redact.Secret{
		nodeproto.SecretMDMAuthority:   redact.New(string(public)),
		nodeproto.SecretMDMCertificate: redact.New(string(own)),
		nodeproto.SecretCLICertificate: redact.New(base64.StdEncoding.EncodeToString(login)),
	}, nil
}

// SealCertificate gives a manager's files, sealed to the node agent of its
// host. It changes nothing.
func (h *Host) SealCertificate(p nodeproto.SealedCertificateParams) (nodeproto.SealedCertificate, error) {
	if p.Member == "" || p.Member != path.Base(p.Member) {
		return nodeproto.SealedCertificate{}, errors.New("the question names no member")
	}
	if unfinished, err := h.marked(nodeproto.StepMDMAuthority); err != nil || unfinished {
		return nodeproto.SealedCertificate{}, errors.Join(err, errors.New("the authority is not complete"))
	}
	files, err := h.authorityFiles(p.Member)
	if err != nil {
		return nodeproto.SealedCertificate{}, err
	}
	box, err := nodeproto.Seal(p.Recipient, files)
	return nodeproto.SealedCertificate{Box: box}, err
}
