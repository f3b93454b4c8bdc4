package steps

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
)

// certificatesIn keeps the certificates of a PEM file and leaves its keys out.
func certificatesIn(data []byte) []byte {
	var out bytes.Buffer
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			out.Write(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
		}
	}
	return out.Bytes()
}

// parseCertificates reads all certificates of a PEM file, and whether it holds
// a private key too. No error tells of its content.
func parseCertificates(data []byte) (list []*x509.Certificate, key bool, err error) {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		switch {
		case block.Type == "CERTIFICATE":
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, false, fmt.Errorf("a certificate cannot be read: %w", err)
			}
			list = append(list, c)
		case strings.HasSuffix(block.Type, "PRIVATE KEY"):
			key = true
		}
	}
	if len(list) == 0 {
		return nil, key, errors.New("it holds no certificate in PEM")
	}
	return list, key, nil
}

// signedBy checks that a file holds a certificate of an authority, and its key.
// Times do not count: hosts' clocks differ, and the MDM judges them itself.
func signedBy(authority, file []byte) error {
	roots, _, err := parseCertificates(authority)
	if err != nil {
		return fmt.Errorf("the authority: %w", err)
	}
	list, key, err := parseCertificates(file)
	switch {
	case err != nil:
		return err
	case !key:
		return errors.New("it holds no private key")
	}
	options := x509.VerifyOptions{
		Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool(), CurrentTime: list[0].NotBefore,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, c := range roots {
		options.Roots.AddCert(c)
		if c.NotBefore.After(options.CurrentTime) {
			options.CurrentTime = c.NotBefore
		}
	}
	for _, c := range list[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := list[0].Verify(options); err != nil {
		return fmt.Errorf("its certificate is not of this authority: %w", err)
	}
	return nil
}

// fingerprintOf is the SHA-256 of the first certificate of a PEM file, as
// openssl x509 -fingerprint -sha256 shows it, without colons.
func fingerprintOf(data []byte) (string, error) {
	list, _, err := parseCertificates(data)
	if err != nil {
		return "", err
	}
	return fingerprint(list[0].Raw), nil
}
