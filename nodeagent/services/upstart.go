package services

import (
	"context"
	"strings"
)

// upstart asks initctl.
type upstart struct{ tools }

// enable has nothing to do: a job starts at boot because it is there.
func (u upstart) enable(context.Context, string) error { return nil }

// status reads "mdm start/running, process 1234".
func (u upstart) status(ctx context.Context, job string) (running bool, process string, err error) {
	res, err := u.query(ctx, "initctl", "status", job)
	if err != nil || res.Code != 0 {
		return false, "", err // status 1: no such job
	}
	_, state, _ := strings.Cut(strings.TrimSpace(res.Stdout), " ")
	state, process, _ = strings.Cut(state, ", process ")
	first, _, _ := strings.Cut(process, "\n")
	return strings.HasPrefix(state, "start/running"), strings.TrimSpace(first), nil
}

func (u upstart) isActive(ctx context.Context, job string) (bool, error) {
	running, _, err := u.status(ctx, job)
	return running, err
}

func (u upstart) start(ctx context.Context, job string) error {
	// initctl fails for a job that runs.
	if running, _, err := u.status(ctx, job); err != nil || running {
		return err
	}
	return u.change(ctx, "initctl", "start", job)
}

// restart starts a job that does not run: initctl refuses to restart it.
func (u upstart) restart(ctx context.Context, job string) error {
	running, _, err := u.status(ctx, job)
	if err != nil {
		return err
	}
	if running {
		return u.change(ctx, "initctl", "restart", job)
	}
	return u.change(ctx, "initctl", "start", job)
}

func (u upstart) stop(ctx context.Context, job string) error {
	return u.change(ctx, "initctl", "stop", job)
}

func (u upstart) generation(ctx context.Context, job string) (string, error) {
	_, process, err := u.status(ctx, job)
	return process, err
}
