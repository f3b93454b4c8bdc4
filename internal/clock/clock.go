// Package clock tells the time to what decides by it for the length of a term,
// and waits.
package clock

import (
	"context"
	"time"
)

// Start returns a clock that shows the wall clock's time of this moment, in UTC,
// and goes on by the monotonic clock: a wall clock that is set afterwards makes
// nothing due, late or stale. It shows whole milliseconds without a monotonic
// reading, so that a record read back equals the one written.
func Start() func() time.Time {
	began := time.Now()
	return func() time.Time { return began.Add(time.Since(began)).UTC().Round(time.Millisecond) }
}

// Sleep waits for that long, or until ctx ends, whose error it returns then.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
