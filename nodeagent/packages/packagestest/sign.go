package packagestest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Signer signs packages of rpm by a key of its own.
type Signer struct {
	home, name string
	public     []byte
}

// NewSigner draws a key for a name, and keeps it in a directory that must be
// empty and have a short path.
func NewSigner(home, name string) (*Signer, error) {
	s := &Signer{home: home, name: name}
	if err := os.Chmod(home, 0o700); err != nil {
		return nil, err
	}
	if _, err := s.gpg("--quick-generate-key", "--passphrase", "", name, "rsa2048", "sign", "never"); err != nil {
		return nil, err
	}
	var err error
	s.public, err = s.gpg("--armor", "--export", name)
	return s, err
}

// gpg runs it without the agent outliving this process's directory.
func (s *Signer) gpg(args ...string) ([]byte, error) {
	cmd := exec.Command("gpg", append([]string{"--homedir", s.home, "--batch", "--quiet", "--pinentry-mode", "loopback"}, args...)...)
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("gpg %v: %w", args, err)
	}
	return out, nil
}

// Public is the public key, as rpm --import takes it.
func (s *Signer) Public() []byte { return s.public }

// Sign puts a signature into package files.
func (s *Signer) Sign(files ...string) error {
	gpg, err := exec.LookPath("gpg") // rpm looks for gpg2, which newer systems do not have
	if err != nil {
		return err
	}
	args := []string{"--addsign", "--define", "_gpg_name " + s.name, "--define", "_gpg_path " + s.home, "--define", "__gpg " + gpg}
	if out, err := exec.Command("rpmsign", append(args, files...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("rpmsign: %w: %s", err, out)
	}
	return nil
}

// Close ends the agent that gpg has started.
func (s *Signer) Close() error {
	out, err := exec.Command("gpgconf", "--homedir", s.home, "--kill", "gpg-agent").CombinedOutput()
	if err != nil {
		return fmt.Errorf("gpgconf %s: %w: %s", filepath.Base(s.home), err, out)
	}
	return nil
}
