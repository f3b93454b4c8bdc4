package leader

import (
	"context"
	"time"
)

// keep probes the fence until the term ends, watches the lease, and at the
// end closes the session, so that /leader vanishes at once if it is still ours.
func (t *Term) keep() {
	defer close(t.done)
	defer t.conn.Close()
	defer t.keeper.Wait()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	t.keeper.Add(1)
	go func() { // apart, because a probe on a silent server takes its time
		defer t.keeper.Done()
		t.probeInTurn(ctx)
	}()
	var lapsed time.Time // when a lapse was noticed; zero while the lease holds
	for {
		timer := time.NewTimer(t.untilNextLook(lapsed.IsZero()))
		select {
		case <-t.ending:
			timer.Stop()
			t.log.Info("term ended", "reason", t.Err())
			return
		case <-t.conn.Expired():
			_ = t.end(ErrExpired)
		case <-timer.C:
		}
		timer.Stop()
		lapsed = t.look(lapsed, time.Now())
	}
}

// untilNextLook is the time to the lease's next possible change.
func (t *Term) untilNextLook(held bool) time.Duration {
	if held {
		return max(time.Until(t.lease.Deadline()), time.Millisecond)
	}
	return t.lease.ProbeInterval()
}

// look notes a change of the lease and ends a term that lapsed for too long.
// It takes and returns when the present lapse was noticed.
func (t *Term) look(lapsed, now time.Time) time.Time {
	valid := t.lease.Valid(now)
	switch {
	case lapsed.IsZero() && !valid:
		t.log.Warn("lease lapsed, nothing is committed until ZooKeeper answers", "give_up_in", t.lease.GiveUp(now).Sub(now))
		return now
	case !lapsed.IsZero() && valid:
		t.log.Info("lease regained", "lapsed_for", now.Sub(lapsed))
		return time.Time{}
	case !valid && now.After(t.lease.GiveUp(lapsed)):
		_ = t.end(ErrLapsed)
	}
	return lapsed
}

// probeInTurn probes every sixth of a session. While another holds the turn
// his request is as good a probe. While a raise of the epoch is open the fence
// is not known; it is settled here, since an idle leader calls no Recover.
func (t *Term) probeInTurn(ctx context.Context) {
	for {
		timer := time.NewTimer(t.lease.ProbeInterval())
		select {
		case <-t.ending:
			timer.Stop()
			return
		case <-timer.C:
		}
		select {
		case t.turn <- struct{}{}:
		default:
			continue
		}
		t.mu.Lock()
		raising := t.raising != 0
		t.mu.Unlock()
		// Errors that matter end the term; the lease tells the others.
		if raising {
			_ = t.settle(ctx)
		} else {
			_ = t.probe(ctx)
		}
		t.release()
	}
}
