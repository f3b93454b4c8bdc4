package config

import (
	"fmt"
	"net/url"
	"os"
	"strings"
)

// maxPublicKey is far above an RSA key of 8192 bits. The key goes into the
// record of each host's step.
const maxPublicKey = 4 << 10

// complete reads the public key and says all that is wrong with the settings.
func (s *SDC) complete() []error {
	var errs []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	where, err := url.Parse(s.Repository)
	switch {
	case s.Repository == "":
		need(s.User == "" && s.Password.IsEmpty() && s.Key.IsEmpty() && s.RepositoryKeyFile == "",
			"--sdc.driver-user, --sdc.driver-repository-key, SIO_SDC_DRIVER_PASSWORD and SIO_SDC_DRIVER_KEY are for a repository: set --sdc.driver-repository too")
	case err != nil || where.Scheme != "ftp" && where.Scheme != "sftp" && where.Scheme != "file" || strings.ContainsAny(s.Repository, " \t\r\n"):
		need(false, "--sdc.driver-repository is %q, want ftp://, sftp:// or file:// and the place", safeURL(s.Repository))
	default:
		need(where.User == nil, "--sdc.driver-repository holds a user or a password, which everyone on the host can read: set --sdc.driver-user and SIO_SDC_DRIVER_PASSWORD or SIO_SDC_DRIVER_PASSWORD_FILE instead")
	}
	need(!strings.ContainsAny(s.User, "\r\n"), "--sdc.driver-user has more than one line")
	need(!strings.ContainsAny(s.Password.Reveal(), "\r\n"), "SIO_SDC_DRIVER_PASSWORD has more than one line")
	need(!strings.HasSuffix(s.Password.Reveal(), `\`), "SIO_SDC_DRIVER_PASSWORD ends in a backslash, which a file of settings cannot hold")
	if s.RepositoryKeyFile == "" {
		return errs
	}
	text, err := os.ReadFile(s.RepositoryKeyFile)
	switch {
	case err != nil:
		errs = append(errs, fmt.Errorf("--sdc.driver-repository-key: %w", err))
	case len(strings.TrimSpace(string(text))) == 0 || len(text) > maxPublicKey:
		need(false, "--sdc.driver-repository-key: %s has %d bytes, want a public RSA key of at most %d", s.RepositoryKeyFile, len(text), maxPublicKey)
	case strings.Contains(string(text), "PRIVATE KEY"):
		need(false, "--sdc.driver-repository-key: %s holds a private key, want the repository's public one; yours goes into SIO_SDC_DRIVER_KEY_FILE", s.RepositoryKeyFile)
	}
	s.RepositoryKey = string(text)
	return errs
}
