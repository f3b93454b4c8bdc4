package packages

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/rpmfile"
)

// beside is where a file is written before it takes its place.
func beside(name string) string { return path.Dir(name) + "/." + path.Base(name) + ".unpacking" }

// place writes every file beside its place, then gives all of them their places.
func (u unpacked) place(ctx context.Context, name string, s *surveyed) (err error) {
	defer func() {
		if err == nil {
			return
		}
		for _, f := range s.Files { // a full disk gets its room back
			_ = os.Remove(u.root.Path(beside(f.Path)))
		}
	}()
	index := map[string]int{}
	for i, f := range s.Files {
		index[f.Path] = i
	}
	sameFile := map[int64][]*file{}
	sum, err := walk(name, func(p *rpmfile.Package, e rpmfile.Entry) error {
		i, placed := index[s.moved[e.Name]]
		if err := ctx.Err(); err != nil || !placed || e.Mode.IsDir() {
			return err
		}
		f := &s.Files[i]
		if err := u.write(f, p, s); err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		if e.Inode == 0 {
			return nil
		}
		// Of one file with several names, only the last has content.
		sameFile[e.Inode] = append(sameFile[e.Inode], f)
		return u.copyTo(sameFile[e.Inode], f)
	}, func(*rpmfile.Package) {})
	if err != nil {
		return err
	}
	if sum != s.SHA256 {
		return errors.New("the package changed while it was unpacked")
	}
	dirs := map[string]bool{}
	for _, f := range s.Files {
		from, to := u.root.Path(beside(f.Path)), u.root.Path(f.Path)
		if f.Config && u.root.Exists(f.Path) {
			err = os.Remove(from)
		} else {
			err = os.Rename(from, to)
		}
		if err != nil {
			return err
		}
		dirs[path.Dir(to)] = true
	}
	for dir := range dirs {
		if err := hostfs.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// write writes one file beside its place and notes what it is.
func (u unpacked) write(f *file, content io.Reader, s *surveyed) error {
	at := u.root.Path(beside(f.Path))
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.Target != "" {
		return os.Symlink(f.Target, at)
	}
	if s.kinds[f.Path] == text {
		raw, err := io.ReadAll(io.LimitReader(content, maxTextFile+1))
		if err != nil {
			return err
		}
		if len(raw) > maxTextFile {
			return fmt.Errorf("it is larger than %d bytes", maxTextFile)
		}
		content = strings.NewReader(string(s.rewrite(raw)))
	}
	return writeNew(at, content, f)
}

// copyTo gives the names of one file that came before its content what f has.
func (u unpacked) copyTo(names []*file, f *file) error {
	if f.Size == 0 {
		return nil
	}
	for _, other := range names {
		if other == f {
			continue
		}
		from, err := os.Open(u.root.Path(beside(f.Path)))
		if err != nil {
			return err
		}
		at := u.root.Path(beside(other.Path))
		if err := errors.Join(os.Remove(at), writeNew(at, from, other), from.Close()); err != nil {
			return fmt.Errorf("%s: %w", other.Path, err)
		}
	}
	return nil
}

// replace writes a setting beside its place and gives it its place. It is
// readable by nobody else from the first byte on.
func (u unpacked) replace(name string, content []byte, mode fs.FileMode) error {
	f := file{Path: name, Mode: mode}
	at := u.root.Path(beside(name))
	if err := os.Remove(at); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := writeNew(at, bytes.NewReader(content), &f); err != nil {
		return err
	}
	if err := os.Rename(at, u.root.Path(name)); err != nil {
		return err
	}
	return hostfs.SyncDir(path.Dir(at))
}
