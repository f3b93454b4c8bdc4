package sim_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zkmodel"
	"scaleio-framework/leader"
)

// trouble happens to a world at some time, and lasts for a while.
type trouble func(w *world, r *rand.Rand, while time.Duration)

// troubles are all that may happen beside what happens at positions.
var troubles = []trouble{
	killLeader, killLeader, killAll, stopLeader, freezeLeader, freezeLeader, freezeLeader, freezeAny,
	cutFromZooKeeper, cutFromZooKeeper, cutFromMesos, cutFromGateway, throttle, throttle, forget, forget,
	killServer, loseQuorum, isolateServer, restartNodeAgent, rebootHost, loseAgent, failOver,
	pauseByOrder, badOrder, editByHand, repeatEffect, repeatEffect, repeatEffect, degradePool, unreadablePools,
}

// plan draws when which trouble happens. Every one ends within its while, at
// the latest when the world is calm.
func (w *world) plan() {
	r := dice{w.scenario.seed}.source(2)
	for range w.scenario.troubles {
		what := troubles[r.IntN(len(troubles))]
		at, while := upTo(r, w.scenario.window), upTo(r, 40*time.Second)
		own := rand.New(rand.NewPCG(r.Uint64(), 0))
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

// pauseByOrder pauses the installation and resumes it.
func pauseByOrder(w *world, _ *rand.Rand, while time.Duration) {
	w.paused = true
	w.order(model.Order{Verb: model.Pause}, func() {
		w.after(while, func() { w.order(model.Order{Verb: model.Resume}, func() {}) })
	})
}

// order places an order as scaleioctl does, until ZooKeeper has it.
func (w *world) order(o model.Order, then func()) {
	data, err := json.Marshal(o)
	w.must(err)
	w.place(data, then)
}

func (w *world) place(data []byte, then func()) {
	w.note("operator orders %s", data)
	w.asOperator(func(ctx context.Context, conn *zkmodel.Conn) error {
		_, err := conn.Create(ctx, leader.PathOrders+"/", data, zkconn.Sequential)
		return err
	}, func(err error) {
		if err == nil {
			then()
			return
		}
		w.after(time.Second, func() { w.place(data, then) })
	})
}

func badOrder(w *world, r *rand.Rand, _ time.Duration) {
	w.place([]byte([]string{`{"verb":`, `{"verb":"dance"}`, `{"verb":"growth-approve","growth":"none"}`, ``}[r.IntN(4)]), func() {})
}

// editByHand adds a field to a record that no program knows.
func editByHand(w *world, r *rand.Rand, _ time.Duration) {
	var paths []string
	for _, path := range sortedKeys(w.tree()) {
		switch {
		case w.edited[path]:
		case path == leader.PathCluster, path == leader.PathFramework, isGrowth(path), strings.HasPrefix(path, leader.PathNodes+"/"):
			paths = append(paths, path)
		}
	}
	if len(paths) == 0 {
		return
	}
	path := paths[r.IntN(len(paths))]
	entry := w.tree()[path]
	w.edited[path] = true
	w.note("operator edits %s", path)
	w.asOperator(func(ctx context.Context, conn *zkmodel.Conn) error {
		data := strings.Replace(string(entry.Data), "{", "{\n  \"remark\": \"by hand\",", 1)
		_, err := conn.Set(ctx, path, []byte(data), entry.Version)
		return err
	}, func(error) {})
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
