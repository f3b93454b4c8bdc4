package sandbox

import (
	"context"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/procfault"
)

// clockDrills set the leader's clock.
func clockDrills() []Drill {
	return []Drill{{
		Name: "clock", Measures: leadsOn, strike: jumpClock,
		Fault:  "the wall clock of the leader's worker jumps an hour forward, then two back, then it is right again",
		Expect: sameEpoch + "leases and timers do not run by the wall clock. The records show the times that it told.",
	}}
}

func jumpClock(ctx context.Context, c *scene) error {
	for _, offset := range []time.Duration{time.Hour, -time.Hour, 0} {
		if err := procfault.SetClock(c.card.PID, offset); err != nil {
			return err
		}
		if err := clock.Sleep(ctx, c.opts.SessionTimeout/2); err != nil {
			return err
		}
	}
	return c.continued(ctx, time.Now())
}
