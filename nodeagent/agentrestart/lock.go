package agentrestart

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// tryLock takes the lock; unlock is nil when another process has it.
func (r *Restart) tryLock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(r.opt.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of the agent's restart: %w", err)
	}
	switch err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); {
	case err == nil:
		return func() { _ = f.Close() }, nil // ends the lock
	case errors.Is(err, unix.EWOULDBLOCK), errors.Is(err, unix.EINTR):
		return nil, f.Close()
	default:
		return nil, errors.Join(fmt.Errorf("lock of the agent's restart: %w", err), f.Close())
	}
}

func trimmed(data []byte) []byte { return bytes.TrimSpace(data) }
