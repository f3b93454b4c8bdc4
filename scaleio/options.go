package scaleio

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/redact"
)

// Options describe how to reach one gateway.
type Options struct {
	// Endpoint is the gateway's address, for example https://10.0.0.11:443. A
	// path of /api is accepted and means the same.
	Endpoint string
	// Username of the MDM's user, "admin" when empty.
	Username string
	// Password of that user. It is sent to Endpoint only.
	Password redact.Secret

	// CA are the authorities, or the self-signed certificates themselves, that
	// the gateway's certificate is verified with. The system's when both CA
	// and CAFile are empty.
	CA *x509.CertPool
	// CAFile is read by New, in PEM. It excludes CA.
	CAFile string
	// ServerName is verified instead of the endpoint's host: a gateway's
	// self-signed certificate bears its host name, while it is called by its
	// address.
	ServerName string
	// Insecure turns the verification of the certificate off.
	Insecure bool
	// OldCiphers also offers TLS 1.0 and the RSA key exchange, which gateways
	// of 2.0 on Java 7 need and current clients no longer offer.
	OldCiphers bool

	// Timeout of each request, 30 s when zero. A context may shorten it.
	Timeout time.Duration
	// MaxResponse is the largest answer that is read, in bytes; 64 MiB when
	// zero, which holds the 32768 volumes of a full system.
	MaxResponse int64
	// HTTPTransport replaces the transport built from the fields above; then
	// those about TLS must be empty.
	HTTPTransport http.RoundTripper
	// Logger gets logins and their failures; nothing when nil.
	Logger hclog.Logger
}

func (o Options) withDefaults() Options {
	if o.Username == "" {
		o.Username = "admin"
	}
	if o.Timeout == 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MaxResponse == 0 {
		o.MaxResponse = 64 << 20
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Password.IsEmpty():
		return errors.New("option Password is empty: give the password of the MDM's user")
	case o.Timeout < 0:
		return fmt.Errorf("option Timeout is %s: it must be above zero", o.Timeout)
	case o.MaxResponse < 0:
		return fmt.Errorf("option MaxResponse is %d: it must be above zero", o.MaxResponse)
	case o.CA != nil && o.CAFile != "":
		return errors.New("options CA and CAFile are both given: give one")
	case o.Insecure && (o.CA != nil || o.CAFile != ""):
		return errors.New("option Insecure contradicts CA and CAFile: remove one of them")
	case o.HTTPTransport != nil && (o.CA != nil || o.CAFile != "" || o.ServerName != "" || o.Insecure || o.OldCiphers):
		return errors.New("option HTTPTransport excludes CA, CAFile, ServerName, Insecure and OldCiphers")
	}
	return nil
}

// base parses the endpoint to scheme and host.
func (o Options) base() (*url.URL, error) {
	u, err := url.Parse(o.Endpoint)
	switch {
	case err != nil:
		// The parser's error repeats the text, which may hold a password.
		return nil, errors.New("option Endpoint is not a URL: want the form https://host:port")
	case u.User != nil:
		return nil, errors.New("option Endpoint holds a user name: use Username and Password")
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return nil, fmt.Errorf("option Endpoint is %q: want the form https://host:port", o.Endpoint)
	}
	if p := strings.Trim(u.Path, "/"); (p != "" && p != "api") || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("option Endpoint is %q: only the path /api may follow the host", o.Endpoint)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

func (o Options) transport() (http.RoundTripper, error) {
	if o.HTTPTransport != nil {
		return o.HTTPTransport, nil
	}
	config, err := o.tlsConfig()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: min(o.Timeout, 10*time.Second), KeepAlive: 15 * time.Second}
	return &http.Transport{
		// No proxy: gateways are inside, and the token must not leave it.
		DialContext:         dialer.DialContext,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: min(o.Timeout, 10*time.Second),
		MaxIdleConns:        8,
		MaxIdleConnsPerHost: 8,
		IdleConnTimeout:     30 * time.Second,
	}, nil
}

func (o Options) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		RootCAs:            o.CA,
		ServerName:         o.ServerName,
		InsecureSkipVerify: o.Insecure,
	}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("option CAFile: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("option CAFile: %s holds no certificate in PEM", o.CAFile)
		}
	}
	if o.OldCiphers {
		config.MinVersion = tls.VersionTLS10
		for _, suite := range tls.CipherSuites() {
			config.CipherSuites = append(config.CipherSuites, suite.ID)
		}
		for _, suite := range tls.InsecureCipherSuites() {
			config.CipherSuites = append(config.CipherSuites, suite.ID)
		}
	}
	return config, nil
}
