// Package artifacts fetches files that the schedulers serve.
//
// A file's identity is its SHA-256; where it comes from is transport, so the
// sources are tried in turn. A file enters the cache only after its size and
// checksum were verified, by a rename. A fetch that fails is an interruption:
// the network's fault is not the step's.
package artifacts

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/hostfs"
)

// headerTimeout bounds the wait for a source's answer; the body may take as
// long as the step has time.
const headerTimeout = 15 * time.Second

// Cache holds verified files.
type Cache struct {
	dir    string
	client *http.Client
}

// New keeps files in a directory, which must exist.
func New(dir string) *Cache {
	return &Cache{dir: dir, client: &http.Client{Transport: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: headerTimeout,
		TLSHandshakeTimeout: headerTimeout, DisableKeepAlives: true,
	}}}
}

// Get returns the path of a verified file. It keeps the artifact's file name,
// which package tools look at, in a directory named by its checksum.
func (c *Cache) Get(ctx context.Context, a nodeproto.Artifact, sources []string) (string, error) {
	sum := strings.ToLower(a.SHA256)
	if raw, err := hex.DecodeString(sum); err != nil || len(raw) != sha256.Size {
		return "", failure.Hopelessf("artifact %s has no valid SHA-256 (%q)", a.Path, a.SHA256)
	}
	name := path.Base(path.Clean("/" + a.Path))
	if name == "/" || name == "." {
		return "", failure.Hopelessf("artifact path %q names no file", a.Path)
	}
	dir := filepath.Join(c.dir, sum)
	file := filepath.Join(dir, name)
	if err := verify(file, a.Size, sum); err == nil {
		return file, nil
	}
	if len(sources) == 0 {
		return "", failure.Interrupted(fmt.Errorf("fetch %s: the command names no source", a.Path))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("fetch %s: %w", a.Path, err)
	}
	var failures []error
	for _, source := range sources {
		err := c.fetch(ctx, source, a, sum, file)
		if err == nil {
			return file, nil
		}
		failures = append(failures, err)
		if ctx.Err() != nil {
			break
		}
	}
	return "", failure.Interrupted(fmt.Errorf("fetch %s: %w", a.Path, errors.Join(failures...)))
}

// fetch gets a file from one source.
func (c *Cache) fetch(ctx context.Context, source string, a nodeproto.Artifact, sum, file string) (err error) {
	address, err := url.JoinPath(source, "artifacts", a.Path)
	if err != nil {
		return fmt.Errorf("source %s: %w", source, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return fmt.Errorf("source %s: %w", source, err)
	}
	res, err := c.client.Do(req)
	if err != nil {
		return err // names the address itself
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", address, res.Status)
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".fetch-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	hash := sha256.New()
	// One byte more than expected shows a file that is too long, without
	// taking all of it.
	n, copyErr := io.Copy(io.MultiWriter(tmp, hash), io.LimitReader(res.Body, a.Size+1))
	if err := errors.Join(copyErr, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if err := matches(n, hex.EncodeToString(hash.Sum(nil)), a.Size, sum); err != nil {
		return fmt.Errorf("%s: %w", address, err)
	}
	if err := os.Rename(tmp.Name(), file); err != nil {
		return err
	}
	return hostfs.SyncDir(filepath.Dir(file))
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

func matches(size int64, sum string, wantSize int64, wantSum string) error {
	switch {
	case size > wantSize:
		return fmt.Errorf("it is longer than the %d bytes expected", wantSize)
	case size < wantSize:
		return fmt.Errorf("it has %d bytes, expected are %d", size, wantSize)
	case sum != wantSum:
		return fmt.Errorf("its SHA-256 is %s, expected is %s", sum, wantSum)
	}
	return nil
}
