package mesostest

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/redact"
)

// Options configure a Cluster. The zero value of an interval stands for the default of a real master or agent.
type Options struct {
	// Logger gets state changes; nil discards them.
	Logger hclog.Logger
	// Dir is the work directory: agents keep their sandboxes below it. Required.
	Dir string
	// Addr is where the first master listens, 127.0.0.1:0 by default. Masters elected later take a free port of the same IP.
	Addr string
	// HeartbeatInterval is the time between HEARTBEAT events, 15 s by default.
	HeartbeatInterval time.Duration
	// OfferInterval is how long resources that a framework declined with a refusal of 0 s, or left unused, wait for the next
	// offer. 1 s by default. All other offers are immediate.
	OfferInterval time.Duration
	// UpdateRetry is the wait before an unacknowledged status update comes again, 10 s by default; it doubles each time.
	UpdateRetry time.Duration
	// UpdateRetryMax bounds the doubling, 10 min by default.
	UpdateRetryMax time.Duration
	// AgentTimeout is how long a lost or stopped agent stays silent before the master declares it unreachable, 75 s by
	// default (five pings of 15 s). A new master waits as long for the agents of the old one.
	AgentTimeout time.Duration
	// ReregisterDelay is how long agents take to find a newly elected master. No delay by default.
	ReregisterDelay time.Duration
	// RecoveryTime is how long a newly elected master answers 503 before it serves. None by default.
	RecoveryTime time.Duration
	// ExecutorReregisterTimeout is how long a restarted agent waits for its executors before it kills them, 2 s by default.
	ExecutorReregisterTimeout time.Duration
	// ExecutorRegistrationTimeout is how long a started executor may take to subscribe, 1 min by default.
	ExecutorRegistrationTimeout time.Duration
	// Credential, when set, is what schedulers must present by HTTP basic authentication.
	Credential *Credential
	// Registrar, when set, announces each elected master.
	Registrar Registrar
}

// Credential is a principal and its secret.
type Credential struct {
	Principal string
	Secret    redact.Secret
}

// AgentOptions describe one agent host.
type AgentOptions struct {
	// Hostname as offers show it. Required.
	Hostname string
	// IP is where the agent's API listens (port 0), 127.0.0.1 by default.
	IP string
	// Attributes become text attributes of the offers.
	Attributes map[string]string
	// Resources that the agent offers; what is zero becomes 4 CPUs, 8192 MB of memory, 10240 MB of disk.
	Resources Resources
	// ExecutorEnvironment is added to the environment of every executor (--executor_environment_variables).
	ExecutorEnvironment map[string]string
	// GPUs: agents that have some are offered only to frameworks with the GPU_RESOURCES capability.
	GPUs int
	// OnPowerOff, when set, is called when the host has been powered off, to end what runs on it without being below an
	// executor. Processes that inherited an executor's MESOS_DIRECTORY have been killed by then.
	OnPowerOff func()
	// Host, when set, is a machine of its own that the agent listens and starts executors on. Sandboxes must have the same
	// name there. Without one the agent is on this system.
	Host Host
	// Unit leaves the agent's process to a service of the host, whose program is package agentunit's: Cluster.ServeUnits
	// starts and stops the agent with it. It listens on Mesos' default port.
	Unit bool
	// RecoveryTimeout is told to executors as MESOS_RECOVERY_TIMEOUT, 15 min by default.
	RecoveryTimeout time.Duration
}

// Host is a machine of its own.
type Host interface {
	// Listen listens on an address of the machine.
	Listen(address string) (net.Listener, error)
	// Wrap turns a command with its directory and environment into one that runs it on the machine, in a container of that
	// name, and ends when it ends, with its status.
	Wrap(cmd *exec.Cmd, container string) *exec.Cmd
	// Kill sends SIGKILL to every process of a container; one that has ended is fine.
	Kill(container string)
}

// Resources of an agent: CPUs in cores, Mem and Disk in MB.
type Resources struct {
	CPUs, Mem, Disk float64
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.HeartbeatInterval, 15 * time.Second},
		{&o.OfferInterval, time.Second},
		{&o.UpdateRetry, 10 * time.Second},
		{&o.UpdateRetryMax, 10 * time.Minute},
		{&o.AgentTimeout, 75 * time.Second},
		{&o.ExecutorReregisterTimeout, 2 * time.Second},
		{&o.ExecutorRegistrationTimeout, time.Minute},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return o
}

func (o Options) validate() error {
	if o.Dir == "" {
		return errors.New("mesostest: Options.Dir is required: it holds the sandboxes")
	}
	if !filepath.IsAbs(o.Dir) {
		return fmt.Errorf("mesostest: Options.Dir %q must be absolute, executors run in other directories", o.Dir)
	}
	if fi, err := os.Stat(o.Dir); err != nil || !fi.IsDir() {
		return fmt.Errorf("mesostest: Options.Dir %q must be an existing directory", o.Dir)
	}
	if host, _, err := net.SplitHostPort(o.Addr); err != nil || net.ParseIP(host).To4() == nil {
		return fmt.Errorf("mesostest: Options.Addr %q must be an IPv4 address and a port", o.Addr)
	}
	for name, d := range map[string]time.Duration{
		"HeartbeatInterval": o.HeartbeatInterval, "OfferInterval": o.OfferInterval, "UpdateRetry": o.UpdateRetry,
		"UpdateRetryMax": o.UpdateRetryMax, "AgentTimeout": o.AgentTimeout,
		"ExecutorReregisterTimeout":   o.ExecutorReregisterTimeout,
		"ExecutorRegistrationTimeout": o.ExecutorRegistrationTimeout,
	} {
		if d <= 0 {
			return fmt.Errorf("mesostest: Options.%s is %s, it must be positive", name, d)
		}
	}
	return nil
}

func (o AgentOptions) withDefaults() AgentOptions {
	if o.IP == "" {
		o.IP = "127.0.0.1"
	}
	o.Resources.CPUs = cmp.Or(o.Resources.CPUs, 4)
	o.Resources.Mem = cmp.Or(o.Resources.Mem, 8192)
	o.Resources.Disk = cmp.Or(o.Resources.Disk, 10240)
	if o.RecoveryTimeout == 0 {
		o.RecoveryTimeout = 15 * time.Minute
	}
	return o
}

func (o AgentOptions) listen(address string) (net.Listener, error) {
	if o.Host != nil {
		return o.Host.Listen(address)
	}
	return net.Listen("tcp4", address)
}

func (o AgentOptions) validate() error {
	if o.Hostname == "" {
		return errors.New("mesostest: AgentOptions.Hostname is required")
	}
	if net.ParseIP(o.IP).To4() == nil {
		return fmt.Errorf("mesostest: AgentOptions.IP %q must be an IPv4 address", o.IP)
	}
	return nil
}
