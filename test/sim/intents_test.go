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
}

type said struct {
	host     string
	envelope *nodeproto.Envelope
}

func newIntents() *intents {
	i := &intents{
		launches: make(map[string]model.Launch), begun: make(map[string]string), over: make(map[string]bool), keys: make(map[string]bool),
		updates: make(map[string]said), steps: make(map[string]map[string]model.Step), needs: make(map[string][]bootstrap.Need),
		growths: newGrowths(),
	}
	for _, s := range bootstrap.Graph() {
		i.needs[s.Name] = s.Needs
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
			w.storedGrowth(t, op.Data)
		case op.Path == storagegrowth.PathStatus, op.Path == storagegrowth.PathTotals:
		case strings.HasPrefix(op.Path, leader.PathOrdersRefused) && !strings.Contains(op.Path, "poison"):
		case strings.HasPrefix(op.Path, leader.PathOrdersRefused):
			w.violate("term %d sets an event aside: %s", t.epoch, op.Data)
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
	for _, path := range stepped {
		w.checkSteps(path, before[path])
	}
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
	}
	w.must(json.Unmarshal(data, &r))
	if path == leader.PathCluster && len(r.Members) > 0 {
		w.intents.members = nil
		for _, m := range r.Members {
			w.intents.members = append(w.intents.members, m.Host)
		}
	}
	return r.Steps
}

// checkSteps holds the steps of a record against those before.
func (w *world) checkSteps(path string, before map[string]model.Step) {
	host, now := hostOf(path), w.intents.steps[path]
	for key, step := range now {
		was := before[key]
		if step.Attempt < was.Attempt || step.Attempt > was.Attempt+1 {
			w.violate("%s %s goes from attempt %d to %d", path, key, was.Attempt, step.Attempt)
		}
		if was.Over() && !step.Over() && nodeproto.Name(key) != nodeproto.StepVolumeDriverEndpoint {
			w.violate("%s %s was %s and is %s", path, key, was.State, step.State)
		}
		if step.State == model.Stuck {
			w.violate("%s %s is stuck: %s", path, key, step.Error)
		}
		name := attemptOf(host, key, step.Attempt)
		if step.State != model.Running {
			w.intents.over[name] = true
			continue
		}
		if digest, known := w.intents.begun[name]; known && digest != step.Digest {
			w.violate("the intent %s changes", name)
		}
		w.intents.begun[name] = step.Digest
		if step.Attempt > was.Attempt {
			w.checkNeeds(key, now)
		}
	}
}

// checkNeeds looks whether what the graph says a step needs is stored as over.
// The system itself notices the needs of other kinds.
func (w *world) checkNeeds(key string, own map[string]model.Step) {
	for _, n := range w.intents.needs[nodeproto.Name(key)] {
		switch n.Relation {
		case bootstrap.SameHost:
			if step, has := own[n.Step]; has && !step.Over() {
				w.violate("%s begins before %s", key, n.Step)
			}
		case bootstrap.All:
			found := false
			for other, step := range w.intents.steps[leader.PathCluster] {
				if nodeproto.Name(other) == n.Step {
					found = true
					if !step.Over() {
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
		digest, ok := w.intents.begun[attemptOf(e.Host, e.Command.Step, e.Command.Attempt)]
		if !ok {
			digest = w.intents.begun[attemptOf("", e.Command.Step, e.Command.Attempt)]
		}
		if digest != e.Command.Digest {
			w.violate("%s without its record", e)
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
		if !w.intents.over[attemptOf(update.host, r.Step, r.Attempt)] && !w.intents.over[attemptOf("", r.Step, r.Attempt)] {
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
