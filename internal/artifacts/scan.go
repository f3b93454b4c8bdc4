package artifacts

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Ignored is a file that a scan leaves out although its name looks like one of
// a package.
type Ignored struct{ File, Reason string }

// looksLikeOurs finds names that were meant to be packages.
var looksLikeOurs = regexp.MustCompile(`(?i)^(?:(?:emc-scaleio|rexray|dvdcli)[-_].*\.(?:rpm|deb|tar|siob|zip|msi|vib)|scini.*\.ko(?:\.\w+)?)$`)

// Scan lists the packages of a folder and its subfolders. The URLs are relative
// to it.
func Scan(folder string) (*Manifest, []Ignored, error) {
	m := &Manifest{}
	var ignored []Ignored
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name, ok := ParseName(entry.Name())
		if !ok {
			if looksLikeOurs.MatchString(entry.Name()) {
				ignored = append(ignored, Ignored{File: relative, Reason: unusable(entry.Name())})
			}
			return nil
		}
		sum, size, err := checksum(path)
		if err != nil {
			return err
		}
		if size == 0 {
			return fmt.Errorf("%s is empty: copy it again", relative)
		}
		at := (&url.URL{Path: filepath.ToSlash(relative)}).String()
		return m.add(Entry{Name: name, URL: at, File: entry.Name(), SHA256: sum, Size: size})
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the folder of packages %s: %w", folder, err)
	}
	ignored = append(ignored, m.versionModules()...)
	m.sort()
	return m, ignored, nil
}

// versionModules gives kernel modules the version of the packages beside them.
// It leaves them out where that is not clear: a module of another version than
// the SDC loads all the same, and fails later.
func (m *Manifest) versionModules() []Ignored {
	var versions []string
	for _, e := range m.Entries {
		if e.vendor() && e.Component != kernelModule && !slices.Contains(versions, e.Version) {
			versions = append(versions, e.Version)
		}
	}
	var ignored []Ignored
	m.Entries = slices.DeleteFunc(m.Entries, func(e Entry) bool {
		if e.Component != kernelModule || len(versions) == 1 {
			return false
		}
		ignored = append(ignored, Ignored{File: e.URL, Reason: fmt.Sprintf("its name does not say of which version of ScaleIO it is, and the folder has packages of %d: keep one, or name the module in a manifest", len(versions))})
		return true
	})
	for i := range m.Entries {
		if m.Entries[i].Component == kernelModule {
			m.Entries[i].Version = versions[0]
		}
	}
	return ignored
}

// unusable says why a name that looks like a package's is left out.
func unusable(file string) string {
	if strings.Contains(file, ".ko") {
		return "a kernel module's name is scini-<kernel release>.ko, the release as uname -r prints it; a compressed one is not taken"
	}
	for _, family := range []string{familyDeb, familyRPM} {
		if err := checkFile(file, family); err == nil {
			return "its name is none of those in docs/packages.md"
		}
	}
	return checkFile(file, familyDeb).Error()
}

func checksum(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if sum, size, err = digest(f); err != nil {
		return "", 0, fmt.Errorf("read %s: %w", path, err)
	}
	return sum, size, nil
}

func digest(r io.Reader) (sum string, size int64, err error) {
	h := sha256.New()
	size, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), size, err
}
