package services

import "context"

// sysv runs the script of a service.
type sysv struct{ tools }

func (s sysv) isActive(ctx context.Context, name string) (bool, error) {
	res, err := s.query(ctx, "service", name, "status")
	return err == nil && res.Code == 0, err // 3: it does not run
}

// enable uses what there is: that depends on the family.
func (s sysv) enable(ctx context.Context, name string) error {
	switch {
	case s.has("chkconfig"):
		return s.change(ctx, "chkconfig", name, "on")
	case s.has("update-rc.d"):
		return s.change(ctx, "update-rc.d", name, "defaults")
	}
	return nil
}

func (s sysv) start(ctx context.Context, name string) error {
	if active, err := s.isActive(ctx, name); err != nil || active {
		return err
	}
	return s.change(ctx, "service", name, "start")
}

func (s sysv) restart(ctx context.Context, name string) error {
	return s.change(ctx, "service", name, "restart")
}

func (s sysv) stop(ctx context.Context, name string) error {
	return s.change(ctx, "service", name, "stop")
}

// generation is not known: a script tells of no process.
func (s sysv) generation(context.Context, string) (string, error) { return "", nil }
