package executor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	mesostime "github.com/mesos/mesos-go/api/v1/lib/time"

	"scaleio-framework/internal/redact"
)

// Config is what an agent tells its executor through the environment.
type Config struct {
	FrameworkID string
	ExecutorID  string
	// AgentID is the agent's id at the start of this executor.
	AgentID string
	// Endpoint is the agent's host:port.
	Endpoint string
	// Socket is the path of the agent's unix socket, used instead of a
	// connection to Endpoint when it is set.
	Socket string
	// TLS is set when the agent is spoken to by https.
	TLS *tls.Config
	// Token authenticates this executor. It may be empty.
	Token redact.Secret
	// Sandbox is the working directory that the agent keeps for us.
	Sandbox string
	// ShutdownGrace is how long the agent waits after SHUTDOWN before it kills.
	ShutdownGrace time.Duration
	// Checkpoint says that the agent remembers us over its own restart.
	Checkpoint bool
	// RecoveryTimeout is how long to wait for an agent that went away.
	RecoveryTimeout time.Duration
	// BackoffMax bounds the wait between two attempts to subscribe.
	BackoffMax time.Duration
}

// Defaults where the environment says nothing; they are the agent's own.
const (
	defaultShutdownGrace   = 5 * time.Second
	defaultRecoveryTimeout = 15 * time.Minute
	defaultBackoffMax      = 2 * time.Second
)

// ConfigFromEnv reads the environment that a Mesos agent gives to executors;
// env is os.Getenv, or a test's.
func ConfigFromEnv(env func(string) string) (Config, error) {
	r := envReader{env: env}
	c := Config{
		FrameworkID:     r.required("MESOS_FRAMEWORK_ID"),
		ExecutorID:      r.required("MESOS_EXECUTOR_ID"),
		AgentID:         env("MESOS_SLAVE_ID"),
		Endpoint:        r.required("MESOS_AGENT_ENDPOINT"),
		Socket:          env("MESOS_DOMAIN_SOCKET"),
		Token:           redact.New(env("MESOS_EXECUTOR_AUTHENTICATION_TOKEN")),
		Sandbox:         env("MESOS_SANDBOX"),
		ShutdownGrace:   r.duration("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", defaultShutdownGrace),
		Checkpoint:      r.flag("MESOS_CHECKPOINT"),
		RecoveryTimeout: r.duration("MESOS_RECOVERY_TIMEOUT", defaultRecoveryTimeout),
		BackoffMax:      r.duration("MESOS_SUBSCRIPTION_BACKOFF_MAX", defaultBackoffMax),
	}
	secure := r.flag("MESOS_SSL_ENABLED")
	if r.flag("LIBPROCESS_SSL_ENABLED") { // what agents pass on to their executors
		secure = true
	}
	if rest, ok := strings.CutPrefix(c.Endpoint, "https://"); ok {
		c.Endpoint, secure = rest, true
	}
	c.Endpoint = strings.TrimPrefix(c.Endpoint, "http://")
	if secure {
		c.TLS = r.tls()
	}
	if err := errors.Join(r.errs...); err != nil {
		return Config{}, fmt.Errorf("this program is started by a Mesos agent, whose environment is wrong: %w", err)
	}
	return c, c.validate()
}

func (c Config) validate() error {
	switch {
	case c.FrameworkID == "" || c.ExecutorID == "":
		return errors.New("executor: framework id and executor id are required")
	case c.ShutdownGrace <= 0 || c.RecoveryTimeout <= 0 || c.BackoffMax <= 0:
		return errors.New("executor: shutdown grace, recovery timeout and back-off must be above zero")
	}
	if _, _, err := net.SplitHostPort(c.Endpoint); err != nil {
		return fmt.Errorf("executor: agent endpoint %q is not host:port: %w", c.Endpoint, err)
	}
	return nil
}

// envReader gathers every error, so that one look shows all.
type envReader struct {
	env  func(string) string
	errs []error
}

func (r *envReader) required(name string) string {
	value := r.env(name)
	if value == "" {
		r.errs = append(r.errs, fmt.Errorf("%s is not set", name))
	}
	return value
}

func (r *envReader) duration(name string, otherwise time.Duration) time.Duration {
	text := r.env(name)
	if text == "" {
		return otherwise
	}
	d, err := mesostime.ParseDuration(text)
	if err != nil || d <= 0 {
		r.errs = append(r.errs, fmt.Errorf("%s=%q is no duration above zero like 15mins", name, text))
		return otherwise
	}
	return d
}

func (r *envReader) flag(name string) bool {
	text := r.env(name)
	if text == "" {
		return false
	}
	on, err := strconv.ParseBool(text)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s=%q is neither 1 nor 0", name, text))
	}
	return on
}

func (r *envReader) tls() *tls.Config {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	file := r.env("LIBPROCESS_SSL_CA_FILE")
	if file == "" {
		return config
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("LIBPROCESS_SSL_CA_FILE: %w", err))
		return config
	}
	if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(pem) {
		r.errs = append(r.errs, fmt.Errorf("LIBPROCESS_SSL_CA_FILE=%s holds no certificate", file))
	}
	return config
}
