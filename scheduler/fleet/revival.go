package fleet

import (
	"time"

	"scaleio-framework/internal/core"
)

// reviveGather is how long the first need waits for others: several hosts are
// usually wanted at once, and one revival serves all.
const reviveGather = 10 * time.Millisecond

// revival paces REVIVE, which brings the offers of all hosts back. It is a
// token bucket, kept as the time at which the bucket would be full again.
type revival struct {
	needy map[string]bool // hosts that wait for an offer
	armed bool
	full  time.Time
}

// needOffer asks for the host's filter to be cleared.
func (t *turn) needOffer(h string) {
	t.revival.needy[h] = true
	t.armRevival()
}

func (t *turn) armRevival() {
	if t.revival.armed {
		return
	}
	t.revival.armed = true
	spare := time.Duration(t.options.ReviveBurst-1) * t.options.ReviveInterval
	t.timer(timerRevive, max(reviveGather, t.revival.full.Add(-spare).Sub(t.now)))
}

// revive clears the filters if a host still waits. It goes on waiting, until
// it is offered: a call may be lost.
func (t *turn) revive() {
	t.revival.armed = false
	if !t.subscribed || len(t.revival.needy) == 0 {
		return
	}
	if t.revival.full.Before(t.now) {
		t.revival.full = t.now
	}
	t.revival.full = t.revival.full.Add(t.options.ReviveInterval)
	t.out.Do(core.Revive{})
}
