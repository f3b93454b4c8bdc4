package sim_test

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/leader/leadertest"
)

// world is everything behind the performers, and the book of what happened.
// All of it is guarded by mu.
type world struct {
	mu       sync.Mutex
	scenario scenario
	begun    time.Time
	taken    map[time.Time]bool // instants that were given away
	stream   time.Time          // when the last event arrives
	timers   []*time.Timer
	counts   map[kind]int
	story    []string
	wrong    []string
	calm     bool // faults have stopped
	closed   bool
	late     bool // an effect was performed for a leader that had slept, or twice

	store   *leadertest.Store
	intents *intents
	mesos   *mesos
	system  *system
	hosts   map[string]*host
	// terms are all leaders so far; released are all effects they released.
	terms    []*term
	released []released
}

type released struct {
	term   *term
	effect core.Effect
}

func newWorld(s scenario, hosts ...string) *world {
	w := &world{
		scenario: s, begun: time.Now(), taken: make(map[time.Time]bool), counts: make(map[kind]int),
		store: leadertest.NewStore(), intents: newIntents(), hosts: make(map[string]*host),
	}
	w.mesos, w.system = newMesos(w), newSystem(w)
	for _, name := range hosts {
		w.hosts[name] = newHost(w, name)
		w.mesos.addAgent(name)
	}
	return w
}

func (w *world) note(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf("%9.3fms  ", float64(time.Since(w.begun).Microseconds())/1000)+fmt.Sprintf(format, args...))
}

// violate notes that a rule was broken.
func (w *world) violate(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	w.wrong = append(w.wrong, text)
	w.note("!!! %s", text)
}

// position counts and returns what shall go wrong now.
func (w *world) position(k kind) (int, planned) {
	n := w.counts[k]
	w.counts[k]++
	if w.calm {
		return n, planned{}
	}
	p := w.scenario.faults[position{k, n}]
	if p.fault != none {
		w.note(">>> %s at %s %d", p, k, n)
	}
	return n, p
}

// after does something later, at an instant that nothing else has.
func (w *world) after(d time.Duration, do func()) {
	when := time.Now().Add(d)
	for w.taken[when] {
		when = when.Add(time.Microsecond)
	}
	w.taken[when] = true
	w.timers = append(w.timers, time.AfterFunc(time.Until(when), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if !w.closed {
			do()
		}
	}))
}

// close ends the world: nothing happens by itself any more.
func (w *world) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for _, t := range w.timers {
		t.Stop()
	}
}

// deliver brings an event to a leader, if it lives when the event arrives.
func (w *world) deliver(t *term, event core.Event) {
	_, p := w.position(aEvent)
	late := time.Duration(0)
	switch p.fault {
	case lose:
		if losable(event) {
			w.note("    lost: %s", event)
			return
		}
	case delay:
		late = lateness(p)
	case double:
		w.after(lateness(p), func() { w.hand(t, event) })
	default:
		w.mishap(p)
	}
	if late == 0 { // in the order of the stream
		late = max(0, time.Until(w.stream)+time.Microsecond)
		w.stream = time.Now().Add(late)
	}
	w.after(late, func() { w.hand(t, event) })
}

func (w *world) hand(t *term, event core.Event) {
	if t.dead || t.frozen() {
		return
	}
	w.note("term %d <- %s", t.epoch, event)
	_ = t.engine.Offer(t.ctx, event) // it fails only when the term ends
}

// lateness is up to four seconds, by uneven steps.
func lateness(p planned) time.Duration { return time.Duration(p.arg%40+1) * 97 * time.Millisecond }

// losable events come again by themselves, or are asked for again.
func losable(event core.Event) bool {
	switch event.(type) {
	case core.TaskUpdated, core.MessageReceived, core.GatewayAnswered:
		return true
	}
	return false
}

// mishap is a fault that does not concern the thing at the position itself.
func (w *world) mishap(p planned) {
	switch p.fault {
	case repeat:
		if len(w.released) > 0 {
			old := w.released[p.arg%len(w.released)]
			w.after(time.Millisecond, func() { w.act(old.term, old.effect, true) })
		}
	case restartAgent:
		w.after(0, w.hosts[w.hostNames()[p.arg%len(w.hosts)]].restart)
	case failover:
		w.after(0, w.mesos.failover)
	case crashBefore, crashAfter:
		if t := w.terms[len(w.terms)-1]; !t.dead {
			t.die()
		}
	}
}

func (w *world) hostNames() []string {
	var names []string
	for name := range w.hosts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// latency gives each effect an instant of its own: the lanes run side by side,
// and the order in which they start is not determined.
func latency(parts ...string) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(strings.Join(parts, "\n")))
	return time.Millisecond + time.Duration(h.Sum64()%3_000_000)
}
