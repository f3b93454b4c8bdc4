// Command scaleio-scheduler is the scheduler: leader or standby. It runs as two
// processes: a parent, and its child, the worker, which is the scheduler; see
// internal/parent.
package main

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/app"
	"scaleio-framework/internal/config"
	"scaleio-framework/internal/parent"
)

const program = "scaleio-scheduler"

func main() {
	if parent.IsWorker() {
		os.Exit(work())
	}
	os.Exit(watch())
}

// watch runs the worker and makes room for a standby when it has ended.
func watch() int {
	code, line := parent.Run(options())
	if line != "" {
		fmt.Fprintf(os.Stderr, "%s: exit %d: %s\n", program, code, line)
	}
	return code
}

// options says how the parent reaches ZooKeeper. Where the configuration is
// bad the worker says so.
func options() parent.Options {
	cfg, err := config.ParseZooKeeper(program, os.Args[1:], os.Environ())
	if err != nil {
		return parent.Options{}
	}
	logger := newLogger("parent", cfg)
	zk, err := app.ZooKeeperOptions(cfg, logger)
	if err != nil {
		return parent.Options{Logger: logger}
	}
	return parent.Options{ZooKeeper: &zk, Logger: logger}
}

func newLogger(name string, cfg *config.Config) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{
		Name: name, Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: cfg.LogJSON, Output: os.Stderr,
		TimeFormat: "2006-01-02T15:04:05.000Z0700",
	})
}
