// Package artifacts fetches files that the schedulers serve, or that lie at a
// URL of the operator's.
//
// A file's identity is its SHA-256; where it comes from is transport, so the
// sources are tried in turn, and what one of them began another may finish. A
// file enters the cache only after its size and checksum were verified, by a
// rename; what is not complete has another name. The cache is bounded: the
// files that were not used for longest go first, and never one in use.
//
// A source that cannot be reached, or breaks off, is an interruption: the
// network's fault is not the step's. When every source has another file than
// the one wanted, or this host has no room for it, the attempt has failed.
package artifacts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
)

// Use gives f the path of a verified file and keeps the file until f returns.
// It has the artifact's file name, which package tools look at, in a directory
// named by its checksum.
func (c *Cache) Use(ctx context.Context, a nodeproto.Artifact, sources []string, f func(file string) error) error {
	sum := strings.ToLower(a.SHA256)
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		return failure.Hopelessf("artifact %s has no valid SHA-256 (%q)", a.Path, a.SHA256)
	}
	name := path.Base(path.Clean("/" + a.Path))
	if name == "/" || name == "." {
		return failure.Hopelessf("artifact path %q names no file", a.Path)
	}
	if a.Size < 1 {
		return failure.Hopelessf("artifact %s has a size of %d bytes", a.Path, a.Size)
	}
	release := c.hold(sum)
	defer release()
	file := filepath.Join(c.dir, sum, name)
	if err := c.get(ctx, a, sum, file, sources); err != nil {
		return err
	}
	return f(file)
}

// get makes sure that the file is there. One fetch of a file runs at a time:
// two would write to the same partial file.
func (c *Cache) get(ctx context.Context, a nodeproto.Artifact, sum, file string, sources []string) error {
	unlock, err := c.lock(ctx, sum)
	if err != nil {
		return err
	}
	defer unlock()
	err = verify(file, a.Size, sum)
	switch {
	case err == nil:
		return c.touch(sum)
	case !errors.Is(err, fs.ErrNotExist): // it is damaged, and would take the room of a good one
		if err := os.Remove(file); err != nil {
			return fmt.Errorf("fetch %s: %w", a.Path, err)
		}
	}
	addresses := addressesOf(a, sources)
	if len(addresses) == 0 {
		return failure.Interrupted(fmt.Errorf("fetch %s: the command names no source", a.Path))
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("fetch %s: %w", a.Path, err)
	}
	if err := c.makeRoom(a, sum); err != nil {
		return fmt.Errorf("fetch %s: %w", a.Path, err)
	}
	var failures []error
	final := true // every source was reached and has nothing for us
	for _, address := range addresses {
		err := c.fetch(ctx, address, a.Size, sum, file)
		if err == nil {
			return nil
		}
		failures = append(failures, fmt.Errorf("%s: %w", address, err))
		var wrong wrongFile
		var local localError
		if errors.As(err, &local) {
			return fmt.Errorf("fetch %s: %w", a.Path, errors.Join(failures...))
		}
		final = final && errors.As(err, &wrong)
		if ctx.Err() != nil {
			final = false
			break
		}
	}
	err = fmt.Errorf("fetch %s: %w", a.Path, errors.Join(failures...))
	if final {
		return err
	}
	return failure.Interrupted(err)
}

// addressesOf are where a file may be fetched from: the operator's URL, or any
// of the schedulers.
func addressesOf(a nodeproto.Artifact, sources []string) []string {
	if a.URL != "" {
		return []string{a.URL}
	}
	var list []string
	for _, source := range sources {
		address, err := url.JoinPath(source, "artifacts", a.Path)
		if err != nil {
			address = source // asking it says what is wrong with it
		}
		list = append(list, address)
	}
	return list
}

func verify(file string, size int64, sum string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, copyErr := io.Copy(hash, f)
	if err := errors.Join(copyErr, f.Close()); err != nil {
		return err
	}
	return matches(n, hex.EncodeToString(hash.Sum(nil)), size, sum)
}

// wrongFile says that a source has another file than the one wanted.
type wrongFile struct{ text string }

func (e wrongFile) Error() string { return e.text }

func matches(size int64, sum string, wantSize int64, wantSum string) error {
	switch {
	case size > wantSize:
		return wrongFile{fmt.Sprintf("it is longer than the %d bytes expected", wantSize)}
	case size < wantSize:
		return wrongFile{fmt.Sprintf("it has %d bytes, expected are %d", size, wantSize)}
	case sum != wantSum:
		return wrongFile{fmt.Sprintf("its SHA-256 is %s, expected is %s", sum, wantSum)}
	}
	return nil
}
