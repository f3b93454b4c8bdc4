package zkconn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/redact"
)

const (
	// DefaultSessionTimeout is asked for when the options name none.
	DefaultSessionTimeout = 10 * time.Second
	// DefaultPort is ZooKeeper's client port.
	DefaultPort = "2181"
)

// Options say where ZooKeeper is and how to speak with it.
type Options struct {
	// Servers are "host" or "host:port"; at least one.
	Servers []string
	// Root is put before every path, such as "/scaleio-framework/demo".
	// Empty means the root of the ensemble.
	Root string
	// SessionTimeout is asked for; the server may shorten or lengthen it
	// (Conn.NegotiatedTimeout). Zero means DefaultSessionTimeout.
	SessionTimeout time.Duration
	// CallTimeout bounds each call. Zero means two thirds of SessionTimeout,
	// after which the client itself gives a silent server up.
	CallTimeout time.Duration
	// DigestUser and DigestPassword authenticate the session; znodes are then
	// created so that only this user can touch them. Both or neither.
	DigestUser     string
	DigestPassword redact.Secret
	// TLS, when set, encrypts the connection. A ServerName left empty becomes
	// the name of each host dialed.
	TLS *tls.Config
	// Logger may be nil.
	Logger hclog.Logger
}

func (o Options) withDefaults() Options {
	if o.SessionTimeout == 0 {
		o.SessionTimeout = DefaultSessionTimeout
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = o.SessionTimeout * 2 / 3
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Root == "/" {
		o.Root = ""
	}
	servers := make([]string, 0, len(o.Servers))
	for _, s := range o.Servers {
		if _, _, err := net.SplitHostPort(s); err != nil {
			s = net.JoinHostPort(strings.Trim(s, "[]"), DefaultPort)
		}
		servers = append(servers, s)
	}
	o.Servers = servers
	return o
}

// Validate says which field cannot work, and why. Dial does the same.
func (o Options) Validate() error { return o.withDefaults().validate() }

func (o Options) validate() error {
	if len(o.Servers) == 0 {
		return errors.New("zkconn: Servers is empty: name at least one ZooKeeper server")
	}
	for _, s := range o.Servers {
		if host, _, err := net.SplitHostPort(s); err != nil || host == "" {
			return fmt.Errorf("zkconn: Servers: %q is not host:port", s)
		}
	}
	if err := validateRoot(o.Root); err != nil {
		return err
	}
	if o.SessionTimeout < 100*time.Millisecond {
		return fmt.Errorf("zkconn: SessionTimeout %v is below 100ms", o.SessionTimeout)
	}
	if o.CallTimeout < 0 {
		return fmt.Errorf("zkconn: CallTimeout %v is negative", o.CallTimeout)
	}
	if (o.DigestUser == "") != o.DigestPassword.IsEmpty() {
		return errors.New("zkconn: DigestUser and DigestPassword go together: give both or neither")
	}
	return nil
}

// handshakeTimeout bounds dialing and the connect handshake with one server,
// so that a silent server costs a part of the session and not all of it.
func (o Options) handshakeTimeout() time.Duration {
	return min(max(o.SessionTimeout/3, time.Second), 5*time.Second)
}
