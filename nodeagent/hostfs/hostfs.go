// Package hostfs reads and writes the files of a host that may be a directory.
//
// Paths are absolute as the host sees them, /etc/os-release for example; a Root
// puts its directory before them. Writes are atomic and durable: a temporary
// file beside the target, fsync, rename, fsync of the directory. A reader, and
// a crash at any instruction, finds the old content or the new one.
package hostfs

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// KeepMode leaves the mode of an existing file as it is; a new file gets 0644.
const KeepMode fs.FileMode = 0

// maxLinks bounds how many links Resolve follows.
const maxLinks = 16

// Root is a host's file system. The zero value is the machine's own.
type Root struct{ dir string }

// New returns the host below dir; empty or "/" is the machine itself.
func New(dir string) Root {
	if dir == "" {
		dir = "/"
	}
	return Root{dir: filepath.Clean(dir)}
}

// IsMachine reports whether the host is the machine itself.
func (r Root) IsMachine() bool { return r.dir == "" || r.dir == "/" }

// Path is where a file of the host is on this machine. Nothing escapes the
// root by "..".
func (r Root) Path(name string) string {
	if r.IsMachine() {
		return filepath.Clean("/" + name)
	}
	return filepath.Join(r.dir, filepath.Clean("/"+name))
}

// Resolve follows symbolic links as the host would, absolute ones from the
// host's root, and returns the host's name of what is found. A name that does
// not exist is returned as it is.
func (r Root) Resolve(name string) string {
	name = filepath.Clean("/" + name)
	for range maxLinks {
		target, err := os.Readlink(r.Path(name))
		if err != nil {
			return name
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(name), target)
		}
		name = filepath.Clean(target)
	}
	return name
}

// ReadFile reads a file of the host.
func (r Root) ReadFile(name string) ([]byte, error) {
	data, err := os.ReadFile(r.Path(name))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, cause(err))
	}
	return data, nil
}

// ReadIfThere reads a file of the host; one that is not there is empty.
func (r Root) ReadIfThere(name string) (data []byte, there bool, err error) {
	data, err = r.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// Exists reports whether the host has a file of this name.
func (r Root) Exists(name string) bool {
	_, err := os.Stat(r.Path(name))
	return err == nil
}

// IsDir reports whether the host has a directory of that name.
func (r Root) IsDir(name string) bool {
	info, err := os.Stat(r.Path(name))
	return err == nil && info.IsDir()
}

// ReadDir lists a directory of the host, sorted.
func (r Root) ReadDir(name string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(r.Path(name))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, cause(err))
	}
	return entries, nil
}

// Write replaces a file of the host atomically. KeepMode keeps an existing
// file's mode; any other mode is forced. Owner and group of an existing file
// are kept where we may set them.
func (r Root) Write(name string, data []byte, mode fs.FileMode) error {
	path := r.Path(r.Resolve(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write %s: %w", name, cause(err))
	}
	want := attributes(path, mode)
	if err := replace(path, data, want); err != nil {
		return fmt.Errorf("write %s: %w", name, cause(err))
	}
	return nil
}

// WriteIfDifferent writes only when the content differs or a forced mode does,
// and tells whether it wrote.
func (r Root) WriteIfDifferent(name string, data []byte, mode fs.FileMode) (bool, error) {
	old, there, err := r.ReadIfThere(name)
	if err != nil {
		return false, err
	}
	if there && bytes.Equal(old, data) && (mode == KeepMode || r.Mode(name) == mode) {
		return false, nil
	}
	return true, r.Write(name, data, mode)
}

// Mode is a file's permission bits; 0 when it is not there.
func (r Root) Mode(name string) fs.FileMode {
	info, err := os.Stat(r.Path(name))
	if err != nil {
		return 0
	}
	return info.Mode().Perm()
}

// owner is what a replaced file keeps.
type owner struct {
	mode     fs.FileMode
	uid, gid int
	known    bool
}

func attributes(path string, mode fs.FileMode) owner {
	o := owner{mode: mode}
	info, err := os.Stat(path)
	if err == nil {
		if mode == KeepMode {
			o.mode = info.Mode().Perm()
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			o.uid, o.gid, o.known = int(st.Uid), int(st.Gid), true
		}
	}
	if o.mode == KeepMode {
		o.mode = 0o644
	}
	return o
}

func replace(path string, data []byte, want owner) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	// CreateTemp makes it 0600, so a secret is never readable by others while
	// it is being written.
	if _, err = f.Write(data); err != nil {
		return err
	}
	if want.known && os.Geteuid() == 0 {
		if err = f.Chown(want.uid, want.gid); err != nil {
			return err
		}
	}
	if err = f.Chmod(want.mode); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	// From here on the new content stands; only its durability can fail.
	return errors.Join(f.Close(), SyncDir(filepath.Dir(path)))
}

// SyncDir makes the names in a directory of this machine durable.
func SyncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync directory: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

// Remove deletes a file of the host, durably; one that is not there is fine.
func (r Root) Remove(name string) error {
	path := r.Path(name)
	err := os.Remove(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove %s: %w", name, cause(err))
	}
	return SyncDir(filepath.Dir(path))
}

// RemoveAll deletes a directory of the host with all that is in it, durably;
// one that is not there is fine. Symbolic links are removed, not followed.
func (r Root) RemoveAll(name string) error {
	path := r.Path(name)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.RemoveAll(path); err != nil {
		return fmt.Errorf("remove %s: %w", name, cause(err))
	}
	return SyncDir(filepath.Dir(path))
}

// MakeDir makes a directory of the host, and those above it.
func (r Root) MakeDir(name string, mode fs.FileMode) error {
	if err := os.MkdirAll(r.Path(name), mode); err != nil {
		return fmt.Errorf("make %s: %w", name, cause(err))
	}
	return nil
}

// Rename gives a file or directory of the host another name, durably, within
// one directory.
func (r Root) Rename(from, to string) error {
	if err := os.Rename(r.Path(from), r.Path(to)); err != nil {
		return fmt.Errorf("rename %s: %w", from, errors.Unwrap(err))
	}
	return SyncDir(filepath.Dir(r.Path(to)))
}

// RemoveEmpty deletes a directory of the host that nothing is in; one that
// holds something, or is not there, stays as it is.
func (r Root) RemoveEmpty(name string) error {
	err := os.Remove(r.Path(name))
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTEMPTY) {
		return nil
	}
	return fmt.Errorf("remove %s: %w", name, cause(err))
}

// cause takes the machine's path out of an error, since the texts name the
// host's.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
