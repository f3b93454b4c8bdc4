package mesosapi

import (
	"context"
	"math/rand/v2"
	"time"
)

// firstBackoff is the wait before the first retry: a master that restarts, or
// a redirect that is just outdated, should cost next to nothing.
const firstBackoff = 100 * time.Millisecond

// backoff counts the failures since the last reset.
type backoff struct {
	max      time.Duration
	failures int
}

// next returns the wait after one more failure: doubling from firstBackoff to
// max, of which a random part of up to a half is taken off so that schedulers
// do not come in step.
func (b *backoff) next() time.Duration {
	d := firstBackoff
	for i := 0; i < b.failures && d < b.max; i++ {
		d *= 2
	}
	b.failures++
	d = min(d, b.max)
	return d - rand.N(d/2+1)
}

func (b *backoff) reset() { b.failures = 0 }

// wait returns after d, when early is closed, or when ctx ends.
func wait(ctx context.Context, d time.Duration, early <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-early:
	case <-ctx.Done():
	}
}
