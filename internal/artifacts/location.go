package artifacts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// fetchTime bounds the fetch of a manifest.
const fetchTime = 30 * time.Second

// Located is an entry whose file can be found: on this machine, or at a URL.
type Located struct {
	Entry
	// Path is the file on this machine; empty when it is not here.
	Path string
	// Remote is an absolute URL; empty when the file is on this machine.
	Remote string
}

// IsURL tells a manifest's URL from a file's name.
func IsURL(location string) bool {
	return strings.HasPrefix(location, "http://") || strings.HasPrefix(location, "https://")
}

// Load reads a manifest from a file or a URL. What is relative in it lies
// beside it.
func Load(ctx context.Context, location string) ([]Located, error) {
	data, err := read(ctx, location)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", location, err)
	}
	manifest, err := ParseManifest(data)
	if err != nil {
		return nil, fmt.Errorf("manifest %s: %w", location, err)
	}
	var files []Located
	for _, e := range manifest.Entries {
		file, err := locate(location, e)
		if err != nil {
			return nil, fmt.Errorf("manifest %s: line %d: %w", location, e.Line, err)
		}
		files = append(files, file)
	}
	return files, nil
}

func locate(location string, e Entry) (Located, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return Located{}, err
	}
	if u.IsAbs() {
		return Located{Entry: e, Remote: e.URL}, nil
	}
	if !IsURL(location) {
		return inFolder(filepath.Dir(location), e)
	}
	base, err := url.Parse(location)
	if err != nil {
		return Located{}, err
	}
	remote := base.ResolveReference(u).String()
	// The manifest's own URL may have what its entries may not.
	return Located{Entry: e, Remote: remote}, checkURL(remote)
}

// inFolder finds the file of a relative entry below a folder.
func inFolder(folder string, e Entry) (Located, error) {
	u, err := url.Parse(e.URL)
	if err != nil {
		return Located{}, err
	}
	return Located{Entry: e, Path: filepath.Join(folder, filepath.FromSlash(u.Path))}, nil
}

// read takes a whole manifest, and one byte more of one that is too large.
func read(ctx context.Context, location string) (data []byte, err error) {
	if !IsURL(location) {
		file, err := os.Open(location)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		return io.ReadAll(io.LimitReader(file, maxManifest+1))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, fetchTime, fmt.Errorf("no answer within %s", fetchTime))
	defer cancel()
	body, err := open(ctx, location)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	return io.ReadAll(io.LimitReader(body, maxManifest+1))
}

// open asks a server for a file.
func open(ctx context.Context, address string) (io.ReadCloser, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept-Encoding", "identity") // the file as it is
	client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return nil, err // names the address itself
	}
	if res.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("the server answers %s", res.Status), res.Body.Close())
	}
	return res.Body, nil
}
