package mesosapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
)

const (
	apiPath        = "/api/v1/scheduler"
	mediaProtobuf  = "application/x-protobuf"
	streamIDHeader = "Mesos-Stream-Id"
	// maxErrorText is how much of an error's body is kept, in bytes.
	maxErrorText = 1 << 10
	// dialTimeout bounds connecting to a host that does not answer at all.
	dialTimeout = 5 * time.Second
)

// newTransport makes the connections to masters. Streams and calls take
// connections of their own, and none goes through a proxy.
func newTransport(o Options) *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: min(dialTimeout, o.CallTimeout), KeepAlive: 15 * time.Second}).DialContext,
		TLSClientConfig:     o.TLS,
		TLSHandshakeTimeout: o.CallTimeout,
		MaxIdleConnsPerHost: 4,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
}

// send posts a call to a master; the caller closes the body. The stream id is
// empty for SUBSCRIBE, which must not carry one.
func (c *Client) send(ctx context.Context, master, streamID string, call *scheduler.Call) (*http.Response, error) {
	body, err := call.Marshal()
	if err != nil {
		return nil, fmt.Errorf("mesos: encode %s: %w", call.Type, err)
	}
	target := url.URL{Scheme: "http", Host: master, Path: apiPath}
	if c.opts.TLS != nil {
		target.Scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("mesos: %s to %s: %w", call.Type, master, err)
	}
	req.Header.Set("Content-Type", mediaProtobuf)
	req.Header.Set("Accept", mediaProtobuf)
	if streamID != "" {
		req.Header.Set(streamIDHeader, streamID)
	}
	if c.opts.Principal != "" && !c.opts.Secret.IsEmpty() {
		req.SetBasicAuth(c.opts.Principal, c.opts.Secret.Reveal())
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("mesos: %s: %w", call.Type, err)
	}
	return res, nil
}

// errorText reads the body of an error, for a reader.
func errorText(res *http.Response) string {
	// What was read before an error says more than the error.
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorText))
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " ")
}

// redirectTarget reads the Location of a 307: //host:port/master/api/v1/...,
// without a scheme. Only the address is taken.
func redirectTarget(res *http.Response) (string, error) {
	location := res.Header.Get("Location")
	target, err := url.Parse(location)
	if err != nil || target.Host == "" {
		return "", fmt.Errorf("mesos: redirected to %q, which names no master", location)
	}
	return parseAddress(target.Host)
}
