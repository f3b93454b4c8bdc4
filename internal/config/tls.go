package config

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLSConfig reads the files that TLS to ZooKeeper takes; it is nil without
// TLS. Errors name the flag.
func (z ZK) TLSConfig() (*tls.Config, error) {
	if !z.TLS {
		return nil, nil
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if z.CAFile != "" {
		text, err := os.ReadFile(z.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--zk.tls.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--zk.tls.ca: %s holds no certificate in PEM", z.CAFile)
		}
	}
	if z.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(z.CertFile, z.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--zk.tls.cert and --zk.tls.key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
