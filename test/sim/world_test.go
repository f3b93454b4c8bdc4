package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader/leadertest"
	"scaleio-framework/storagegrowth/growthtest"
)

// world is everything behind the performers, and the book of what happened.
// All of it is guarded by mu.
type world struct {
	mu       sync.Mutex
	site     site
	scenario scenario
	agenda   agenda
	begun    time.Time
	stream   time.Time // when the last event arrives
	counts   map[kind]int
	story    []string
	wrong    []string
	calm     bool // faults have stopped
	closed   bool
	late     bool // an effect was performed for a leader that had slept, or twice
	ready    bool // everything is installed on every host
	filled   bool // the pools are as full as the site says
	changed  bool // something was committed since it was looked whether all is complete

	// store is where there are no sessions; otherwise zk is the ensemble and
	// keeper what the world knows of it.
	store   *leadertest.Store
	zk      *zkmodel.Ensemble
	keeper  *keeper
	quiet   atomic.Bool // requests to ZooKeeper have no fate any more
	intents *intents
	mesos   *mesos
	system  *system
	cloud   *growthtest.Site
	hosts   map[string]*host
	// terms are all leaders so far; released are all effects they released.
	terms    []*term
	released []released

	// Of seeds.
	processes map[string]*process // by the name that the supervisor knows
	stopping  bool
	behind    []func()       // what is done outside the lock
	errands   sync.WaitGroup // what the operator does in ZooKeeper
	errand    chan struct{}  // the last of them; closed at its end
	calmAfter time.Duration
	finished  bool            // the site was complete once
	want, end string          // the ending without faults, and this one
	down      map[int]bool    // servers of the ensemble
	paused    bool            // an operator has paused the installation, once
	edited    map[string]bool // by hand
	// orders are all that operators placed, by path; underway are those for a
	// step that ZooKeeper does not have yet, and given counts all.
	orders   map[string]*placed
	underway map[string]int
	given    int
	asked    int // previews
	tally    tally
	// declined and requested say that an operator did so to a growth.
	declined, requested bool
	// throttled, forgotten and implausible are counts of what goes on.
	throttled, forgotten, implausible int
}

type released struct {
	term   *term
	effect core.Effect
}

func newWorld(site site, s scenario) *world {
	w := &world{
		site: site, scenario: s, begun: time.Now(), counts: make(map[kind]int),
		store: leadertest.NewStore(), intents: newIntents(), hosts: make(map[string]*host), cloud: growthtest.Empty(),
		processes: make(map[string]*process), down: make(map[int]bool), edited: make(map[string]bool),
		orders: make(map[string]*placed), underway: make(map[string]int), tally: make(tally),
	}
	w.agenda.fire = w.fire
	w.mesos, w.system = newMesos(w), newSystem(w)
	w.cloud.Fault = w.callFault
	w.cloud.Stuck["/dev/sdf"] = site.sticky
	w.cloud.CreateTakes, w.cloud.AttachTakes = site.createTakes, site.attachTakes
	for _, name := range site.hosts {
		w.addHost(name)
	}
	for _, name := range site.late {
		w.after(cmp.Or(s.joinAfter, time.Second), func() { w.join(name) })
	}
	return w
}

// addHost sets a machine up, with a Mesos agent.
func (w *world) addHost(name string) {
	h := newHost(w, name)
	w.hosts[name] = h
	w.cloud.AddHost(name, 0)
	w.cloud.Instances[name].Address = h.address()
	w.cloud.Instances[name].Disks = h.disks()
	w.mesos.addAgent(name)
}

// join lets a host's Mesos agent register.
func (w *world) join(name string) {
	w.note("host %s joins", name)
	w.addHost(name)
	w.mesos.offer()
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
	p := w.scenario.at(position{k, n})
	if p.fault != none {
		w.note(">>> %s at %s %d", p, k, n)
	}
	return n, p
}

// fire does what is due.
func (w *world) fire() {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return
	}
	if do, due := w.agenda.next(); due {
		w.observe()
		do()
		w.takeViolations()
	}
	w.agenda.arm()
}

// outside does something behind the end of the lock: the ensemble has a lock of
// its own, under which it tells the world.
func (w *world) outside(do func()) { w.behind = append(w.behind, do) }

// unlock gives the lock back, and does what waits for that.
func (w *world) unlock() {
	behind := w.behind
	w.behind = nil
	w.mu.Unlock()
	for _, do := range behind {
		do()
	}
}

// outOfLock does something that takes time.
func (w *world) outOfLock(do func()) {
	w.unlock()
	do()
	w.mu.Lock()
}

// after does something later, under the lock.
func (w *world) after(d time.Duration, do func()) { w.agenda.plan(max(d, 0), "", do) }

// pass lets time pass for one of several goroutines; the key tells which.
func (w *world) pass(d time.Duration, key string) {
	passed := make(chan struct{})
	w.mu.Lock()
	w.agenda.plan(d, key, func() { close(passed) })
	w.mu.Unlock()
	<-passed
}

// close ends the world: nothing happens by itself any more.
func (w *world) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.agenda.timer != nil {
		w.agenda.timer.Stop()
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
	switch {
	case t.dead:
		return
	case t.frozen():
		t.backlog = append(t.backlog, func() { w.hand(t, event) })
		return
	case t.noMesos && losable(event):
		t.held = append(t.held, func() { w.hand(t, event) })
		return
	}
	w.note("term %d <- %s", t.epoch, event)
	if read, ok := event.(core.PoolsRead); ok {
		t.read = read
	}
	_ = t.engine.Offer(t.ctx, event) // it fails only when the term ends
}

// lateness is up to four seconds, by uneven steps.
func lateness(p planned) time.Duration { return time.Duration(p.arg%40+1) * 97 * time.Millisecond }

// losable events come again by themselves, or are asked for again.
func losable(event core.Event) bool {
	switch event.(type) {
	case core.TaskUpdated, core.MessageReceived, core.GatewayAnswered, core.CloudAnswered, core.PoolsRead:
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
		if len(w.terms) > 0 && !w.current().dead {
			w.current().die()
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

// takeViolations takes over what the site has noticed.
func (w *world) takeViolations() {
	for _, text := range w.cloud.Violations {
		w.violate("%s", text)
	}
	w.cloud.Violations = nil
}

// latency is uneven, so that effects of side by side lanes come in many orders.
func (w *world) latency(key string) time.Duration {
	haste := cmp.Or(w.scenario.haste, 3*time.Millisecond)
	x := dice{w.scenario.seed}.roll(key, time.Now().UnixNano())
	return time.Millisecond + time.Duration(x%uint64(haste))
}
