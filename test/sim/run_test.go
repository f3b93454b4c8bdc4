package sim_test

import (
	"errors"
	"time"

	"scaleio-framework/leader"
)

const (
	// takeover is how long it takes until another leads.
	takeover = 300 * time.Millisecond
	// pauseFor is how long a paused leader sleeps, unless it sleeps to the end.
	pauseFor = 700 * time.Millisecond
	// patience is how long an installation may take, and rest how long it is
	// watched when it is complete.
	patience = 2 * time.Hour
	rest     = 40 * time.Second
	// sweep is longer than bootstrap takes between two removals of late test
	// volumes.
	sweep = 11 * time.Minute
)

// run plays a scenario to its end in the present bubble.
func run(site site, s scenario) *world {
	if site.ready {
		time.Sleep(time.Until(readied.begun))
	}
	w := newWorld(site, s)
	if site.ready {
		w.locked(func() bool { w.inherit(readied); return true })
	}
	defer w.finish()
	led := make(chan struct{})
	stop := make(chan struct{})
	go w.keepLed(stop, led)
	defer func() { close(stop); <-led }()
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		if w.locked(func() bool { return len(w.wrong) > 0 || w.complete() }) {
			break
		}
		if time.Since(begun) > patience {
			w.locked(func() bool { w.violate("the site is not complete after %s", patience); return true })
			break
		}
	}
	if s.lateWake {
		w.locked(func() bool { w.wakeAll(); return true })
	}
	if s.encore {
		w.locked(func() bool {
			for _, old := range w.released {
				w.after(0, func() { w.act(old.term, old.effect, true) })
			}
			return true
		})
	}
	w.locked(func() bool { w.note("complete"); w.calm = true; return true })
	time.Sleep(rest)
	if w.locked(func() bool { return w.late }) {
		// The leader removes what an effect that came late has made again.
		time.Sleep(sweep)
	}
	return w
}

func (w *world) locked(do func() bool) bool {
	w.mu.Lock()
	defer w.unlock()
	return do()
}

// keepLed elects a leader whenever the last one died or is paused.
func (w *world) keepLed(stop, done chan struct{}) {
	defer close(done)
	for {
		t, err := w.lead()
		if err != nil {
			w.locked(func() bool { w.violate("no leader: %v", err); return true })
			return
		}
		select {
		case <-stop:
			return
		case <-t.gone:
		}
		if !w.scenario.lateWake {
			w.locked(func() bool { w.after(takeover+pauseFor, t.thaw); return true })
		}
		time.Sleep(takeover)
	}
}

func (w *world) wakeAll() {
	for _, t := range w.terms {
		t.thaw()
	}
}

// finish ends all leaders and checks how each of them ended.
func (w *world) finish() {
	w.locked(func() bool { w.wakeAll(); return true })
	w.mu.Lock()
	last := w.current()
	deposed := w.terms[:len(w.terms)-1]
	dead := last.dead
	w.mu.Unlock()
	if !dead {
		last.stop()
	}
	if err := <-last.ended; err != nil && !dead {
		w.violate("the last leader ended with %v", err)
	}
	for _, t := range deposed {
		select {
		case err := <-t.ended:
			if t.woken && err != nil && !errors.Is(err, leader.ErrDeposed) && !errors.Is(err, errDead) {
				w.violate("term %d ended with %v", t.epoch, err)
			}
		case <-time.After(time.Minute):
			// A leader that slept and has nothing to commit never learns of it
			// here: its lease ends it.
			t.stop()
			<-t.ended
		}
	}
	w.close()
	w.checkCounts()
}
