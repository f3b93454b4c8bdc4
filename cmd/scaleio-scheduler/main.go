// Command scaleio-scheduler is the scheduler: leader or standby.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/app"
	"scaleio-framework/internal/config"
	"scaleio-framework/internal/version"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	cfg, err := config.Parse("scaleio-scheduler", os.Args[1:], os.Environ(), os.Stdout)
	if errors.Is(err, config.ErrHelp) {
		return app.ExitStopped
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "scaleio-scheduler: bad configuration:\n%s\n", err)
		return app.ExitConfig
	}
	logger := hclog.New(&hclog.LoggerOptions{
		Name: "scheduler", Level: hclog.LevelFromString(cfg.LogLevel), JSONFormat: cfg.LogJSON, Output: os.Stderr,
		TimeFormat: "2006-01-02T15:04:05.000Z0700",
	})
	for _, warning := range cfg.Warnings {
		logger.Warn("check the configuration", "setting", warning)
	}
	scheduler, err := app.New(cfg, logger)
	if err != nil {
		fmt.Fprintf(os.Stderr, "scaleio-scheduler: bad configuration: %s\n", err)
		return app.ExitConfig
	}
	logger.Info("started", "version", version.String(), "address", scheduler.Addr())
	code, line := app.ExitCode(scheduler.Run(ctx))
	if code != app.ExitStopped {
		fmt.Fprintf(os.Stderr, "scaleio-scheduler: exit %d: %s\n", code, line)
	}
	return code
}
