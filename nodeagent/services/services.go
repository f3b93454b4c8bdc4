// Package services starts, restarts and queries the host's services by
// systemctl.
package services

import (
	"context"
	"fmt"
	"strings"
	"time"

	"scaleio-framework/nodeagent/runner"
)

// Timeouts of systemctl. A restart waits for the old process to end, which
// systemd itself gives 90 seconds by default.
const (
	queryTimeout  = 30 * time.Second
	changeTimeout = 3 * time.Minute
)

// Services asks systemctl.
type Services struct{ run *runner.Runner }

// New returns the services of the runner's host.
func New(run *runner.Runner) Services { return Services{run: run} }

// IsActive reports whether a unit runs. An unknown unit does not.
func (s Services) IsActive(ctx context.Context, unit string) (bool, error) {
	res, err := s.run.Run(ctx, runner.Command{Argv: []string{"systemctl", "is-active", unit}, Timeout: queryTimeout})
	if err != nil {
		return false, fmt.Errorf("query service %s: %w", unit, err)
	}
	// The status is 3 for a unit that is stopped and 4 for an unknown one; the
	// word tells "activating" from "active".
	return res.Code == 0 && strings.TrimSpace(res.Stdout) == "active", nil
}

// Start starts a unit and enables it for the next boot.
func (s Services) Start(ctx context.Context, unit string) error {
	if err := s.change(ctx, "enable", unit); err != nil {
		return err
	}
	return s.change(ctx, "start", unit)
}

// Restart restarts a unit and waits until systemd has done so.
func (s Services) Restart(ctx context.Context, unit string) error {
	return s.change(ctx, "restart", unit)
}

// Generation names one run of a unit: another value means that it was started
// again. It is empty where systemctl does not tell.
func (s Services) Generation(ctx context.Context, unit string) (string, error) {
	res, err := s.run.Run(ctx, runner.Command{
		Argv: []string{"systemctl", "show", "--property=ActiveEnterTimestampMonotonic", unit}, Timeout: queryTimeout,
	})
	if err != nil {
		return "", fmt.Errorf("query service %s: %w", unit, err)
	}
	_, value, _ := strings.Cut(strings.TrimSpace(res.Stdout), "=")
	if res.Code != 0 || value == "0" {
		return "", nil
	}
	return value, nil
}

func (s Services) change(ctx context.Context, verb, unit string) error {
	res, err := s.run.Run(ctx, runner.Command{Argv: []string{"systemctl", verb, unit}, Timeout: changeTimeout})
	if err == nil {
		err = res.Err()
	}
	if err != nil {
		return fmt.Errorf("%s service %s: %w", verb, unit, err)
	}
	return nil
}
