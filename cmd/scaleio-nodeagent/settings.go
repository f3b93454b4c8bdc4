package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/nodeagent/executor"
	"scaleio-framework/nodeagent/imds"
)

// settings are the flags, each with its environment variable.
type settings struct {
	name, hostRoot, tools, address, logLevel string
	imdsEndpoint                             string
	passwordInArgs                           bool
	mesos                                    executor.Config
}

// imdsOff is the endpoint of hosts that are on no cloud.
const imdsOff = "off"

// imdsTimeout bounds all questions to the metadata service together: it is on
// the same machine, and where there is none packets to it may just vanish.
const imdsTimeout = time.Second

// metadata is the service that says which instance the host is. A directory
// that stands for a host has one only where it is named: the machine's own
// would speak of the machine.
func (s settings) metadata() (*imds.Reader, error) {
	if s.imdsEndpoint == imdsOff || s.imdsEndpoint == "" && filepath.Clean(s.hostRoot) != "/" {
		return nil, nil
	}
	return imds.New(imds.Options{Endpoint: s.imdsEndpoint, Timeout: imdsTimeout})
}

// parse reads flags over environment variables over defaults.
func parse(args []string, env func(string) string, out io.Writer) (settings, error) {
	var s settings
	or := func(name, otherwise string) string {
		if v := env(name); v != "" {
			return v
		}
		return otherwise
	}
	inArgs, err := strconv.ParseBool(or("SIO_SCLI_PASSWORD_IN_ARGS", "false"))
	if err != nil {
		return s, fmt.Errorf("SIO_SCLI_PASSWORD_IN_ARGS is neither true nor false: %w", err)
	}
	set := flag.NewFlagSet("scaleio-nodeagent", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&s.name, "name", or("SIO_NAME", "scaleio"), "name of the framework, SIO_NAME")
	set.StringVar(&s.hostRoot, "host-root", or("SIO_HOST_ROOT", "/"), "directory that stands for the host, SIO_HOST_ROOT")
	set.StringVar(&s.tools, "tools", or("SIO_TOOLS", ""), "directory searched for programs before PATH, SIO_TOOLS")
	set.StringVar(&s.address, "address", or("SIO_ADDRESS", ""), "where other nodes reach this host, SIO_ADDRESS; otherwise the Mesos agent's address")
	set.StringVar(&s.imdsEndpoint, "imds-endpoint", or("SIO_IMDS_ENDPOINT", ""), "URL of the EC2 metadata service, or off, SIO_IMDS_ENDPOINT; otherwise EC2's own, and off with a host root")
	set.StringVar(&s.logLevel, "log-level", or("SIO_LOG_LEVEL", "info"), "trace, debug, info, warn or error, SIO_LOG_LEVEL")
	set.BoolVar(&s.passwordInArgs, "scli-password-in-args", inArgs, "put passwords on scli's command line where it does not ask for them: every user of the host can read them there, SIO_SCLI_PASSWORD_IN_ARGS")
	if err := set.Parse(args); err != nil {
		return s, err
	}
	switch {
	case set.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q: everything is set by flags or the environment", set.Arg(0))
	case hclog.LevelFromString(s.logLevel) == hclog.NoLevel:
		return s, fmt.Errorf("log level %q is none of trace, debug, info, warn, error", s.logLevel)
	}
	if info, err := os.Stat(s.hostRoot); err != nil || !info.IsDir() {
		return s, fmt.Errorf("host root %s is not a directory", s.hostRoot)
	}
	if s.mesos, err = executor.ConfigFromEnv(env); err != nil {
		return s, err
	}
	if s.address == "" {
		// The address at which the Mesos agent is reachable is the one that
		// the masters, and so the other nodes, have for this host.
		host, _, err := net.SplitHostPort(s.mesos.Endpoint)
		if err != nil {
			return s, fmt.Errorf("MESOS_AGENT_ENDPOINT: %w", err)
		}
		s.address = host
	}
	if net.ParseIP(s.address) == nil {
		return s, fmt.Errorf("address %q is not an IP address: set SIO_ADDRESS", s.address)
	}
	return s, nil
}
