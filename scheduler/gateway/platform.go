package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/scaleio"
)

// meet gets to know a management platform: its certificate as it is seen first,
// that it takes our login, and that it serves the system of the plan. The
// password goes only to who showed that certificate.
func (p *Performer) meet(ctx context.Context, raw json.RawMessage) (core.ManagementPlatformResult, error) {
	var result core.ManagementPlatformResult
	asked, err := params[core.ManagementPlatformParams](raw)
	if err != nil {
		return result, err
	}
	if asked.SystemID == "" {
		return result, hopeless{errors.New("no system_id is given, which would mean any system")}
	}
	if result.CertificatePEM, err = p.firstSight(ctx, asked.URL); err != nil {
		return result, err
	}
	platform := model.Gateway{URL: asked.URL, CertificatePEM: result.CertificatePEM, SystemID: asked.SystemID}
	client, err := p.client(platform)
	if err != nil {
		return result, hopeless{err}
	}
	var other otherSystem
	err = serves(ctx, client, platform)
	switch {
	case errors.As(err, &other):
		return result, hopeless{fmt.Errorf("%w: give --gateway.management-platform the URL of the one that serves system %s, or order retry when it does", other, asked.SystemID)}
	case scaleio.IsUnauthorized(err):
		// One attempt: more would lock the user.
		return result, hopeless{fmt.Errorf("%w: give the schedulers the user and the password that it has there (--scaleio.user, SIO_SCALEIO_GATEWAY_PASSWORD_FILE), restart them, then order retry", err)}
	case err != nil:
		return result, err
	}
	version, err := client.Version(ctx)
	result.Version = version.String()
	return result, err
}

// firstSight is the certificate that an endpoint shows, in PEM. Where
// authorities are configured one of them must have signed it.
func (p *Performer) firstSight(ctx context.Context, endpoint string) (string, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "", hopeless{fmt.Errorf("the platform's URL cannot be used: %w", err)}
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	var authorities *x509.CertPool
	if !p.opts.Insecure {
		if authorities, err = p.opts.authorities(); err != nil {
			return "", hopeless{err}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, min(p.opts.Timeout, 10*time.Second))
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it, where there is anything to verify by
		ServerName:         u.Hostname(),
		VerifyConnection: func(state tls.ConnectionState) error {
			if authorities == nil {
				return nil
			}
			if err := verifySigned(state.PeerCertificates, authorities, u.Hostname()); err != nil {
				return untrusted{fmt.Errorf("no authority of --gateway.ca has signed the platform's certificate (%w): add the one that has, restart the schedulers, then order retry", err)}
			}
			return nil
		},
	}}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", &scaleio.NoReplyError{Op: "look at its certificate", Endpoint: endpoint, Err: err}
	}
	defer func() { _ = conn.Close() }() // nothing was sent
	chain := conn.(*tls.Conn).ConnectionState().PeerCertificates
	if len(chain) == 0 {
		return "", fmt.Errorf("%s shows no certificate", endpoint)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chain[0].Raw})), nil
}

// otherSystem says that a platform serves another system than ours, or others
// beside it: whatever it lists could be theirs.
type otherSystem struct{ error }

func (e otherSystem) Unwrap() error { return e.error }

// serves makes sure that a management platform serves the system of the plan
// and no other. A gateway of ours knows the MDMs that it was given.
func serves(ctx context.Context, c *scaleio.Client, g model.Gateway) error {
	if !g.Platform() {
		return nil
	}
	systems, err := c.Systems(ctx)
	if err != nil {
		return err
	}
	var others []string
	for _, s := range systems {
		if !strings.EqualFold(s.ID, g.SystemID) {
			others = append(others, strings.TrimSpace(s.ID+" "+s.Name))
		}
	}
	switch {
	case len(systems) == 0:
		return notYet{fmt.Sprintf("the management platform %s knows no system yet: let it discover the MDMs of system %s", g.URL, g.SystemID)}
	case len(others) == len(systems):
		return otherSystem{fmt.Errorf("the management platform %s serves system %s, and this one is %s", g.URL, strings.Join(others, ", "), g.SystemID)}
	case len(others) > 0:
		return otherSystem{fmt.Errorf("the management platform %s serves system %s beside this one, %s, and its pools could not be told apart", g.URL, strings.Join(others, ", "), g.SystemID)}
	}
	return nil
}
