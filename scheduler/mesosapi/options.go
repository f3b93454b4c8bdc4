package mesosapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/redact"
)

// MinFailoverTimeout is the least time that Mesos must keep the framework and
// its node agents while no scheduler is subscribed.
const MinFailoverTimeout = 7 * 24 * time.Hour

// Defaults of Options.
const (
	DefaultCallTimeout  = 10 * time.Second
	DefaultMaxBackoff   = 5 * time.Second
	DefaultRefuse       = time.Hour
	DefaultExecutorCPUs = 0.1
	DefaultExecutorMB   = 32.0
)

// NodeAgentProgram is the file name of the node agent in its sandbox.
const NodeAgentProgram = "scaleio-nodeagent"

// Options configure a Client.
type Options struct {
	// Detector finds the leading master. Required.
	Detector Detector
	// Fence tells whether we may subscribe. It is called before each SUBSCRIBE
	// and when another scheduler took the framework. It blocks while the lease
	// is lapsed; an error means that the term is over. Required.
	Fence func(ctx context.Context) error

	// Name of the framework, as operators see it. Required.
	Name string
	// User that node agents run as: root, they install packages. Required.
	User string
	// Role that offers are made to, "*" by default.
	Role string
	// Principal, with Secret, authenticates us by HTTP basic authentication.
	// A framework's principal can never be changed.
	Principal string
	Secret    redact.Secret
	// FailoverTimeout is at least MinFailoverTimeout, which is the default.
	FailoverTimeout time.Duration
	// Hostname and WebUIURL are shown by Mesos' own pages.
	Hostname string
	WebUIURL string

	// ExecutorCommand is the program that an agent starts, relative to the
	// sandbox, by default ./scaleio-nodeagent without arguments.
	ExecutorCommand Command
	// ExecutorEnvironment is given to each executor. Mesos shows it to anyone:
	// it must not hold secrets.
	ExecutorEnvironment map[string]string
	// ExecutorCPUs and ExecutorMB (MiB) are the executor's share of a launch;
	// the rest is the task's. Defaults as named above.
	ExecutorCPUs float64
	ExecutorMB   float64
	// AcceptRefuse is how long the rest of an accepted offer is refused.
	AcceptRefuse time.Duration

	// TLS, when set, means that masters are spoken to by https.
	TLS *tls.Config
	// CallTimeout bounds each call, and connecting and the wait for SUBSCRIBED.
	CallTimeout time.Duration
	// MaxBackoff bounds the wait between two attempts to subscribe. The first
	// retry comes after about 100 ms.
	MaxBackoff time.Duration
	// SubscriptionChanged is called when Subscribed says something else than
	// before. It must not block. May be nil.
	SubscriptionChanged func()
	// Logger gets state changes. Required.
	Logger hclog.Logger
}

// Command is an argument vector.
type Command struct {
	// Program is a path relative to the sandbox, beginning with "./".
	Program string
	// Arguments follow the program's name.
	Arguments []string
}

func (o Options) withDefaults() Options {
	if o.Role == "" {
		o.Role = "*"
	}
	if o.FailoverTimeout == 0 {
		o.FailoverTimeout = MinFailoverTimeout
	}
	if o.ExecutorCommand.Program == "" {
		o.ExecutorCommand.Program = "./" + NodeAgentProgram
	}
	if o.ExecutorCPUs == 0 {
		o.ExecutorCPUs = DefaultExecutorCPUs
	}
	if o.ExecutorMB == 0 {
		o.ExecutorMB = DefaultExecutorMB
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.AcceptRefuse, DefaultRefuse},
		{&o.CallTimeout, DefaultCallTimeout},
		{&o.MaxBackoff, DefaultMaxBackoff},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Detector == nil:
		return errors.New("mesos: Options.Detector is required")
	case o.Fence == nil:
		return errors.New("mesos: Options.Fence is required: a scheduler that does not lead must not subscribe")
	case o.Logger == nil:
		return errors.New("mesos: Options.Logger is required")
	case o.Name == "":
		return errors.New("mesos: the framework has no name")
	case o.User == "":
		return errors.New("mesos: the framework has no user")
	case o.FailoverTimeout < MinFailoverTimeout:
		return fmt.Errorf("mesos: failover timeout %s is too short: Mesos would kill every node agent after a weekend without scheduler; give at least %s",
			o.FailoverTimeout, MinFailoverTimeout)
	case o.Principal == "" && !o.Secret.IsEmpty():
		return errors.New("mesos: a secret is given without the principal it belongs to")
	case !strings.HasPrefix(o.ExecutorCommand.Program, "./"):
		return fmt.Errorf("mesos: executor program %q is not relative to the sandbox: it must begin with ./", o.ExecutorCommand.Program)
	case o.ExecutorCPUs < 0.01 || o.ExecutorMB < 1:
		return fmt.Errorf("mesos: an executor with %g cpus and %g MB cannot run: give at least 0.01 and 1", o.ExecutorCPUs, o.ExecutorMB)
	case o.AcceptRefuse < 0 || o.CallTimeout < 0 || o.MaxBackoff < 0:
		return errors.New("mesos: AcceptRefuse, CallTimeout and MaxBackoff must not be negative")
	}
	return nil
}
