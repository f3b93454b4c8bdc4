package scaleio

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/redact"
)

// Client is a client of one gateway's REST API. It is safe for concurrent use
// and owns no goroutine.
type Client struct {
	opt  Options
	base *url.URL
	http *http.Client
	log  hclog.Logger

	// entry admits one caller at a time to the login.
	entry chan struct{}

	mu       sync.Mutex
	session  *session
	attempts int64 // logins ended, for those who waited for one
	failure  error // of the last login
}

// New makes a client. It opens no connection and starts nothing.
func New(opt Options) (*Client, error) {
	opt = opt.withDefaults()
	if err := opt.validate(); err != nil {
		return nil, fmt.Errorf("scaleio client: %w", err)
	}
	base, err := opt.base()
	if err != nil {
		return nil, fmt.Errorf("scaleio client: %w", err)
	}
	transport, err := opt.transport()
	if err != nil {
		return nil, fmt.Errorf("scaleio client: %w", err)
	}
	return &Client{
		opt:  opt,
		base: base,
		http: &http.Client{
			Transport: transport,
			// A gateway does not redirect its API; following would carry the
			// token to wherever the answer points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		log:   opt.Logger.With("gateway", base.Host),
		entry: make(chan struct{}, 1),
	}, nil
}

// Endpoint is the gateway's address without path.
func (c *Client) Endpoint() string { return c.base.String() }

// Close closes the idle connections. The token stays valid at the gateway until
// it times out; Logout ends it.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request is one call of the API.
type request struct {
	op     string
	method string
	// path is escaped and begins with /api/.
	path string
	// body is marshalled to JSON; an empty object when nil.
	body any
	// query marks a POST that changes nothing.
	query bool
}

func (r request) mutating() bool { return r.method == http.MethodPost && !r.query }

// instance is the path of one object. Identifiers come from the gateway and
// are escaped all the same.
func instance(kind, id string) string { return "/api/instances/" + kind + "::" + url.PathEscape(id) }

// get reads an answer into a value.
func (c *Client) get(ctx context.Context, op, path string, into any) error {
	return c.call(ctx, request{op: op, method: http.MethodGet, path: path}, into)
}

// list reads all objects of a type, or those below a relationship.
func list[T any](ctx context.Context, c *Client, op, path string) ([]T, error) {
	var out []T
	if err := c.get(ctx, op, path, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// create makes an object and returns its id.
func (c *Client) create(ctx context.Context, op, kind string, body any) (string, error) {
	var answer struct {
		ID string `json:"id" need:"yes"`
	}
	r := request{op: op, method: http.MethodPost, path: "/api/types/" + kind + "/instances", body: body}
	if err := c.call(ctx, r, &answer); err != nil {
		return "", err
	}
	return answer.ID, nil
}

// act performs an action on an object.
func (c *Client) act(ctx context.Context, op, kind, id, action string, body any) error {
	return c.call(ctx, request{op: op, method: http.MethodPost, path: instance(kind, id) + "/action/" + action, body: body}, nil)
}

// call performs a request with a session, logging in once more when the
// session has ended. A 401 means that nothing was done, so repeating is safe
// for every request; it is done once, because a changed password would make
// it endless.
func (c *Client) call(ctx context.Context, r request, into any) error {
	s, err := c.login(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", r.op, err)
	}
	data, err := c.send(ctx, r, s.authorize)
	if sessionEnded(err) {
		if s, err = c.login(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", r.op, err)
		}
		data, err = c.send(ctx, r, s.authorize)
	}
	if err != nil || into == nil {
		return err
	}
	if err := decode(data, into); err != nil {
		return &ReplyError{Op: r.op, mutating: r.mutating(), Err: err}
	}
	return nil
}

// send performs one request and returns the body of a good answer.
func (c *Client) send(ctx context.Context, r request, authorize func(*http.Request)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected.Store(true) },
	})
	req, err := c.build(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.op, err)
	}
	authorize(req)
	lost := func(err error) error {
		return &NoReplyError{Op: r.op, Endpoint: c.Endpoint(), Sent: connected.Load(), mutating: r.mutating(), Err: reason(err)}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, lost(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, c.opt.MaxResponse+1))
	if err != nil {
		return nil, lost(err)
	}
	if int64(len(data)) > c.opt.MaxResponse {
		return nil, &ReplyError{Op: r.op, mutating: r.mutating(), Err: fmt.Errorf("it is longer than %d bytes", c.opt.MaxResponse)}
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, c.refusal(r, resp.StatusCode, data)
	}
	return data, nil
}

func (c *Client) build(ctx context.Context, r request) (*http.Request, error) {
	var body io.Reader
	if r.method == http.MethodPost {
		text := []byte("{}")
		if r.body != nil {
			var err error
			if text, err = json.Marshal(r.body); err != nil {
				return nil, err
			}
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, c.base.String()+r.path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// refusal turns an answer that is no success into an error. Whatever it holds
// is masked: a broken proxy may echo the request's headers.
func (c *Client) refusal(r request, status int, data []byte) error {
	mask := redact.Text(c.secrets()...)
	e := &Error{Op: r.op, HTTPStatus: status, mutating: r.mutating()}
	var answer struct {
		Message string   `json:"message" need:"yes"`
		Code    int64    `json:"errorCode"`
		Details []Detail `json:"details"`
	}
	if err := decode(data, &answer); err != nil {
		e.foreign = true
		e.Message = mask(clip(string(bytes.ToValidUTF8(bytes.TrimSpace(data), nil))))
		return e
	}
	e.Message, e.Code = mask(clip(answer.Message)), answer.Code
	for _, d := range answer.Details {
		d.Message = mask(clip(d.Message))
		e.Details = append(e.Details, d)
	}
	if e.Code == 0 && len(e.Details) > 0 {
		e.Code = e.Details[0].Code
	}
	// Code 0 with 404 is the web server's word about a path, not the MDM's
	// about an object.
	e.foreign = status == http.StatusNotFound && e.Code == 0
	return e
}

// reason takes the URL out of a transport's error, since the operation and the
// endpoint are named already.
func reason(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
