package mesosapi

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/zkconn"
)

// DefaultMasterPort is where masters listen unless told otherwise.
const DefaultMasterPort = "5050"

// Leader is the master that is believed to lead.
type Leader struct {
	Address string // host:port
	// Changed is closed when the belief ends. It is nil where nobody tells.
	Changed <-chan struct{}
}

// Detector finds the leading master.
type Detector interface {
	// Run keeps the knowledge up to date until ctx ends.
	Run(ctx context.Context)
	// Leader waits until a leader is known, or ctx ends. It is called anew
	// after each failed attempt and may then name another master.
	Leader(ctx context.Context) (Leader, error)
}

// NewDetector reads the value of --mesos: a zk:// URL of the path below which
// masters announce themselves, or a comma-separated list of host:port.
func NewDetector(masters string, logger hclog.Logger) (Detector, error) {
	if !strings.HasPrefix(masters, "zk://") {
		return NewStatic(strings.Split(masters, ",")...)
	}
	opts, err := zkconn.ParseURL(masters)
	if err != nil {
		return nil, fmt.Errorf("mesos masters: %w", err)
	}
	if opts.Root == "" {
		return nil, fmt.Errorf("mesos masters: the zk:// URL has no path: add the one that the masters were started with, usually /mesos")
	}
	opts.Logger = logger
	return NewZooKeeper(ZooKeeperOptions{Logger: logger, Dial: func(ctx context.Context) (Session, error) {
		return zkconn.Dial(ctx, opts)
	}})
}

// parseAddress reads host[:port].
func parseAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	host, port, err := net.SplitHostPort(text)
	if err != nil {
		if strings.Contains(err.Error(), "missing port") {
			host, port, err = strings.Trim(text, "[]"), DefaultMasterPort, nil
		}
	}
	if err != nil || host == "" || strings.ContainsAny(host, " \t/?#@%") {
		return "", fmt.Errorf("mesos master %q is not host:port", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("mesos master %q has no valid port", text)
	}
	return net.JoinHostPort(host, port), nil
}
