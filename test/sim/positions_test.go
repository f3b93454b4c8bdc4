package sim_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// playOn runs a scenario on a site, in a bubble of its own.
func playOn(t *testing.T, site site, s scenario) (*world, ending) {
	t.Helper()
	if site.ready {
		prepare(t)
	}
	var w *world
	var e ending
	synctest.Test(t, func(*testing.T) {
		w = run(site, s)
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

// The sites of which every position is tried.
var tried = []site{wide, growing}

func TestTheStoryIsTheSameEachTime(t *testing.T) {
	for _, site := range []site{wide, growing, whole} {
		w, e := playOn(t, site, scenario{})
		again, same := playOn(t, site, scenario{})
		require.Empty(t, differs(w, e, e))
		require.Equal(t, w.story, again.story, "positions must name the same moment in each run")
		require.Equal(t, e, same)
		require.Len(t, e.Living, len(site.allHosts()))
		t.Logf("%s: %d commits, %d effects, %d events", site.name, w.counts[aCommit], w.counts[aEffect], w.counts[aEvent])
	}
}

// everywhere tries each fault at the positions of the clean run of each site.
func everywhere(t *testing.T, k kind, faults ...fault) {
	t.Helper()
	for _, site := range tried {
		reference, want := playOn(t, site, scenario{})
		require.Empty(t, differs(reference, want, want))
		stride := newStride()
		for n := range reference.counts[k] {
			for _, f := range faults {
				if !stride.next() {
					continue
				}
				w, got := playOn(t, site, at(k, n, f))
				if wrong := differs(w, want, got); wrong != "" {
					t.Fatalf("%s: %s at %s %d:\n%s", site.name, f, k, n, wrong)
				}
			}
		}
		t.Logf("%s: %s", site.name, stride)
	}
}

// stride chooses every n-th of what is counted, from an offset that is drawn.
type stride struct{ offset, number, chosen int }

func newStride() *stride { return &stride{offset: rand.IntN(*every)} }

func (s *stride) next() bool {
	s.number++
	if s.number%*every != s.offset {
		return false
	}
	s.chosen++
	return true
}

func (s *stride) String() string {
	return fmt.Sprintf("%d of %d tried: every %d from %d", s.chosen, s.number, *every, s.offset)
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
	for _, site := range tried {
		reference, want := playOn(t, site, scenario{})
		stride := newStride()
		for n := range reference.counts[aCommit] {
			for _, late := range []bool{false, true} {
				if !stride.next() {
					continue
				}
				s := at(aCommit, n, pause)
				s.lateWake = late
				w, got := playOn(t, site, s)
				if wrong := differs(w, want, got); wrong != "" {
					t.Fatalf("%s: pause behind commit %d, woken late: %t\n%s", site.name, n, late, wrong)
				}
			}
		}
		t.Logf("%s: %s", site.name, stride)
	}
}

// Every effect that was ever released is performed once more when all is
// complete, with the epoch of its own term.
func TestEachEffectAgainInTheEnd(t *testing.T) {
	t.Parallel()
	for _, site := range tried {
		reference, want := playOn(t, site, scenario{})
		s := at(aCommit, reference.counts[aCommit]-4, crashAfter)
		s.encore = true
		w, got := playOn(t, site, s)
		if wrong := differs(w, want, got); wrong != "" {
			t.Fatalf("%s: %s", site.name, wrong)
		}
	}
}
