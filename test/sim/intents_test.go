package sim_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

// intents are what was ever committed, against which every effect is held.
type intents struct {
	framework string
	members   []string
	launches  map[string]model.Launch // by task id
	begun     map[string]string       // "host/step#attempt" -> digest
	over      map[string]bool         // "host/step#attempt" whose outcome is stored
	keys      map[string]bool         // public keys of stored inventories
	// updates are what each update with a uuid says: nil, or a part of it.
	updates map[string]said
	steps   map[string]map[string]model.Step // the last stored, by path
	needs   map[string][]bootstrap.Need
	growths growths
	// clusters are the names of the cluster's steps.
	clusters map[string]bool
	// ends are how attempts ended; redone is how often a step was opened again
	// by an order, forced which were forced complete, both by "host/step".
	ends   map[string]end
	redone map[string]int
	forced map[string]bool
	// ranTo is the highest attempt of each step that ever ran.
	ranTo  map[string]int
	paused bool
}

type said struct {
	host     string
	envelope *nodeproto.Envelope
}

func newIntents() *intents {
	i := &intents{
		launches: make(map[string]model.Launch), begun: make(map[string]string), over: make(map[string]bool), keys: make(map[string]bool),
		updates: make(map[string]said), steps: make(map[string]map[string]model.Step), needs: make(map[string][]bootstrap.Need),
		growths: newGrowths(), clusters: make(map[string]bool),
		ends: make(map[string]end), redone: make(map[string]int), forced: make(map[string]bool), ranTo: make(map[string]int),
	}
	for _, s := range bootstrap.Graph() {
		i.needs[s.Name] = s.Needs
		i.clusters[s.Name] = s.Scope != bootstrap.PerNode
	}
	return i
}

func (i *intents) told(uuid, host string, envelope *nodeproto.Envelope) {
	i.updates[uuid] = said{host, envelope}
}

// hostOf is the host of a plan's path; empty for the cluster.
func hostOf(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(path, leader.PathCluster), leader.PathNodes+"/"), "/plan")
}

func attemptOf(host, step string, attempt int) string {
	return fmt.Sprintf("%s/%s#%d", host, step, attempt)
}

// checkCommit takes note of what is stored now and holds it against the rules.
func (w *world) checkCommit(t *term, ops []leader.Op) {
	w.changed = true
	orders := w.settle(t, ops)
	pausedBefore := w.intents.paused
	var stepped []string
	for _, op := range ops {
		switch {
		case op.Kind == leader.KindDelete && strings.HasPrefix(op.Path, leader.PathOrders+"/"):
		case op.Kind == leader.KindDelete:
			w.violate("commit deletes %s", op.Path)
		case op.Path == leader.PathFramework:
			w.storedFramework(op.Data)
		case op.Path == leader.PathCluster || strings.HasSuffix(op.Path, "/plan"):
			stepped = append(stepped, op.Path)
		case strings.HasPrefix(op.Path, leader.PathNodes+"/"):
			w.storedNode(op.Data)
		case isGrowth(op.Path):
			w.storedGrowth(t, orders, op.Data)
		case op.Path == storagegrowth.PathStatus, op.Path == storagegrowth.PathTotals:
		case strings.HasPrefix(op.Path, leader.PathOrdersRefused+"/"):
		default:
			w.violate("commit writes %s", op.Path)
		}
	}
	// All records of a commit are one state: they are looked at together.
	before := make(map[string]map[string]model.Step)
	for _, op := range ops {
		for _, path := range stepped {
			if op.Path == path {
				before[path] = w.intents.steps[path]
				w.intents.steps[path] = w.storedSteps(path, op.Data)
			}
		}
	}
	if w.intents.paused != pausedBefore && !orders.any(model.Pause, model.Resume) {
		w.violate("nobody ordered that paused becomes %t", w.intents.paused)
	}
	held := pausedBefore && w.intents.paused && !orders.any(model.Resume)
	for _, path := range stepped {
		w.checkSteps(path, before[path], orders, held)
	}
	w.checkObeyed(orders)
}

func (w *world) storedFramework(data []byte) {
	var f model.Framework
	w.must(json.Unmarshal(data, &f))
	if known := w.intents.framework; known != "" && known != f.ID {
		w.violate("the framework id %s becomes %s", known, f.ID)
	}
	w.intents.framework = f.ID
}

func (w *world) must(err error) {
	if err != nil {
		w.violate("%v", err)
	}
}

