package scaleioctl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

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

// schedulers are the URLs to ask, in this order: the one given, else the
// leader's and then those of the others, which wait for the next leader.
func (p *program) schedulers(ctx context.Context) ([]string, error) {
	if p.url != "" {
		base, err := baseURL(p.url)
		return []string{base}, err
	}
	if p.zk == "" {
		return nil, errUsage{"which scheduler? give --url (SIO_URL) of any of them, or --zk (SIO_ZK)"}
	}
	client, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	card, led, err := client.Leader(ctx)
	if err != nil {
		return nil, err
	}
	var urls []string
	if led {
		urls = append(urls, card.URL)
	}
	others, err := client.Candidates(ctx)
	if err != nil && !led {
		return nil, err
	}
	for _, other := range others {
		if !slices.Contains(urls, other.URL) {
			urls = append(urls, other.URL)
		}
	}
	if len(urls) == 0 {
		return nil, fmt.Errorf("no scheduler leads at the moment: the next one takes over within the session timeout; if none does, see that %s is the path of the schedulers' --zk, that the Marathon app runs, and what the last line of its tasks' stderr says", cmp.Or(p.zkPath(), "/"))
	}
	return urls, nil
}

// zkPath is the path of --zk; empty for the root.
func (p *program) zkPath() string {
	opts, err := zkconn.ParseURL(p.zk)
	if err != nil {
		return "" // open has said so before
	}
	return opts.Root
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
	urls, err := p.schedulers(ctx)
	if err != nil {
		return 0, err
	}
	var content []byte
	if body != nil {
		if content, err = json.Marshal(body); err != nil {
			return 0, fmt.Errorf("encode the request: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	base, resp, err := p.reach(ctx, urls, method, path, content)
	if err != nil {
		return 0, err
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close() // read to the end
	if err != nil {
		return 0, fmt.Errorf("ask the scheduler at %s: %w", base, err)
	}
	if resp.StatusCode >= http.StatusBadRequest && resp.StatusCode != http.StatusConflict {
		return resp.StatusCode, refusal(base, resp.Status, data)
	}
	if err := json.Unmarshal(data, answer); err != nil {
		return resp.StatusCode, notUnderstood(base, err)
	}
	return resp.StatusCode, nil
}

// refusal is what an error answer says.
func refusal(base, status string, data []byte) error {
	var problem httpapi.Problem
	if json.Unmarshal(data, &problem) == nil && problem.Error != "" {
		return fmt.Errorf("the scheduler at %s says: %s", base, problem.Error)
	}
	return fmt.Errorf("%s answers %s and not as a scheduler does: see that it is the address of one", base, status)
}

func notUnderstood(base string, err error) error {
	return fmt.Errorf("the answer of %s is not what this version understands; is it a scheduler, and of the version that scaleioctl is (scaleioctl leader, scaleioctl version)? %w", base, err)
}

// reach asks one scheduler after the other until one answers. A request that
// may have come through is not repeated unless it only reads: an order would be
// given twice.
func (p *program) reach(ctx context.Context, urls []string, method, path string, content []byte) (base string, resp *http.Response, err error) {
	remedy := "is the URL right, and does that scheduler run? --zk finds the leader by itself"
	if p.url == "" {
		remedy = "the leader may just have died: the next one takes over within the session timeout"
	}
	var failed []error
	for i, base := range urls {
		resp, err := p.send(ctx, len(urls)-i, method, base+path, content)
		if err == nil {
			return base, resp, nil
		}
		failed = append(failed, err)
		var dial *net.OpError
		unsent := errors.As(err, &dial) && dial.Op == "dial"
		if ctx.Err() != nil || method != http.MethodGet && !unsent {
			break
		}
	}
	if len(failed) == 1 {
		return "", nil, fmt.Errorf("ask the scheduler: %w (%s)", failed[0], remedy)
	}
	texts := make([]string, len(failed))
	for i, err := range failed {
		texts[i] = err.Error()
	}
	return "", nil, fmt.Errorf("no scheduler answers: %s (%s)", strings.Join(texts, "; "), remedy)
}

// send sends one request. While there are others to ask, a host that is gone
// or a process that hangs is given up after a part of the time, and not at its
// end; an order is waited for.
func (p *program) send(ctx context.Context, left int, method, target string, content []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(content))
	if err != nil {
		return nil, errUsage{"--url: " + err.Error()}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // one request a run
	share := p.timeout / time.Duration(left+1)
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: share}).DialContext,
		// A run asks once; it leaves no connection behind.
		DisableKeepAlives: true,
	}
	if left > 1 && method == http.MethodGet {
		transport.ResponseHeaderTimeout = share
	}
	return (&http.Client{Transport: transport}).Do(req)
}

// printJSON shows a value to programs.
func (p *program) printJSON(value any) error {
	enc := json.NewEncoder(p.Out)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
