package steps

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
)

// Where the SDC keeps what it fetches modules by; on Ubuntu from 3.6 on it is
// the second one.
const (
	syncDir       = "/bin/emc/scaleio/scini_sync"
	syncDirUbuntu = "/etc/emc/scaleio/scini_sync"
)

// The names in that directory.
const (
	syncConf          = "driver_sync.conf"
	syncKey           = "scini_key"
	syncRepositoryKey = "scini_repo_key.pub"
	syncBuild         = ".build_scini"
)

// driverSource tells an SDC where to find a module that its package has not.
type driverSource struct {
	h        *Host
	from     nodeproto.DriverSource
	password redact.Secret
	key      redact.Secret
}

func (h *Host) driverSource(from *nodeproto.DriverSource, secrets map[string]redact.Secret) (*driverSource, error) {
	if from == nil {
		return nil, nil
	}
	s := &driverSource{h: h, from: *from, password: secrets[nodeproto.SecretDriverPassword], key: secrets[nodeproto.SecretDriverKey]}
	if strings.ContainsAny(from.Repository+from.User+s.password.Reveal(), "\r\n") {
		return nil, errors.New("the driver repository's address, user or password has more than one line")
	}
	return s, nil
}

// syncFile is a file that the SDC's synchronisation reads.
type syncFile struct {
	name    string
	content []byte
	mode    fs.FileMode
}

// files are those that have to be there, as they have to be. What else stands
// in the settings is kept.
func (s *driverSource) files() ([]syncFile, error) {
	dir := syncDir
	if s.h.root.Exists(syncDirUbuntu) {
		dir = syncDirUbuntu
	}
	conf := dir + "/" + syncConf
	old, _, err := s.h.root.ReadIfThere(conf)
	if err != nil {
		return nil, err
	}
	sigcheck := "0"
	if s.from.CheckSignature {
		sigcheck = "1"
	}
	settings := [][2]string{{"module_sigcheck", sigcheck}}
	var files []syncFile
	if s.from.Repository != "" {
		settings = append(settings, [][2]string{
			{"repo_address", s.from.Repository}, {"repo_user", s.from.User}, {"repo_password", s.password.Reveal()},
		}...)
	}
	if !s.key.IsEmpty() {
		settings = append(settings, [2]string{"user_private_rsa_key", dir + "/" + syncKey})
		files = append(files, syncFile{dir + "/" + syncKey, []byte(strings.TrimRight(s.key.Reveal(), "\n") + "\n"), 0o600})
	}
	if s.from.RepositoryKey != "" {
		settings = append(settings, [2]string{"repo_public_rsa_key", dir + "/" + syncRepositoryKey})
		files = append(files, syncFile{dir + "/" + syncRepositoryKey, []byte(s.from.RepositoryKey), 0o644})
	}
	if s.from.Build && s.h.root.Exists(syncDirUbuntu) {
		files = append(files, syncFile{syncDirUbuntu + "/" + syncBuild, nil, 0o644})
	}
	return append(files, syncFile{conf, setProperties(old, settings), 0o600}), nil
}

// there reports whether all files are as they have to be.
func (s *driverSource) there() (bool, error) {
	if s == nil {
		return true, nil
	}
	files, err := s.files()
	if err != nil {
		return false, err
	}
	for _, f := range files {
		have, there, err := s.h.root.ReadIfThere(f.name)
		if err != nil || !there || !bytes.Equal(have, f.content) || s.h.root.Mode(f.name) != f.mode {
			return false, err
		}
	}
	return true, nil
}

func (s *driverSource) write() error {
	if s == nil {
		return nil
	}
	files, err := s.files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := s.h.root.WriteIfDifferent(f.name, f.content, f.mode); err != nil {
			return err
		}
	}
	return nil
}

// loadDriver starts the SDC's service again where it runs without its module:
// then it looks for one anew. Where the module runs it is left alone, since
// volumes may be mapped; a new source counts for its next start.
func (h *Host) loadDriver(ctx context.Context) error {
	err := h.moduleRuns(ctx)
	if failure.KindOf(err) != failure.Hopelessness {
		return err // it runs, or it cannot be told
	}
	return h.services.Restart(ctx, serviceOf(sdc))
}
