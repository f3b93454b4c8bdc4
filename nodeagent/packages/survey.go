package packages

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"scaleio-framework/nodeagent/rpmfile"
)

// Limits of a package that is unpacked; the largest of the vendor's has some
// hundred MiB.
const (
	maxFiles    = 20_000
	maxUnpacked = 4 << 30 // bytes
	maxTextFile = 1 << 20 // bytes of a unit
)

// surveyed is a package whose files all have a place.
type surveyed struct {
	record
	// origin tells by the path on the host which file of the package it is, and
	// moved by the path in the package where it is on the host.
	origin, moved map[string]string
	kinds         map[string]kind // by the path on the host
}

// survey reads a whole package file and changes nothing: what must not be
// unpacked is found before anything was.
func survey(name string) (*surveyed, error) {
	s := &surveyed{origin: map[string]string{}, moved: map[string]string{}, kinds: map[string]kind{}}
	links := map[string]bool{}
	var names []string
	var total int64
	sum, err := walk(name, func(p *rpmfile.Package, e rpmfile.Entry) error {
		if total += e.Size; len(names) >= maxFiles || total > maxUnpacked {
			return fmt.Errorf("it holds more than %d files or %d bytes", maxFiles, int64(maxUnpacked))
		}
		names = append(names, e.Name)
		return s.take(e, links)
	}, func(p *rpmfile.Package) { s.Name, s.Version = p.Name, p.Version+"-"+p.Release })
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		for dir := path.Dir(n); dir != "/"; dir = path.Dir(dir) {
			if links[dir] {
				return nil, fmt.Errorf("%s is below %s, which is a symbolic link of the same package", n, dir)
			}
		}
	}
	s.V, s.SHA256 = recordLayout, sum
	slices.SortFunc(s.Files, func(a, b file) int { return strings.Compare(a.Path, b.Path) })
	return s, nil
}

// take finds the place of one file.
func (s *surveyed) take(e rpmfile.Entry, links map[string]bool) error {
	if special := e.Mode & (fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky); special != 0 {
		return fmt.Errorf("%s has the mode %s: nothing with setuid, setgid or sticky is unpacked", e.Name, e.Mode)
	}
	if e.Mode.IsDir() {
		return nil // directories are made for their files
	}
	to, err := placeOf(e.Name)
	if err != nil {
		return err
	}
	f := file{Path: to.path, Mode: e.Mode.Perm() &^ 0o022, Config: to.kind == config}
	if e.Mode&fs.ModeSymlink != 0 {
		links[e.Name] = true
		if f.Target, err = linkTo(e.Name, e.Target); err != nil || f.Target == "" {
			return err
		}
		f.Mode, f.Config = 0, false
	}
	if to.path == "" {
		return nil
	}
	if other, taken := s.origin[to.path]; taken {
		return fmt.Errorf("%s and %s would both be %s on this host", other, e.Name, to.path)
	}
	s.origin[to.path], s.moved[e.Name], s.kinds[to.path] = e.Name, to.path, to.kind
	s.Files = append(s.Files, f)
	return nil
}

// walk reads a package file to its end, one entry after the other, and returns
// its checksum.
func walk(name string, each func(*rpmfile.Package, rpmfile.Entry) error, head func(*rpmfile.Package)) (sum string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	digest := sha256.New()
	all := io.TeeReader(f, digest)
	p, err := rpmfile.Read(all)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	head(p)
	for {
		e, err := p.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = each(p, e)
		}
		if err != nil {
			return "", err
		}
	}
	if _, err := io.Copy(io.Discard, all); err != nil {
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// rewrite maps the paths in a unit or a rule. A path is replaced where it
// stands alone, so that /usr/bin/rexray is not found in /usr/bin/rexrayd.
func (s *surveyed) rewrite(content []byte) []byte {
	content = bytes.ReplaceAll(content, []byte("/bin/emc/scaleio/"), []byte(sdcHome))
	for from, to := range s.moved {
		if from == to || strings.HasPrefix(from, "/bin/emc/scaleio/") {
			continue
		}
		var out []byte
		for rest := content; ; {
			at := bytes.Index(rest, []byte(from))
			if at < 0 {
				content = append(out, rest...)
				break
			}
			end := at + len(from)
			if at > 0 && inPath(rest[at-1]) || end < len(rest) && (inPath(rest[end]) || rest[end] == '-') {
				out = append(out, rest[:end]...)
			} else {
				out = append(append(out, rest[:at]...), to...)
			}
			rest = rest[end:]
		}
	}
	return content
}

// inPath reports whether a byte belongs to a longer path. A dash before one does
// not: ExecStart=-/usr/bin/rexray.
func inPath(b byte) bool {
	return b == '/' || b == '_' || b == '.' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
