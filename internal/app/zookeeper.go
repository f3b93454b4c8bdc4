package app

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/config"
	"scaleio-framework/internal/zkconn"
)

// zkOptions turns the configuration into the options of a session.
func zkOptions(cfg *config.Config, logger hclog.Logger) (zkconn.Options, error) {
	opts, err := zkconn.ParseURL(cfg.ZK.URL)
	if err != nil {
		return opts, fmt.Errorf("--zk: %w", err)
	}
	if opts.Root == "" {
		return opts, fmt.Errorf("--zk: the URL has no path: add one of the framework's own, for example /scaleio-framework/%s", cfg.Name)
	}
	opts.SessionTimeout = cfg.ZK.Session
	opts.DigestUser, opts.DigestPassword = cfg.ZK.User, cfg.ZK.Password
	opts.Logger = logger
	if cfg.ZK.TLS {
		if opts.TLS, err = zkTLS(cfg); err != nil {
			return opts, err
		}
	}
	return opts, nil
}

func zkTLS(cfg *config.Config) (*tls.Config, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if cfg.ZK.CAFile != "" {
		text, err := os.ReadFile(cfg.ZK.CAFile)
		if err != nil {
			return nil, fmt.Errorf("--zk.tls.ca: %w", err)
		}
		conf.RootCAs = x509.NewCertPool()
		if !conf.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--zk.tls.ca: %s holds no certificate in PEM", cfg.ZK.CAFile)
		}
	}
	if cfg.ZK.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(cfg.ZK.CertFile, cfg.ZK.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("--zk.tls.cert and --zk.tls.key: %w", err)
		}
		conf.Certificates = []tls.Certificate{pair}
	}
	return conf, nil
}
