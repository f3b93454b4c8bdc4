package scaleioctl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"scaleio-framework/internal/httpapi"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/leader"
)

// maxAnswer is the largest answer that is read, in bytes.
const maxAnswer = 64 << 20

// open connects to the framework's ZooKeeper.
func (p *program) open(ctx context.Context) (*leader.Client, error) {
	if p.zk == "" {
		return nil, errUsage{"where is ZooKeeper? give --zk or SIO_ZK"}
	}
	opts, err := zkconn.ParseURL(p.zk)
	if err != nil {
		return nil, errUsage{"--zk: " + err.Error()}
	}
	if opts.DigestUser != "" {
		return nil, errUsage{"--zk holds a password, which everyone on the host can read: give --zk.user and SIO_ZK_PASSWORD or SIO_ZK_PASSWORD_FILE instead"}
	}
	if (p.zkUser == "") != p.zkPassword.IsEmpty() {
		return nil, errUsage{"--zk.user and SIO_ZK_PASSWORD go together: give both or none"}
	}
	opts.DigestUser, opts.DigestPassword = p.zkUser, p.zkPassword
	if opts.TLS, err = p.zkTLS.TLSConfig(); err != nil {
		return nil, errUsage{err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	client, err := leader.Open(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("reach ZooKeeper at %s: %w", strings.Join(opts.Servers, ","), err)
	}
	return client, nil
}

// scheduler is the URL to ask: the one given, else the leader's.
func (p *program) scheduler(ctx context.Context) (string, error) {
	if p.url != "" {
		return baseURL(p.url)
	}
	if p.zk == "" {
		return "", errUsage{"which scheduler? give --url (SIO_URL) of any of them, or --zk (SIO_ZK)"}
	}
	client, err := p.open(ctx)
	if err != nil {
		return "", err
	}
	defer client.Close()
	card, ok, err := client.Leader(ctx)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errors.New("no scheduler leads at the moment: the next one takes over within the session timeout; if none does, look whether the Marathon app runs")
	}
	return card.URL, nil
}

// baseURL reads --url, which may be just host:port.
func baseURL(text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return "", errUsage{"--url is no address of a scheduler: want http://host:port"}
	}
	return strings.TrimRight(text, "/"), nil
}

// ask sends a request to a scheduler and decodes the answer.
func (p *program) ask(ctx context.Context, method, path string, body, answer any) (status int, err error) {
	base, err := p.scheduler(ctx)
	if err != nil {
		return 0, err
	}
	var content io.Reader = http.NoBody
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return 0, fmt.Errorf("encode the request: %w", err)
		}
		content = bytes.NewReader(data)
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, content)
	if err != nil {
		return 0, errUsage{"--url: " + err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // one request a run
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		remedy := "is the URL right, and does that scheduler run? --zk finds the leader by itself"
		if p.url == "" {
			remedy = "this leader may just have died: the next one takes over within the session timeout"
		}
		return 0, fmt.Errorf("ask the scheduler: %w (%s)", err, remedy)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close() // read to the end
	if err != nil {
		return 0, fmt.Errorf("ask the scheduler at %s: %w", base, err)
	}
	if resp.StatusCode >= http.StatusBadRequest && resp.StatusCode != http.StatusConflict {
		var problem httpapi.Problem
		if json.Unmarshal(data, &problem) == nil && problem.Error != "" {
			return resp.StatusCode, fmt.Errorf("the scheduler at %s says: %s", base, problem.Error)
		}
		return resp.StatusCode, fmt.Errorf("the scheduler at %s answers %s", base, resp.Status)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return resp.StatusCode, fmt.Errorf("the answer of %s is not what this version understands: %w", base, err)
	}
	return resp.StatusCode, nil
}

// printJSON shows a value to programs.
func (p *program) printJSON(value any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
