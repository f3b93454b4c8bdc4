package scaleiotest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// authority signs the certificates of the gateways, so that one PEM makes all
// of them trusted.
type authority struct {
	caKey  *ecdsa.PrivateKey
	caCert *x509.Certificate
	caPEM  []byte
}

// certificateLife is long on both sides, for tests with a clock of their own.
const certificateLife = 20 * 365 * 24 * time.Hour

func (a *authority) issue() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	tpl := certificateTemplate("scaleio double")
	tpl.IsCA, tpl.BasicConstraintsValid = true, true
	tpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	a.caCert, err = x509.ParseCertificate(der)
	a.caKey = key
	a.caPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return err
}

func certificateTemplate(name string) *x509.Certificate {
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()),
		Subject: pkix.Name{
			CommonName: name, OrganizationalUnit: []string{"ASD"}, Organization: []string{"EMC"},
			Locality: []string{"Hopkinton"}, Province: []string{"Massachusetts"}, Country: []string{"US"},
		},
		NotBefore: now.Add(-certificateLife), NotAfter: now.Add(certificateLife),
	}
}

// leaf makes the certificate of one gateway, good for its name and address.
func (a *authority) leaf(name, ip string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of gateway %s: %w", name, err)
	}
	tpl := certificateTemplate(name)
	tpl.KeyUsage = x509.KeyUsageDigitalSignature
	tpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	tpl.DNSNames = []string{name}
	if addr := net.ParseIP(ip); addr != nil {
		tpl.IPAddresses = []net.IP{addr}
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, a.caCert, &key.PublicKey, a.caKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate of gateway %s: %w", name, err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

// newMDMCertificate makes the certificate that a host's MDM shows. The caller
// holds the lock.
func (s *System) newMDMCertificate(h *host) error {
	leaf, err := s.leaf(h.name, h.ip)
	if err != nil {
		return err
	}
	h.mdmPEM = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Certificate[0]}))
	return nil
}

// CA returns the certificate, as PEM, that makes all gateways of this world
// trusted.
func (s *System) CA() []byte { return append([]byte(nil), s.caPEM...) }
