package imds

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// DefaultEndpoint is the service as every instance sees it.
const DefaultEndpoint = "http://169.254.169.254"

// ErrNotEC2 means that there is no metadata service: the host is not an EC2
// instance, or the service is switched off for it.
var ErrNotEC2 = errors.New("no EC2 metadata service")

// Identity is which instance this is and where.
type Identity struct {
	InstanceID string // i-...
	Zone       string // availability zone, for example eu-west-1a
	Type       string // instance type, for example m5.large
}

// Options say how the service is reached.
type Options struct {
	Endpoint string        // default DefaultEndpoint; SIO_IMDS_ENDPOINT of the caller
	Timeout  time.Duration // of all requests together; default 2 s
}

// Reader asks the service.
type Reader struct {
	endpoint string
	timeout  time.Duration
}

// New prepares a reader; it asks nothing yet.
func New(opts Options) (*Reader, error) {
	if opts.Endpoint == "" {
		opts.Endpoint = DefaultEndpoint
	}
	if opts.Timeout == 0 {
		opts.Timeout = 2 * time.Second
	}
	u, err := url.Parse(opts.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("imds: endpoint %q is not an http or https URL", opts.Endpoint)
	}
	if opts.Timeout < 0 {
		return nil, errors.New("imds: Timeout must be positive")
	}
	return &Reader{endpoint: strings.TrimSuffix(opts.Endpoint, "/"), timeout: opts.Timeout}, nil
}

const (
	tokenHeader = "X-Aws-Ec2-Metadata-Token"
	// tokenSeconds is the life of a token. One is taken for each reading.
	tokenSeconds = "60"
	// longest is more than any answer; what is longer comes from elsewhere.
	longest = 1024
)

// What answers may look like. Something else may listen at that address.
var (
	instanceID   = regexp.MustCompile(`^i-[0-9a-f]{1,32}$`)
	zone         = regexp.MustCompile(`^[a-z]{2,}(-[a-z0-9]+){1,6}$`)
	instanceType = regexp.MustCompile(`^[a-z0-9-]+\.[a-z0-9-]+$`)
)

// Read asks which instance this is. ErrNotEC2 when nobody answers, or nobody
// who gives tokens; another error when a service answers and makes no sense.
func (r *Reader) Read(ctx context.Context) (Identity, error) {
	within, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	// No proxy and no connection kept: the address is link-local, the questions
	// are few.
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

	token, err := r.ask(within, client, http.MethodPut, "/latest/api/token", tokenHeader+"-Ttl-Seconds", tokenSeconds)
	if err != nil || token == "" {
		if ctx.Err() != nil {
			return Identity{}, fmt.Errorf("imds: %w", ctx.Err())
		}
		return Identity{}, fmt.Errorf("%w at %s: %v", ErrNotEC2, r.endpoint, err)
	}
	var id Identity
	for _, q := range []struct {
		path  string
		into  *string
		shape *regexp.Regexp
	}{
		{"instance-id", &id.InstanceID, instanceID},
		{"placement/availability-zone", &id.Zone, zone},
		{"instance-type", &id.Type, instanceType},
	} {
		answer, err := r.ask(within, client, http.MethodGet, "/latest/meta-data/"+q.path, tokenHeader, token)
		if err != nil {
			return Identity{}, fmt.Errorf("imds: read %s: %w", q.path, err)
		}
		if !q.shape.MatchString(answer) {
			return Identity{}, fmt.Errorf("imds: %s is %.40q, which is none: does something else answer at %s?", q.path, answer, r.endpoint)
		}
		*q.into = answer
	}
	return id, nil
}

// ask makes one request with one header and returns the answer's text.
func (r *Reader) ask(ctx context.Context, client *http.Client, method, path, header, value string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, r.endpoint+path, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set(header, value)
	answer, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("answered %s", answer.Status)
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, longest+1))
	switch {
	case err != nil:
		return "", err
	case len(body) > longest:
		return "", fmt.Errorf("answered more than %d bytes", longest)
	}
	return strings.TrimSpace(string(body)), nil
}
