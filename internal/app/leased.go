package app

import (
	"context"
	"sync"
	"time"
)

// lease is what leased needs to know of leader.Lease.
type lease interface {
	Valid(now time.Time) bool
	Deadline() time.Time
}

// leased returns a context that ends when the lease lapses. The deadline moves
// with each renewal, so a slow request of a healthy leader is not cut off,
// while one of a leader that was paused ends as soon as it wakes.
func leased(ctx context.Context, l lease) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var timer *time.Timer
	check := func() {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if !l.Valid(now) {
			cancel()
			return
		}
		if ctx.Err() == nil {
			timer.Reset(max(l.Deadline().Sub(now), time.Millisecond))
		}
	}
	mu.Lock()
	timer = time.AfterFunc(max(time.Until(l.Deadline()), 0), check)
	mu.Unlock()
	return ctx, func() {
		cancel()
		mu.Lock()
		defer mu.Unlock()
		timer.Stop()
	}
}
