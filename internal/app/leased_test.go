package app

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// movingLease is a lease that a test renews by hand.
type movingLease struct {
	mu       sync.Mutex
	deadline time.Time
}

func (l *movingLease) Deadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadline
}
func (l *movingLease) Valid(now time.Time) bool { return now.Before(l.Deadline()) }
func (l *movingLease) renew(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = time.Now().Add(d)
}

func TestARequestLivesAsLongAsTheLeaseIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &movingLease{}
		l.renew(3 * time.Second)
		ctx, cancel := leased(context.Background(), l)
		defer cancel()
		for range 10 {
			time.Sleep(2 * time.Second)
			require.NoError(t, ctx.Err())
			l.renew(3 * time.Second)
		}
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		require.ErrorIs(t, ctx.Err(), context.Canceled, "nobody renewed it any more")
	})
}

func TestALapsedLeaseEndsARequestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &movingLease{}
		l.renew(-time.Second)
		ctx, cancel := leased(context.Background(), l)
		defer cancel()
		<-ctx.Done()
	})
}
