package packages

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"

	"scaleio-framework/nodeagent/hostfs"
)

// recordDir holds what is known of unpacked packages. It belongs to the host:
// every framework on it sees the same, as with dpkg's database.
const recordDir = "/var/lib/scaleio-packages"

// recordLayout is the layout of records that this program reads and writes.
const recordLayout = 1

// record is a package that was unpacked, or what may be there of one.
type record struct {
	V       int    `json:"v"`
	Name    string `json:"name"`
	Version string `json:"version"` // version and release, as rpm -q prints them
	// SHA256 is of the package file.
	SHA256 string `json:"sha256"`
	// Files are all of the package, by their paths on the host.
	Files []file `json:"files"`
	// Written are files that the package's scripts would have written.
	Written []string `json:"written,omitempty"`
	// Dirs were made for it.
	Dirs []string `json:"dirs,omitempty"`
	// Unit is its service; empty for none.
	Unit string `json:"unit,omitempty"`
}

// file is one file of a package.
type file struct {
	Path   string      `json:"path"`
	Mode   fs.FileMode `json:"mode,omitempty"`
	Size   int64       `json:"size,omitempty"`   // bytes
	SHA256 string      `json:"sha256,omitempty"` // as it was written
	Target string      `json:"target,omitempty"` // of a symbolic link
	// Config says that somebody may have changed it.
	Config bool `json:"config,omitempty"`
}

// records are the host's.
type records struct{ root hostfs.Root }

var recordName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`)

// pendingSuffix marks the record of work that was begun and not finished: it
// names everything that may be there.
const pendingSuffix = ".pending"

func (r records) file(name string) (string, error) {
	if !recordName.MatchString(name) {
		return "", fmt.Errorf("%q is no name of a package", name)
	}
	return path.Join(recordDir, name+".json"), nil
}

// read returns nil when there is no record of that name.
func (r records) read(name string) (*record, error) {
	at, err := r.file(name)
	if err != nil {
		return nil, err
	}
	data, there, err := r.root.ReadIfThere(at)
	if err != nil || !there {
		return nil, err
	}
	var rec record
	if err := json.Unmarshal(data, &rec); err != nil || rec.V != recordLayout {
		return nil, fmt.Errorf("%s cannot be read (layout %d, want %d; %w): restore it, or remove it together with the files of the package", at, rec.V, recordLayout, errors.Join(err))
	}
	return &rec, nil
}

func (r records) write(name string, rec *record) error {
	at, err := r.file(name)
	if err != nil {
		return err
	}
	data, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return err
	}
	return r.root.Write(at, append(data, '\n'), 0o644)
}

func (r records) remove(name string) error {
	at, err := r.file(name)
	if err != nil {
		return err
	}
	return r.root.Remove(at)
}

// whole reports whether every file of a package is there, as large as it was
// written. One whose content was changed and kept its size is not noticed.
func (r records) whole(rec *record) bool {
	for _, f := range rec.Files {
		info, err := os.Lstat(r.root.Path(f.Path))
		switch {
		case err != nil:
			return false
		case f.Target != "":
			if target, err := os.Readlink(r.root.Path(f.Path)); err != nil || target != f.Target {
				return false
			}
		case !info.Mode().IsRegular(), !f.Config && info.Size() != f.Size:
			return false
		}
	}
	for _, name := range rec.Written {
		if !r.root.Exists(name) {
			return false
		}
	}
	return true
}
