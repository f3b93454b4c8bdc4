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

func (s systemd) start(ctx context.Context, unit string) error {
	if err := s.change(ctx, "systemctl", "enable", unit); err != nil {
		return err
	}
	return s.change(ctx, "systemctl", "start", unit)
}

func (s systemd) restart(ctx context.Context, unit string) error {
	return s.change(ctx, "systemctl", "restart", unit)
}

func (s systemd) stop(ctx context.Context, unit string) error {
	if err := s.change(ctx, "systemctl", "stop", unit); err != nil {
		return err
	}
	return s.change(ctx, "systemctl", "disable", unit)
}

func (s systemd) generation(ctx context.Context, unit string) (string, error) {
	res, err := s.query(ctx, "systemctl", "show", "--property=ActiveEnterTimestampMonotonic", unit)
	_, value, _ := strings.Cut(strings.TrimSpace(res.Stdout), "=")
	if err != nil || res.Code != 0 || value == "0" {
		return "", err
	}
	return value, nil
}
