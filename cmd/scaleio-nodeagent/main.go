// Command scaleio-nodeagent is the Mesos executor that runs on every agent
// host and does the work there. It needs no arguments: the Mesos agent's
// environment says all, and SIO_ variables change what an operator may change.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/version"
	"scaleio-framework/nodeagent"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/executor"
	"scaleio-framework/nodeagent/runner"
)

// Exit codes, as the scheduler's where they mean the same.
const (
	exitStopped = 0
	exitFailed  = 1
	exitConfig  = 2
)

func main() { os.Exit(run(os.Args[1:], os.Getenv, os.Stderr)) }

func run(args []string, env func(string) string, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := os.Setenv("PATH", runner.SystemPath(env("PATH"))); err != nil {
		fmt.Fprintf(stderr, "scaleio-nodeagent: PATH: %s\n", err)
		return exitFailed
	}
	if len(args) > 0 && args[0] == agentrestart.Command {
		return guard(ctx, args[1:], stderr)
	}
	settings, err := parse(args, env, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitStopped
	}
	if err != nil {
		fmt.Fprintf(stderr, "scaleio-nodeagent: bad configuration: %s\n", err)
		return exitConfig
	}
	logger := newLogger(settings.logLevel, stderr)
	link, err := newLink(settings, logger)
	if err != nil {
		fmt.Fprintf(stderr, "scaleio-nodeagent: bad configuration: %s\n", err)
		return exitConfig
	}
	logger.Info("started", "version", version.String(), "name", settings.name, "address", settings.address)
	if err := link.run(ctx); err != nil {
		fmt.Fprintf(stderr, "scaleio-nodeagent: %s\n", err)
		return exitFailed
	}
	return exitStopped
}

func newLogger(level string, out io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: "nodeagent", Level: hclog.LevelFromString(level), Output: out, TimeFormat: "2006-01-02T15:04:05.000Z0700",
	})
}

// newLink wires the executor and the agent to each other.
func newLink(s settings, logger hclog.Logger) (*link, error) {
	mesos, err := executor.New(executor.Options{Config: s.mesos, Logger: logger})
	if err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	metadata, err := s.metadata()
	if err != nil {
		return nil, err
	}
	l := &link{executor: mesos, log: logger, named: make(chan struct{}), stopAgent: make(chan struct{}), agentEnded: make(chan struct{}), killed: make(chan struct{})}
	l.agent, err = nodeagent.New(nodeagent.Options{
		Name: s.name, HostRoot: s.hostRoot, Tools: s.tools, Address: s.address, Version: version.String(),
		MesosAgent: agentrestart.Endpoint{Address: s.mesos.Endpoint, Secure: s.mesos.TLS != nil}, Program: program,
		SCLIPasswordInArgs: s.passwordInArgs, MesosVersion: mesos.AgentVersion, Metadata: metadata, Transport: l, Logger: logger,
	})
	return l, err
}
