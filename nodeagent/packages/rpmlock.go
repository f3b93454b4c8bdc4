package packages

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"scaleio-framework/nodeagent/failure"
	"scaleio-framework/nodeagent/runner"
)

// idle looks that no other program holds rpm's lock: rpm, and dnf in the midst
// of its work, would wait for it without a word, and without an end.
func (r rpm) idle(ctx context.Context) error {
	res, err := run(ctx, r.run, runner.Command{Argv: []string{"rpm", "--eval", "%{_rpmlock_path}"}, Timeout: queryTimeout})
	if err != nil {
		return err
	}
	file := strings.TrimSpace(res.Stdout)
	if res.Code != 0 || !filepath.IsAbs(file) {
		return nil // this rpm has none
	}
	pid, err := holder(file)
	switch {
	case err != nil:
		return fmt.Errorf("look at the lock of rpm: %w", err)
	case pid == 0:
		return nil
	default:
		return failure.Interrupted(fmt.Errorf("another package manager works on this host: %s holds %s", program(pid), file))
	}
}

// holder is the process that has a record lock on a file; 0 for none.
func holder(file string) (int, error) {
	f, err := os.OpenFile(file, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }() // nothing was written
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return 0, err
	}
	if lock.Type == unix.F_UNLCK {
		return 0, nil
	}
	return int(lock.Pid), nil
}

// program names a process for people.
func program(pid int) string {
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return fmt.Sprintf("process %d", pid)
	}
	return fmt.Sprintf("%s (process %d)", strings.TrimSpace(string(name)), pid)
}
