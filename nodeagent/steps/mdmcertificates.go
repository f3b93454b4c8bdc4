package steps

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent/failure"
)

// gatewayAdministrator is the user of the gateway itself; no user of the MDM can
// log in before the gateway trusts the MDMs.
const gatewayAdministrator = "admin"

// trustAndLogin makes the gateway trust the MDMs, and logs in through it.
func (s *gatewayConfigure) trustAndLogin(ctx context.Context) error {
	if !s.params.BypassCertificateCheck {
		if err := s.trust(ctx); err != nil {
			return err
		}
	}
	return s.login(ctx)
}

// trust gives the gateway the certificate that each MDM shows it, unless it is
// another than the one seen before.
func (s *gatewayConfigure) trust(ctx context.Context) error {
	if s.own.IsEmpty() {
		return fmt.Errorf("the command carries no secret %q", nodeproto.SecretGatewayPassword)
	}
	body, _, err := s.ask(ctx, gatewayCall{path: "/api/gatewayLogin", user: gatewayAdministrator, password: s.own})
	if err != nil {
		return fmt.Errorf("log in as the gateway's administrator: %w", err)
	}
	token, err := tokenIn(body)
	if err != nil {
		return err
	}
	seen := make(map[string]string)
	for _, address := range s.params.MDMAddresses {
		if seen[address], err = s.trustOne(ctx, token, address); err != nil {
			return fmt.Errorf("certificate of the MDM %s: %w", address, err)
		}
	}
	s.result.MDMCertificates = seen
	return nil
}

// trustOne gives the gateway one certificate and returns it. That of an MDM which
// is out of reach is given as it was first seen.
func (s *gatewayConfigure) trustOne(ctx context.Context, token redact.Secret, address string) (string, error) {
	known := s.params.MDMCertificates[address]
	shown, err := s.shown(ctx, token, address)
	switch {
	case err != nil && known == "":
		return "", err
	case err != nil:
	case known == "":
		known = inPEM(shown)
	case known != inPEM(shown):
		return "", failure.Hopelessf("it shows another one (SHA-256 %s) than was seen first: if it was changed on purpose, take the old one out of mdm_certificates in the cluster's record and order retry", fingerprint(shown))
	}
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "mdm.cer")
	if err == nil {
		_, err = part.Write([]byte(known))
	}
	if err = errors.Join(err, w.Close()); err != nil {
		return "", err
	}
	_, _, err = s.ask(ctx, gatewayCall{path: "/api/trustHostCertificate/Mdm", password: token, body: form.Bytes(), contentType: w.FormDataContentType()})
	return known, err
}

// shown is the certificate that an MDM shows to the gateway.
func (s *gatewayConfigure) shown(ctx context.Context, token redact.Secret, address string) ([]byte, error) {
	body, _, err := s.ask(ctx, gatewayCall{path: "/api/getHostCertificate/Mdm?host=" + url.QueryEscape(address), password: token})
	var status gatewayStatus
	switch {
	case errors.As(err, &status) && status.code == http.StatusNotFound:
		return nil, failure.Hopelessf("this version of the gateway cannot tell it: %w; set --gateway.bypass-mdm-certificate", err)
	case err != nil:
		return nil, err
	}
	return certificate(body)
}

// certificate reads one in PEM or as it is.
func certificate(data []byte) ([]byte, error) {
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	if _, err := x509.ParseCertificate(data); err != nil {
		return nil, errors.New("the gateway gives none that can be read: set --gateway.bypass-mdm-certificate if this version of it cannot")
	}
	return data, nil
}

func fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}
