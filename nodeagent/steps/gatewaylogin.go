package steps

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
)

// loginTimeout bounds one try: a gateway that starts accepts connections long
// before it answers.
const loginTimeout = 20 * time.Second

// login logs in through the gateway of this host and notes its address and
// certificate. The certificate cannot be verified by anyone: it was made by the
// gateway's own installation a moment ago. It is taken as the host itself sees
// it, and the leader trusts exactly this one from then on.
func (s *gatewayConfigure) login(ctx context.Context) error {
	body, seen, err := s.ask(ctx, gatewayCall{path: "/api/login", user: s.params.Username, password: s.password})
	if err != nil {
		return err
	}
	if _, err := tokenIn(body); err != nil {
		return err
	}
	s.result.URL = s.address()
	if seen != nil && len(seen.PeerCertificates) > 0 {
		s.result.CertificatePEM = inPEM(seen.PeerCertificates[0].Raw)
	}
	return nil
}

// address is the gateway of this host, as the leader reaches it.
func (s *gatewayConfigure) address() string {
	return "https://" + net.JoinHostPort(s.h.address, strconv.Itoa(s.port()))
}

// gatewayCall is one request to the gateway of this host.
type gatewayCall struct {
	path     string
	user     string
	password redact.Secret
	// body is sent by POST, as content of a type; without it the call is a GET.
	body        []byte
	contentType string
}

// ask makes a request, whose answer must be 200.
func (s *gatewayConfigure) ask(ctx context.Context, c gatewayCall) (body []byte, seen *tls.ConnectionState, err error) {
	address := s.address()
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see login
		DisableKeepAlives: true,
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	method := http.MethodGet
	if c.body != nil {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(ctx, method, address+c.path, bytes.NewReader(c.body))
	if err != nil {
		return nil, nil, failure.Hopeless(err)
	}
	if c.contentType != "" {
		req.Header.Set("Content-Type", c.contentType)
	}
	req.SetBasicAuth(c.user, c.password.Reveal())
	// No client that follows redirects: it could take the password elsewhere.
	res, err := transport.RoundTrip(req)
	if err != nil {
		return nil, nil, fmt.Errorf("gateway %s does not answer: %w", address, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err = io.ReadAll(io.LimitReader(res.Body, gatewayReplySize))
	if err != nil {
		return nil, nil, fmt.Errorf("gateway %s: %w", address, err)
	}
	if res.StatusCode != http.StatusOK {
		// A starting gateway, one whose MDM is not reached yet, and a wrong
		// password look alike in some versions: all are asked again.
		return nil, nil, gatewayStatus{res.StatusCode, fmt.Sprintf("gateway %s answers %s: %s", address, res.Status, firstWords(body))}
	}
	return body, res.TLS, nil
}

// gatewayStatus is an answer other than 200.
type gatewayStatus struct {
	code int
	text string
}

func (e gatewayStatus) Error() string { return e.text }

// tokenIn reads the answer of a login, a JSON string.
func tokenIn(body []byte) (redact.Secret, error) {
	token := strings.Trim(strings.TrimSpace(string(body)), `"`)
	if token == "" || strings.HasPrefix(token, "<") {
		return redact.Secret{}, errors.New("the gateway answers the login with no token")
	}
	return redact.New(token), nil
}

func inPEM(certificate []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}))
}

// firstWords is the beginning of an answer, on one line.
func firstWords(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	return text[:min(len(text), 200)]
}
