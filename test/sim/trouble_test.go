package sim_test

import (
	"math/rand/v2"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

// trouble happens to a world at some time, and lasts for a while.
type trouble func(w *world, r *rand.Rand, while time.Duration)

// troubles are all that may happen beside what happens at positions.
var troubles = []trouble{
	killLeader, killLeader, killAll, stopLeader, freezeLeader, freezeLeader, freezeLeader, freezeAny,
	cutFromZooKeeper, cutFromZooKeeper, cutFromMesos, cutFromGateway, throttle, throttle, forget, forget,
	killServer, loseQuorum, isolateServer, restartNodeAgent, rebootHost, loseAgent, failOver,
	editByHand, repeatEffect, repeatEffect, repeatEffect, degradePool, unreadablePools,
}

// ailingFor is how long attempts ail at the least: an installation takes less.
const ailingFor = 30 * time.Second

// plan draws when which trouble happens, and what operators do. All of it ends within its while, at
// the latest when the world is calm.
func (w *world) plan() {
	r := dice{w.scenario.seed}.source(2)
	if w.scenario.ailing > 0 {
		w.calmAfter = ailingFor
	}
	for range w.scenario.troubles {
		what := troubles[r.IntN(len(troubles))]
		at, while := upTo(r, w.scenario.window), upTo(r, 40*time.Second)
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
		w.after(at, func() { what(w, own, while) })
		w.calmAfter = max(w.calmAfter, at+while)
	}
	for range w.scenario.orders {
		what := deeds[r.IntN(len(deeds))]
		at, while := time.Duration(r.Int64N(int64(2*w.scenario.window))), upTo(r, 40*time.Second)
		own := rand.New(rand.NewPCG(r.Uint64(), 1))
		w.after(at, func() { what(w, own, while) })
		w.calmAfter = max(w.calmAfter, at+while)
	}
}

// leading is the process that was elected last, if it lives.
func (w *world) leading() *process {
	if len(w.terms) == 0 || w.current().dead {
		return nil
	}
	return w.current().process
}

// anyProcess is one of those that live, or nil.
func (w *world) anyProcess(r *rand.Rand) *process {
	var living []*process
	for _, name := range sortedKeys(w.processes) {
		if p := w.processes[name]; !p.killed {
			living = append(living, p)
		}
	}
	if len(living) == 0 {
		return nil
	}
	return living[r.IntN(len(living))]
}

func (w *world) anyHost(r *rand.Rand) string {
	names := w.hostNames()
	return names[r.IntN(len(names))]
}

func killLeader(w *world, _ *rand.Rand, _ time.Duration) {
	if p := w.leading(); p != nil {
		w.note(">>> %s is killed", p.name)
		p.kill()
	}
}

func killAll(w *world, _ *rand.Rand, _ time.Duration) {
	w.note(">>> every scheduler is killed")
	for _, name := range sortedKeys(w.processes) {
		w.processes[name].kill()
	}
}

func stopLeader(w *world, _ *rand.Rand, _ time.Duration) {
	if p := w.leading(); p != nil {
		w.note(">>> %s is asked to stop", p.name)
		p.cancel(errStop)
	}
}

func freezeLeader(w *world, _ *rand.Rand, while time.Duration) {
	if p := w.leading(); p != nil {
		p.freeze(while)
	}
}

func freezeAny(w *world, r *rand.Rand, while time.Duration) {
	if p := w.anyProcess(r); p != nil {
		p.freeze(while)
	}
}

func cutFromZooKeeper(w *world, r *rand.Rand, while time.Duration) {
	p := w.leading()
	if p == nil || r.IntN(4) == 0 {
		p = w.anyProcess(r)
	}
	if p == nil {
		return
	}
	w.note(">>> %s is cut from ZooKeeper for %s", p.name, while)
	w.outside(p.client.Cut)
	w.after(while, func() {
		w.note(">>> %s reaches ZooKeeper", p.name)
		w.outside(p.client.Heal)
	})
}

func cutFromMesos(w *world, _ *rand.Rand, while time.Duration) {
	if p := w.leading(); p != nil {
		w.note(">>> %s is cut from Mesos for %s", p.name, while)
		w.mesos.cut(p.term, while)
	}
}

func cutFromGateway(w *world, _ *rand.Rand, while time.Duration) {
	if p := w.leading(); p != nil {
		w.note(">>> %s is cut from the gateways for %s", p.name, while)
		p.term.noGateway = true
		w.after(while, func() { p.term.noGateway = false })
	}
}

// throttle lets EC2 refuse every call.
func throttle(w *world, _ *rand.Rand, while time.Duration) {
	w.note(">>> EC2 throttles for %s", while)
	w.throttled++
	w.after(while, func() { w.throttled-- })
}

// forget loses EC2's answers, some of them before anything was done.
func forget(w *world, _ *rand.Rand, while time.Duration) {
	w.note(">>> EC2 gives no answers for %s", while)
	w.forgotten++
	w.after(while, func() { w.forgotten-- })
}

func killServer(w *world, r *rand.Rand, while time.Duration) { w.killServers(while, r.IntN(3)) }

func loseQuorum(w *world, r *rand.Rand, while time.Duration) {
	first := r.IntN(3)
	w.killServers(while, first, (first+1)%3)
}

func (w *world) killServers(while time.Duration, servers ...int) {
	for _, n := range servers {
		if w.down[n] {
			continue
		}
		w.note(">>> zk%d dies for %s", n, while)
		w.down[n] = true
		w.outside(func() { w.zk.Kill(n) })
		w.after(while, func() {
			w.note(">>> zk%d starts", n)
			w.down[n] = false
			w.outside(func() { w.zk.Start(n) })
		})
	}
}

func isolateServer(w *world, r *rand.Rand, while time.Duration) {
	n := r.IntN(3)
	if w.down[n] {
		return
	}
	w.note(">>> zk%d is alone for %s", n, while)
	w.down[n] = true
	w.outside(func() { w.zk.Isolate(n) })
	w.after(while, func() {
		w.note(">>> zk%d is back", n)
		w.down[n] = false
		w.outside(func() { w.zk.Rejoin(n) })
	})
}

func restartNodeAgent(w *world, r *rand.Rand, _ time.Duration) { w.hosts[w.anyHost(r)].restart() }

func rebootHost(w *world, r *rand.Rand, while time.Duration) {
	if w.membersStay() {
		w.mesos.reboot(w.anyHost(r), while)
	}
}

func loseAgent(w *world, r *rand.Rand, while time.Duration) {
	if w.membersStay() {
		w.mesos.lose(w.anyHost(r), while)
	}
}

// membersStay reports whether the loss of a host leaves the members of the MDM
// cluster what they are. Before the cluster is intended a spare host takes the
// place of a lost one, rightly, and that would be another end.
func (w *world) membersStay() bool {
	create := w.intents.steps[leader.PathCluster][nodeproto.StepCreateCluster]
	return len(w.site.late) == 0 || create.Attempt > 0
}

func failOver(w *world, _ *rand.Rand, _ time.Duration) {
	w.note(">>> the Mesos master fails over")
	w.mesos.failover()
}

// repeatEffect performs a committed effect of any time again (R10).
func repeatEffect(w *world, r *rand.Rand, _ time.Duration) {
	if len(w.released) > 0 {
		old := w.released[r.IntN(len(w.released))]
		w.act(old.term, old.effect, true)
	}
}

func degradePool(w *world, _ *rand.Rand, while time.Duration) {
	w.note(">>> the pools are degraded for %s", while)
	set := func(degraded bool) {
		for _, key := range sortedKeys(w.cloud.Pools) {
			w.cloud.Pools[key].Degraded = degraded
		}
	}
	set(true)
	w.after(while, func() { set(false) })
}

// unreadablePools lets the gateway's figures contradict each other (R8).
func unreadablePools(w *world, _ *rand.Rand, while time.Duration) {
	w.note(">>> the pools' figures are implausible for %s", while)
	w.implausible++
	w.after(while, func() { w.implausible-- })
}

// cut separates a leader from the master. What is on its way waits; a cut that
// the heartbeats notice ends the subscription.
func (m *mesos) cut(t *term, while time.Duration) {
	if t.noMesos {
		return
	}
	const heartbeats = 20 * time.Second
	t.noMesos = true
	m.w.after(while, func() {
		held := t.held
		t.noMesos, t.held = false, nil
		if while < heartbeats {
			for _, hand := range held {
				m.w.after(0, hand)
			}
			return
		}
		if m.subscribed == t {
			m.hangUp(t)
		}
		m.w.hand(t, core.MesosDisconnected{Reason: "no heartbeat"})
		m.again(t, time.Second)
	})
}
