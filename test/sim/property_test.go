package sim_test

import (
	"testing"

	"pgregory.net/rapid"
)

// Several faults of any kind at any place of one run: leaders die and sleep,
// replies are lost, events and effects come twice, late, in another order or not
// at all, node agents die, the master fails over.
func TestRandomHistories(t *testing.T) {
	t.Parallel()
	reference, want := playOn(t, wide, scenario{})
	rapid.Check(t, func(rt *rapid.T) {
		s := scenario{faults: make(map[position]planned)}
		draw := func(k kind, faults ...fault) {
			for range rapid.IntRange(0, 8).Draw(rt, string(k)+" faults") {
				p := position{k, rapid.IntRange(0, reference.counts[k]*3/2).Draw(rt, "at")}
				s.faults[p] = planned{rapid.SampledFrom(faults).Draw(rt, "fault"), rapid.IntRange(0, 999).Draw(rt, "arg")}
			}
		}
		draw(aCommit, crashBefore, crashAfter, lostReply, lostRequest, lapse, pause, restartAgent)
		draw(aEffect, crashBefore, crashAfter, lose, double, repeat, restartAgent, failover)
		draw(aEvent, lose, delay, double, repeat, restartAgent, crashBefore)
		w, got := playOn(t, wide, s)
		if wrong := differs(w, want, got); wrong != "" {
			rt.Fatalf("%s", wrong)
		}
	})
}
