package sim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	// calmPatience is how long a site may take to become complete when all
	// faults are over: longer than EC2's calls, the back-offs and the looks that
	// a fault at the worst moment leaves behind.
	calmPatience = 40 * time.Minute
	// lookEvery is how often the world is looked at.
	lookEvery = 500 * time.Millisecond
	// repeatFor is the time within which every effect is repeated at the end.
	repeatFor = 30 * time.Second
)

// playSeed plays a seed in a bubble of its own.
func playSeed(t *testing.T, seed uint64) (w *world) {
	t.Helper()
	site, s := dice{seed}.draw()
	return playProcesses(t, site, s, want(t, site))
}

// playProcesses lets schedulers elect their leader and bring a site to its end.
func playProcesses(t *testing.T, site site, s scenario, want string) (w *world) {
	t.Helper()
	synctest.Test(t, func(*testing.T) {
		if site.ready {
			time.Sleep(time.Until(readied.begun))
		}
		w = newWorld(site, s)
		w.want = want
		w.openZooKeeper()
		if site.ready {
			w.fillZooKeeper(readied.tree())
			w.locked(func() bool { w.observe(); w.inherit(readied); return true })
		}
		w.play()
	})
	return w
}

// play runs the schedulers until all is over and complete.
func (w *world) play() {
	var supervisors sync.WaitGroup
	w.locked(func() bool {
		w.note("%s, %+v", w.site.name, w.scenario.summary())
		for i := range w.scenario.rivals {
			name := fmt.Sprintf("s%d", i+1)
			w.processes[name] = &process{w: w, name: name, killed: true, cancel: func(error) {}}
			supervisors.Go(func() {
				w.pass(time.Duration(i)*137*time.Millisecond, name)
				w.supervise(name)
			})
		}
		w.plan()
		w.after(operateEvery, w.operate)
		return true
	})
	w.await(w.calmAfter, func() bool { return false })
	w.locked(func() bool { w.becomeCalm(); return true })
	if !w.await(calmPatience, w.settled) {
		w.locked(func() bool { w.violate("not complete %s after the last fault", calmPatience); return true })
	}
	if w.scenario.encore {
		w.repeatAll()
	}
	w.converge()
	w.locked(func() bool {
		w.stopping = true
		for _, name := range sortedKeys(w.processes) {
			w.processes[name].cancel(errStop)
		}
		return true
	})
	supervisors.Wait()
	w.errands.Wait()
	w.close()
}

// await lets time pass until something is so, or a rule is broken.
func (w *world) await(patience time.Duration, so func() bool) bool {
	for begun := time.Now(); time.Since(begun) < patience; w.pass(lookEvery, "look") {
		if w.locked(func() bool { return len(w.wrong) > 0 || so() }) {
			return true
		}
	}
	return false
}

// becomeCalm ends the faults at positions; the troubles have ended already.
func (w *world) becomeCalm() {
	w.note("calm")
	w.calm, w.changed = true, true
	w.quiet.Store(true)
}

// settled reports whether the site is complete under a leader that Mesos knows.
func (w *world) settled() bool {
	return (w.finished || w.complete()) && w.subscribed()
}

func (w *world) subscribed() bool {
	t := w.mesos.subscribed
	return t != nil && !t.dead && t == w.current()
}

// repeatAll performs every effect that was ever committed once more (R10).
func (w *world) repeatAll() {
	w.locked(func() bool {
		w.note(">>> every effect comes again")
		r := dice{w.scenario.seed}.source(3)
		for _, old := range w.released {
			w.after(upTo(r, repeatFor), func() { w.act(old.term, old.effect, true) })
		}
		return true
	})
	w.await(repeatFor, func() bool { return false })
}

// converge waits until nothing is left of what came late: the leader looks for
// it from time to time.
func (w *world) converge() {
	w.await(rest, func() bool { return false })
	want := w.want
	same := func() bool {
		return w.subscribed() && !w.unsettled() && len(w.mesos.unacknowledged()) == 0 && w.print(w.ending()) == want
	}
	for waited := time.Duration(0); waited < sweep; waited += time.Minute {
		if w.locked(func() bool { return len(w.wrong) > 0 || want == "" || same() }) {
			break
		}
		w.await(time.Minute, func() bool { return false })
	}
	w.locked(func() bool {
		w.checkCounts()
		if !w.subscribed() {
			w.violate("in the end no living leader is subscribed")
		}
		w.end = w.print(w.ending())
		return true
	})
}

// summary is what of a scenario is told.
func (s scenario) summary() string {
	return fmt.Sprintf("seed %d: %d schedulers, session %s, latency %s, lag %s, effects within %s, %d troubles and %d orders within %s, %g of all attempts are ill, encore %t",
		s.seed, s.rivals, s.session, s.latency, s.lag, s.haste, s.troubles, s.orders, s.window, s.ailing, s.encore)
}

// verdict says what is wrong with a seed; it is empty when nothing is.
func (w *world) verdict() string {
	if len(w.wrong) == 0 && w.end == w.want {
		return ""
	}
	if w.end != w.want && len(w.wrong) == 0 {
		w.wrong = append(w.wrong, "the end is another one than without faults")
	}
	return fmt.Sprintf("wrong:\n  %s\n\nonly in the clean end:\n%s\nonly in this end:\n%s", strings.Join(w.wrong, "\n  "), missing(w.want, w.end), missing(w.end, w.want))
}
