package services

import (
	"context"
	"strings"
)

// systemd asks systemctl.
type systemd struct{ tools }

func (s systemd) isActive(ctx context.Context, unit string) (bool, error) {
	res, err := s.query(ctx, "systemctl", "is-active", unit)
	// The status is 3 for a unit that is stopped and 4 for an unknown one; the
	// word tells "activating" from "active".
	return err == nil && res.Code == 0 && strings.TrimSpace(res.Stdout) == "active", err
}

func (s systemd) enable(ctx context.Context, unit string) error {
	return s.change(ctx, "systemctl", "enable", unit)
}

func (s systemd) start(ctx context.Context, unit string) error {
	return s.change(ctx, "systemctl", "start", unit)
}

// restart also restarts a unit that systemd does not start any more, since it
// was started too often.
func (s systemd) restart(ctx context.Context, unit string) error {
	err := s.change(ctx, "systemctl", "restart", unit)
	if err == nil || ctx.Err() != nil {
		return err
	}
	// start-limit-hit, or start-limit before version 230.
	if why, _ := s.property(ctx, unit, "Result"); !strings.HasPrefix(why, "start-limit") {
		return err
	}
	if err := s.change(ctx, "systemctl", "reset-failed", unit); err != nil {
		return err
	}
	return s.change(ctx, "systemctl", "restart", unit)
}

func (s systemd) stop(ctx context.Context, unit string) error {
	if err := s.change(ctx, "systemctl", "stop", unit); err != nil {
		return err
	}
	return s.change(ctx, "systemctl", "disable", unit)
}

func (s systemd) generation(ctx context.Context, unit string) (string, error) {
	value, err := s.property(ctx, unit, "ActiveEnterTimestampMonotonic")
	if value == "0" {
		value = "" // it never ran
	}
	return value, err
}

// property reads one of a unit; empty where systemd does not tell.
func (s systemd) property(ctx context.Context, unit, name string) (string, error) {
	res, err := s.query(ctx, "systemctl", "show", "--property="+name, unit)
	if err != nil || res.Code != 0 {
		return "", err
	}
	_, value, _ := strings.Cut(strings.TrimSpace(res.Stdout), "=")
	return value, nil
}
