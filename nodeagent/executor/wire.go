package executor

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

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
)

const (
	apiPath       = "/api/v1/executor"
	mediaProtobuf = "application/x-protobuf"
	// maxErrorText is how much of an error's body is kept, in bytes.
	maxErrorText = 1 << 10
)

func newHTTPClient(c Config, timeout time.Duration) *http.Client {
	dialer := &net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}
	dial := dialer.DialContext
	if c.Socket != "" {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", c.Socket)
		}
	}
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         dial,
			TLSClientConfig:     c.TLS,
			TLSHandshakeTimeout: timeout,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// send posts a call to the agent; the caller closes the body.
func (e *Executor) send(ctx context.Context, call *executor.Call) (*http.Response, error) {
	call.FrameworkID = mesos.FrameworkID{Value: e.config.FrameworkID}
	call.ExecutorID = mesos.ExecutorID{Value: e.config.ExecutorID}
	body, err := call.Marshal()
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", call.Type, err)
	}
	target := url.URL{Scheme: "http", Host: e.config.Endpoint, Path: apiPath}
	if e.config.TLS != nil {
		target.Scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call.Type, err)
	}
	req.Header.Set("Content-Type", mediaProtobuf)
	req.Header.Set("Accept", mediaProtobuf)
	if !e.config.Token.IsEmpty() {
		req.Header.Set("Authorization", "Bearer "+e.config.Token.Reveal())
	}
	res, err := e.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", call.Type, err)
	}
	return res, nil
}

// call sends one call besides SUBSCRIBE, within the call timeout.
func (e *Executor) call(ctx context.Context, call *executor.Call) error {
	ctx, cancel := context.WithTimeout(ctx, e.callTimeout)
	defer cancel()
	res, err := e.send(ctx, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK {
		return nil
	}
	return failure(call, res)
}

func failure(call *executor.Call, res *http.Response) *statusError {
	// What was read before an error says more than the error.
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorText))
	return &statusError{
		call:   call.Type.String(),
		status: res.StatusCode,
		text:   strings.Join(strings.Fields(strings.ToValidUTF8(string(text), "?")), " "),
	}
}
