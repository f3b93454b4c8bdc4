package leader

import (
	"context"
	"errors"
	"time"
)

// Held reports whether this leader may act now.
func (t *Term) Held() bool { return t.Err() == nil && t.lease.Valid(time.Now()) }

// AwaitHeld blocks until this leader may act, or ctx or the term ends. A lapsed
// lease is rare and short; it is looked at as often as the term probes its
// session.
func (t *Term) AwaitHeld(ctx context.Context) error {
	for !t.Held() {
		timer := time.NewTimer(max(t.lease.ProbeInterval()/4, time.Millisecond))
		select {
		case <-timer.C:
		case <-t.Done():
			timer.Stop()
			return t.Err()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return ctx.Err()
}

// Affirm returns nil when this leader has just proven that it leads. It is
// asked before each SUBSCRIBE: a stale leader that subscribes would take the
// framework away from the present one.
func (t *Term) Affirm(ctx context.Context) error {
	_, err := t.Commit(ctx)
	if err == nil || errors.Is(err, ErrDeposed) {
		return err
	}
	return t.Recover(ctx)
}
