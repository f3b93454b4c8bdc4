package executor

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// AgentVersion asks the Mesos agent which version of Mesos it is, such as
// 1.11.0.
func (e *Executor) AgentVersion(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, e.callTimeout)
	defer cancel()
	target := url.URL{Scheme: "http", Host: e.config.Endpoint, Path: "/version"}
	if e.config.TLS != nil {
		target.Scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), http.NoBody)
	if err != nil {
		return "", fmt.Errorf("ask the Mesos agent for its version: %w", err)
	}
	res, err := e.http.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask the Mesos agent for its version: %w", err)
	}
	defer func() { _ = res.Body.Close() }() // read only
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("ask the Mesos agent for its version: it answers %s", res.Status)
	}
	var answer struct {
		Version string `json:"version"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxVersion)).Decode(&answer); err != nil {
		return "", fmt.Errorf("ask the Mesos agent for its version: %w", err)
	}
	if answer.Version == "" {
		return "", fmt.Errorf("ask the Mesos agent for its version: its answer holds none")
	}
	return answer.Version, nil
}

// maxVersion bounds the answer, in bytes; Mesos' own has about 200.
const maxVersion = 64 << 10
