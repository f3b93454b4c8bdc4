package hosttest

import (
	"context"
	"errors"
	"time"
)

// pollInterval is the pause between two looks at something of the kernel's or
// systemd's that nothing announces.
const pollInterval = 20 * time.Millisecond

// poll asks until the answer is nil or the context ends; then the last answer
// is part of the error.
func poll(ctx context.Context, ask func() error) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-ticker.C:
		}
	}
}