func (w *world) storedNode(data []byte) {
	var n model.Node
	w.must(json.Unmarshal(data, &n))
	if n.Launch != nil {
		old, known := w.intents.launches[n.Launch.TaskID]
		if known && !reflect.DeepEqual(old, *n.Launch) {
			w.violate("the launch %s changes", n.Launch.TaskID)
		}
		w.intents.launches[n.Launch.TaskID] = *n.Launch
	}
	if n.Inventory != nil {
		w.intents.keys[n.Inventory.PublicKey] = true
	}
}

func (w *world) storedSteps(path string, data []byte) map[string]model.Step {
	var r struct {
		Steps   map[string]model.Step
		Members []model.Member
		Paused  bool
	}
	w.must(json.Unmarshal(data, &r))
	if path == leader.PathCluster {
		w.intents.paused = r.Paused
	}
	if path == leader.PathCluster && len(r.Members) > 0 {
		w.intents.members = nil
		for _, m := range r.Members {
			w.intents.members = append(w.intents.members, m.Host)
		}
	}
	return r.Steps
}

// checkNeeds looks whether what the graph says a step needs is stored as over.
// The system itself notices the needs of other kinds. What an order opens again
// in the same commit was over when the step began.
func (w *world) checkNeeds(host, key string, own map[string]model.Step, orders applied) {
	reopened := func(step string) bool { return len(orders.about(host, step, model.Retry)) > 0 }
	for _, n := range w.intents.needs[nodeproto.Name(key)] {
		switch n.Relation {
		case bootstrap.SameHost:
			if step, has := own[n.Step]; has && !step.Over() && !reopened(n.Step) {
				w.violate("%s begins before %s", key, n.Step)
			}
		case bootstrap.All:
			found := false
			for other, step := range w.intents.steps[leader.PathCluster] {
				if nodeproto.Name(other) == n.Step {
					found = true
					if !step.Over() && len(orders.about("", other, model.Retry)) == 0 {
						w.violate("%s begins before %s", key, other)
					}
				}
			}
			if !found {
				w.violate("%s begins without any %s", key, n.Step)
			}
		}
	}
}

// checkEffect finds the record that says an effect.
func (w *world) checkEffect(effect core.Effect) {
	switch e := effect.(type) {
	case core.Accept:
		if launch, ok := w.intents.launches[e.Launch.TaskID]; !ok || !reflect.DeepEqual(launch, jsonCopy(e.Launch)) {
			w.violate("%s without its record: %+v", e, launch)
		}
	case core.SendCommand:
		if e.Command.Kind == nodeproto.Ask {
			if _, volume, _ := strings.Cut(e.Command.Step, "/"); !w.intents.growths.allowed[locateKey(e.Host, volume)] {
				w.violate("%s without its record", e)
			}
			return
		}
		owner := w.intents.ownerOf(e.Host, e.Command.Step)
		if w.intents.begun[attemptOf(owner, e.Command.Step, e.Command.Attempt)] != e.Command.Digest {
			w.violate("%s without its record", e)
		}
		if e.Command.Kind == nodeproto.Cancel && !w.intents.forced[owner+"/"+e.Command.Step] {
			w.violate("%s, which nobody forced complete", e)
		}
	case core.CloudCall:
		w.checkCloud(e)
	case core.GatewayCall:
		if e.Host == "" && nodeproto.Name(e.Step) == core.StepAddDevices {
			w.checkGrowthStep(e)
			return
		}
		if w.intents.begun[attemptOf(e.Host, e.Step, e.Attempt)] != nodeproto.DigestOf(e.Step, e.Params) {
			w.violate("%s without its record", e)
		}
	case core.Acknowledge:
		w.checkAcknowledged(e)
	}
}

// checkAcknowledged holds R4: what is acknowledged is stored.
func (w *world) checkAcknowledged(e core.Acknowledge) {
	update, known := w.intents.updates[string(e.UUID)]
	switch {
	case !known:
		w.violate("%s, which nobody sent", e)
	case update.envelope == nil:
	case update.envelope.Inventory != nil:
		// What a process says of itself is of no use to anyone once it is dead.
		h := w.hosts[update.host]
		if current := h.key(); h.task != nil && update.envelope.Inventory.PublicKey == current && !w.intents.keys[current] {
			w.violate("%s before its inventory is stored", e)
		}
	case update.envelope.Report != nil:
		r := update.envelope.Report
		if !w.intents.over[attemptOf(w.intents.ownerOf(update.host, r.Step), r.Step, r.Attempt)] {
			w.violate("%s before the outcome of %s attempt %d is stored", e, r.Step, r.Attempt)
		}
	}
}

// jsonCopy is a launch as it is read back from its record.
func jsonCopy(l model.Launch) model.Launch {
	var c model.Launch
	data, err := json.Marshal(l)
	if err == nil {
		err = json.Unmarshal(data, &c)
	}
	if err != nil {
		return model.Launch{}
	}
	return c
}
