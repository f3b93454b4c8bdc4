package scaleio

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"scaleio-framework/internal/redact"
)

// session is one login at the gateway. A token lives for 8 hours, and for 10
// minutes without use.
type session struct {
	token   redact.Secret
	version Version
	bearer  bool
}

// authorize puts the token on a request: as the password of a Basic login up
// to 3.x, as a bearer token from 4.0 on.
func (s *session) authorize(r *http.Request) {
	if s.bearer {
		r.Header.Set("Authorization", "Bearer "+s.token.Reveal())
		return
	}
	r.SetBasicAuth("", s.token.Reveal())
}

// Login makes sure that there is a session, and so proves user name, password
// and the gateway's way to the MDM. Other calls log in by themselves.
func (c *Client) Login(ctx context.Context) error {
	_, err := c.login(ctx, nil)
	return err
}

// Version is the gateway's release. It logs in where there is no session yet.
func (c *Client) Version(ctx context.Context) (Version, error) {
	s, err := c.login(ctx, nil)
	if err != nil {
		return Version{}, err
	}
	return s.version, nil
}

// Logout ends the session, if there is one. The next call logs in again.
func (c *Client) Logout(ctx context.Context) error {
	c.mu.Lock()
	s := c.session
	c.session = nil
	c.mu.Unlock()
	// A bearer token of 4.x is ended with its refresh token, which this login
	// does not give; it times out.
	if s == nil || s.bearer {
		return nil
	}
	_, err := c.send(ctx, request{op: "log out", method: http.MethodGet, path: "/api/logout"}, s.authorize)
	if IsUnauthorized(err) {
		return nil // it had ended already
	}
	return err
}

// login returns a session other than the stale one. One caller at a time logs
// in; those who waited share its session, or its failure: many callers with a
// wrong password make one attempt, not many, which could lock the account.
func (c *Client) login(ctx context.Context, stale *session) (*session, error) {
	s, before, _ := c.known(stale)
	if s != nil {
		return s, nil
	}
	select {
	case c.entry <- struct{}{}:
		defer func() { <-c.entry }()
	case <-ctx.Done():
		return nil, &NoReplyError{Op: "log in", Endpoint: c.Endpoint(), Err: ctx.Err()}
	}
	s, now, failure := c.known(stale)
	if s != nil {
		return s, nil
	}
	// Somebody else's context is no reason to give up.
	if now > before && failure != nil && !errors.Is(failure, context.Canceled) && !errors.Is(failure, context.DeadlineExceeded) {
		return nil, failure
	}
	s, err := c.authenticate(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session, c.failure = s, err
	c.attempts++
	return s, err
}

// known returns the present session unless it is the stale one, the number of
// logins so far and how the last one failed.
func (c *Client) known(stale *session) (*session, int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session != nil && c.session != stale {
		return c.session, c.attempts, nil
	}
	return nil, c.attempts, c.failure
}

// authenticate logs in and learns the version, which decides how the token is
// presented from then on.
func (c *Client) authenticate(ctx context.Context) (*session, error) {
	const op = "log in"
	data, err := c.send(ctx, request{op: op, method: http.MethodGet, path: "/api/login"}, func(r *http.Request) {
		r.SetBasicAuth(c.opt.Username, c.opt.Password.Reveal())
	})
	if err != nil {
		return nil, err
	}
	var token string
	if err := decode(data, &token); err != nil || token == "" {
		return nil, &ReplyError{Op: op, Err: errors.New("it holds no token")}
	}
	s := &session{token: redact.New(token)}
	text, err := c.askVersion(ctx, s)
	if err != nil {
		return nil, err
	}
	s.version, err = ParseVersion(text)
	if err != nil {
		return nil, &ReplyError{Op: "get version", Err: err}
	}
	if s.version.AtLeast(versionUnknown) {
		return nil, &UnsupportedVersionError{Endpoint: c.Endpoint(), Version: clip(text)}
	}
	s.bearer = s.version.AtLeast(versionBearer)
	c.log.Debug("logged in to the gateway", "version", s.version.String())
	return s, nil
}

// askVersion gets the version with the token in either of its forms: which one
// is right follows from the answer.
func (c *Client) askVersion(ctx context.Context, s *session) (string, error) {
	const op = "get version"
	r := request{op: op, method: http.MethodGet, path: "/api/version"}
	data, err := c.send(ctx, r, s.authorize)
	if IsUnauthorized(err) {
		data, err = c.send(ctx, r, (&session{token: s.token, bearer: true}).authorize)
	}
	if err != nil {
		return "", fmt.Errorf("log in: %w", err)
	}
	var text string
	if err := decode(data, &text); err != nil {
		return "", &ReplyError{Op: op, Err: err}
	}
	return text, nil
}

// secrets are what must be masked in texts from outside.
func (c *Client) secrets() []redact.Secret {
	c.mu.Lock()
	defer c.mu.Unlock()
	secrets := []redact.Secret{c.opt.Password}
	if c.session != nil {
		secrets = append(secrets, c.session.token)
	}
	return secrets
}

// sessionEnded reports that a request was refused for want of a session. The
// gateway's own session may be there while the MDM's has gone.
func sessionEnded(err error) bool {
	if IsUnauthorized(err) {
		return true
	}
	var e *Error
	return errors.As(err, &e) && e.says(sessionPattern, 248)
}
