package gateway

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// transport trusts the certificate that the gateway's own host saw, and what
// the configured authorities signed. A self-signed certificate bears whatever
// name its installer found, so it is compared as a whole.
func (o Options) transport(g model.Gateway) (http.RoundTripper, error) {
	config, err := o.tls(g)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 15 * time.Second}
	return &http.Transport{
		// No proxy: gateways are inside, and the token must not leave it.
		DialContext:         dialer.DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 5 * time.Second,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
	}, nil
}

func (o Options) tls(g model.Gateway) (*tls.Config, error) {
	if o.Insecure {
		return &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, nil //nolint:gosec // asked for
	}
	authorities, err := o.authorities()
	if err != nil {
		return nil, err
	}
	endpoint, err := url.Parse(g.URL)
	if err != nil {
		return nil, fmt.Errorf("its URL cannot be used: %w", err)
	}
	var pinned []byte
	if block, _ := pem.Decode([]byte(g.CertificatePEM)); block != nil {
		pinned = block.Bytes
	}
	host, again := endpoint.Hostname(), "let gateway-configure run again on its host (scaleioctl plan retry)"
	if g.Platform() {
		again = "order scaleioctl plan retry " + core.StepManagementPlatform
	}
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it
		VerifyConnection: func(state tls.ConnectionState) error {
			chain := state.PeerCertificates
			if len(pinned) > 0 && len(chain) > 0 && bytes.Equal(chain[0].Raw, pinned) {
				return nil
			}
			if err := verifySigned(chain, authorities, host); err != nil {
				return untrusted{fmt.Errorf("the gateway's certificate is neither the one recorded for it nor signed by a known authority (%w): after a deliberate change %s", err, again)}
			}
			return nil
		},
	}, nil
}

// authorities are the configured ones; nil means the system's.
func (o Options) authorities() (*x509.CertPool, error) {
	if o.CAFile == "" {
		return nil, nil
	}
	text, err := os.ReadFile(o.CAFile)
	if err != nil {
		return nil, fmt.Errorf("--gateway.ca: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--gateway.ca: %s holds no certificate in PEM", o.CAFile)
	}
	return authorities, nil
}

// verifySigned looks for an authority's signature.
func verifySigned(chain []*x509.Certificate, authorities *x509.CertPool, host string) error {
	if len(chain) == 0 {
		return errors.New("it shows no certificate")
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{DNSName: host, Roots: authorities, Intermediates: intermediates})
	return err
}

// untrusted says that a gateway's certificate was refused.
type untrusted struct{ error }

func (e untrusted) Unwrap() error { return e.error }

func isUntrusted(err error) bool {
	var u untrusted
	return errors.As(err, &u)
}
