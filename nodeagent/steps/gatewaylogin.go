package steps

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"scaleio-framework/internal/nodeproto"
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
	address := "https://" + net.JoinHostPort(s.h.address, strconv.Itoa(s.port()))
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}, //nolint:gosec // see above
		DisableKeepAlives: true,
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/login", http.NoBody)
	if err != nil {
		return failure.Hopeless(err)
	}
	req.SetBasicAuth(s.params.Username, s.password.Reveal())
	// No client that follows redirects: it could take the password elsewhere.
	res, err := transport.RoundTrip(req)
	if err != nil {
		return fmt.Errorf("gateway %s does not answer: %w", address, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, gatewayReplySize))
	if err != nil {
		return fmt.Errorf("gateway %s: %w", address, err)
	}
	if res.StatusCode != http.StatusOK {
		// A starting gateway, one whose MDM is not reached yet, and a wrong
		// password look alike in some versions: all are asked again.
		return fmt.Errorf("gateway %s answers %s: %s", address, res.Status, firstWords(body))
	}
	token := strings.Trim(strings.TrimSpace(string(body)), `"`)
	if token == "" || strings.HasPrefix(token, "<") {
		return fmt.Errorf("gateway %s answers the login with no token", address)
	}
	s.result = nodeproto.GatewayResult{URL: address}
	if res.TLS != nil && len(res.TLS.PeerCertificates) > 0 {
		s.result.CertificatePEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: res.TLS.PeerCertificates[0].Raw}))
	}
	return nil
}

// firstWords is the beginning of an answer, on one line.
func firstWords(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	return text[:min(len(text), 200)]
}
