package leader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn"
)

// firstRetry is the pause after the first fruitless recovery; it doubles up
// to the probe interval.
const firstRetry = 20 * time.Millisecond

// Recover waits for the same session to be served again, settles every open
// outcome, and verifies the fence with a commit that changes nothing. After
// nil the term goes on, and Tree shows what became of earlier commits. The
// errors ErrDeposed, ErrExpired, ErrLapsed and ErrHandedOver are final; the
// error of ctx is not.
func (t *Term) Recover(ctx context.Context) error {
	for retry := firstRetry; ; retry = min(2*retry, max(firstRetry, t.lease.ProbeInterval())) {
		if err := t.take(ctx); err != nil {
			return err
		}
		err := t.settle(ctx)
		t.release()
		if err == nil || t.Err() != nil {
			return err
		}
		timer := time.NewTimer(retry)
		select {
		case <-timer.C:
		case <-t.ending:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("recover leadership: %w", errors.Join(ctx.Err(), err))
		}
		timer.Stop()
	}
}

// settle is one attempt to recover. The caller has the turn.
func (t *Term) settle(ctx context.Context) error {
	if err := t.conn.Sync(ctx); err != nil {
		return t.verdict(err)
	}
	if err := t.settleRaise(ctx); err != nil {
		return err
	}
	if err := t.probe(ctx); err != nil {
		return err
	}
	if err := t.restoreContainers(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	t.unsettled = false
	t.mu.Unlock()
	return nil
}

// restoreContainers makes containers that somebody removed by hand: without
// one, every commit that creates a record in it would fail for ever. They hold
// nothing, so they need no fence.
func (t *Term) restoreContainers(ctx context.Context) error {
	err := ensureContainers(ctx, t.conn)
	if errors.Is(err, zkconn.ErrNoAuth) {
		return t.end(refusal(err))
	}
	return t.verdict(err)
}

// probe verifies fence, session and quorum with a commit that changes
// nothing. A read would prove less: a server cut off from its quorum answers
// reads until it notices. The caller has the turn.
func (t *Term) probe(ctx context.Context) error {
	began := time.Now()
	if _, err := t.conn.Multi(ctx, t.fenceCheck()); err != nil {
		return t.verdict(err)
	}
	t.renew(began)
	return nil
}

// settleRaise finds out what became of a raise of the epoch.
func (t *Term) settleRaise(ctx context.Context) error {
	t.mu.Lock()
	raising, fence := t.raising, t.fence
	t.mu.Unlock()
	if raising == 0 {
		return nil
	}
	data, stat, err := t.conn.Get(ctx, PathEpoch)
	if err != nil {
		if errors.Is(err, zkconn.ErrNoNode) {
			return t.end(fmt.Errorf("%w: %w", ErrDeposed, err))
		}
		return t.verdict(err)
	}
	record, err := decodeEpoch(data)
	switch {
	case stat.Version == fence:
		t.mu.Lock()
		t.raising = 0
		t.mu.Unlock()
	case err == nil && stat.Version == fence+1 && record.epoch == raising && record.instance == t.card.Instance:
		t.raised(raising, stat.Version)
	default:
		return t.end(fmt.Errorf("%w: %s was written by another", ErrDeposed, PathEpoch))
	}
	return nil
}
