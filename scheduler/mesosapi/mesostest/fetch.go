package mesostest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// fetch brings the files of a command into the sandbox: over HTTP, or from a local path. Archives are not extracted.
func fetch(ctx context.Context, uris []mesos.CommandInfo_URI, dir string) error {
	transport := &http.Transport{DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for _, uri := range uris {
		if err := fetchOne(ctx, client, uri, dir); err != nil {
			return fmt.Errorf("failed to fetch '%s': %w", uri.Value, err)
		}
	}
	return ctx.Err()
}

func fetchOne(ctx context.Context, client *http.Client, uri mesos.CommandInfo_URI, dir string) error {
	parsed, err := url.Parse(uri.Value)
	if err != nil {
		return err
	}
	source, err := open(ctx, client, parsed)
	if err != nil {
		return err
	}
	defer source.Close()
	name := path.Base(parsed.Path)
	if uri.OutputFile != nil {
		name = *uri.OutputFile
	}
	target := filepath.Join(dir, name)
	if !strings.HasPrefix(target, dir+string(filepath.Separator)) {
		return fmt.Errorf("the output file %q lies outside of the sandbox", name)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if uri.GetExecutable() {
		mode = 0o755
	}
	file, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(file, source); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}

func open(ctx context.Context, client *http.Client, source *url.URL) (io.ReadCloser, error) {
	switch source.Scheme {
	case "", "file":
		return os.Open(source.Path)
	case "http", "https":
	default:
		return nil, fmt.Errorf("the double fetches no %q", source.Scheme)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source.String(), nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		_ = response.Body.Close()
		return nil, fmt.Errorf("unexpected HTTP response '%s'", response.Status)
	}
	return response.Body, nil
}
