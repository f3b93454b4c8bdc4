package app

import (
	"fmt"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/config"
	"scaleio-framework/internal/zkconn"
)

// ZooKeeperOptions turns the configuration into the options of a session.
func ZooKeeperOptions(cfg *config.Config, logger hclog.Logger) (zkconn.Options, error) {
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
	if opts.TLS, err = cfg.ZK.TLSConfig(); err != nil {
		return opts, err
	}
	return opts, nil
}
