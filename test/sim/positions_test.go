package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

var site = []string{"a", "b", "c", "d"}

// play runs a scenario in a bubble of its own.
func play(t *testing.T, s scenario) (*world, ending) {
	t.Helper()
	var w *world
	var e ending
	synctest.Test(t, func(*testing.T) {
		w = run(s, site...)
		e = w.ending()
	})
	return w, e
}

// differs says what is wrong with a run that should have ended like another;
// it is empty when nothing is.
func differs(w *world, want, got ending) string {
	a, b := w.print(want), w.print(got)
	if a == b && len(w.wrong) == 0 {
		return ""
	}
	return fmt.Sprintf("%s\n\nonly in the clean end:\n%s\nonly in this end:\n%s", w.tell(), missing(a, b), missing(b, a))
}

// missing are the lines of a text that another does not have.
func missing(from, in string) string {
	has := make(map[string]bool)
	for line := range strings.Lines(in) {
		has[line] = true
	}
	var lines strings.Builder
	for line := range strings.Lines(from) {
		if !has[line] {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

func TestTheStoryIsTheSameEachTime(t *testing.T) {
	w, e := play(t, scenario{})
	again, same := play(t, scenario{})
	require.Empty(t, differs(w, e, e))
	require.Equal(t, w.story, again.story, "positions must name the same moment in each run")
	require.Equal(t, e, same)
	require.Len(t, e.Living, len(site))
	t.Logf("%d commits, %d effects, %d events", w.counts[aCommit], w.counts[aEffect], w.counts[aEvent])
}

// everywhere tries each fault at the positions of the clean run.
func everywhere(t *testing.T, k kind, faults ...fault) {
	t.Helper()
	reference, want := play(t, scenario{})
	require.Empty(t, differs(reference, want, want))
	offset := rand.IntN(*every)
	tried, number := 0, 0
	for n := range reference.counts[k] {
		for _, f := range faults {
			if number++; number%*every != offset {
				continue
			}
			tried++
			w, got := play(t, at(k, n, f))
			if wrong := differs(w, want, got); wrong != "" {
				t.Fatalf("%s at %s %d:\n%s", f, k, n, wrong)
			}
		}
	}
	t.Logf("%d of %d positions of a %s tried: every %d from %d", tried, number, k, *every, offset)
}

// The leader dies before and after each commit of a whole installation.
func TestDeathAtEachCommit(t *testing.T) {
	t.Parallel()
	everywhere(t, aCommit, crashBefore, crashAfter)
}

// The leader lives, but a commit's request or reply is lost, or its lease
// lapses: no failover, no lost event.
func TestHiccupAtEachCommit(t *testing.T) {
	t.Parallel()
	everywhere(t, aCommit, lostReply, lostRequest, lapse)
}

// The leader dies before each effect is performed, and after it was but before
// anything came of it.
func TestDeathAtEachEffect(t *testing.T) {
	t.Parallel()
	everywhere(t, aEffect, crashBefore, crashAfter)
}

// The leader is paused behind each commit, and performs everything that it had
// released when another has led for a while, or when all is complete. It
// commits nothing any more.
func TestWokenLeaderAtEachCommit(t *testing.T) {
	t.Parallel()
	reference, want := play(t, scenario{})
	offset := rand.IntN(*every)
	tried, number := 0, 0
	for n := range reference.counts[aCommit] {
		for _, late := range []bool{false, true} {
			if number++; number%*every != offset {
				continue
			}
			tried++
			s := at(aCommit, n, pause)
			s.lateWake = late
			w, got := play(t, s)
			if wrong := differs(w, want, got); wrong != "" {
				t.Fatalf("pause behind commit %d, woken late: %t\n%s", n, late, wrong)
			}
		}
	}
	t.Logf("%d of %d pauses tried: every %d from %d", tried, number, *every, offset)
}

// Every effect that was ever released is performed once more when all is
// complete, with the epoch of its own term.
func TestEachEffectAgainInTheEnd(t *testing.T) {
	t.Parallel()
	_, want := play(t, scenario{})
	s := at(aCommit, 60, crashAfter)
	s.encore = true
	w, got := play(t, s)
	if wrong := differs(w, want, got); wrong != "" {
		t.Fatal(wrong)
	}
}
