package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"scaleio-framework/internal/app"
	"scaleio-framework/internal/config"
	"scaleio-framework/internal/parent"
	"scaleio-framework/internal/version"
)

// work is the scheduler itself.
func work() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	line, err := parent.Attach()
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %s\n", program, err)
		return app.ExitConfig
	}
	code := schedule(ctx, line)
	line.Close(code)
	return code
}

func schedule(ctx context.Context, line *parent.Line) int {
	cfg, err := config.Parse(program, os.Args[1:], os.Environ(), os.Stdout)
	if errors.Is(err, config.ErrHelp) {
		return app.ExitStopped
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: bad configuration:\n%s\n", program, err)
		return app.ExitConfig
	}
	logger := newLogger("scheduler", cfg)
	for _, warning := range cfg.Warnings {
		logger.Warn("check the configuration", "setting", warning)
	}
	scheduler, err := app.New(cfg, line.Claim, line.Candidacy, logger)
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: bad configuration: %s\n", program, err)
		return app.ExitConfig
	}
	logger.Info("started", "version", version.String(), "address", scheduler.Addr())
	code, reason := app.ExitCode(scheduler.Run(ctx))
	if code != app.ExitStopped {
		fmt.Fprintf(os.Stderr, "%s: exit %d: %s\n", program, code, reason)
	}
	return code
}
