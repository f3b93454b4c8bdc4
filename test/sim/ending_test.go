package sim_test

import (
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// ending is what must be the same whatever happened on the way.
type ending struct {
	Cluster model.Cluster
	Plans   map[string]model.NodePlan
	Nodes   map[string]string // state of the node agent's task
	States  map[string]string // of each step
	Journal map[string]string // what became of each step on its host
	Members []string
	Mode    string
	Name    string
	Objects map[string]string
	Living  []string // hosts with a node agent
	Growth  map[string]string
}

// records are what is stored, decoded.
func (w *world) records() (cluster *model.Cluster, plans map[string]*model.NodePlan, nodes map[string]*model.Node) {
	plans, nodes = make(map[string]*model.NodePlan), make(map[string]*model.Node)
	for znode, entry := range w.tree() {
		switch {
		case znode == leader.PathCluster:
			cluster = new(model.Cluster)
			w.must(json.Unmarshal(entry.Data, cluster))
		case strings.HasSuffix(znode, "/plan"):
			p := new(model.NodePlan)
			w.must(json.Unmarshal(entry.Data, p))
			plans[p.Hostname] = p
		case strings.HasPrefix(znode, leader.PathNodes+"/"):
			n := new(model.Node)
			w.must(json.Unmarshal(entry.Data, n))
			nodes[n.Hostname] = n
		}
	}
	return cluster, plans, nodes
}

// complete reports whether the site has become what it shall.
func (w *world) complete() bool {
	if !w.changed { // nothing can have become complete
		return false
	}
	w.changed = false
	if !w.ready {
		w.ready = w.installed()
	}
	if !w.ready {
		return false
	}
	if w.site.fill > 0 && !w.filled {
		w.fill(w.site.fill)
	}
	w.finished = w.grown()
	return w.finished
}

// installed reports whether everything is installed on every host.
func (w *world) installed() bool {
	if step := w.intents.steps[leader.PathCluster]["verify"]; step.State != model.Done {
		return false
	}
	cluster, plans, _ := w.records()
	return bootstrap.Describe(cluster, plans).Complete && len(plans) == len(w.site.allHosts())
}

// ending sums up the world, without times, attempts and what is drawn.
func (w *world) ending() ending {
	cluster, plans, nodes := w.records()
	e := ending{
		Plans: make(map[string]model.NodePlan), Nodes: make(map[string]string), States: make(map[string]string), Journal: make(map[string]string),
		Members: sortedKeys(w.system.members), Mode: w.system.mode, Name: w.system.name, Objects: make(map[string]string),
	}
	for object, what := range w.system.objects {
		if w.cloud.Volumes[path.Base(object)] == nil { // growthEnding counts those
			e.Objects[object] = what
		}
	}
	for key, step := range cluster.Steps {
		e.States[key] = endingOf(step)
	}
	for name, plan := range plans {
		for key, step := range plan.Steps {
			e.States[name+"/"+key] = endingOf(step)
		}
		plan.Steps = nil
		e.Plans[name] = *plan
	}
	for name, node := range nodes {
		e.Nodes[name] = string(node.State) + " " + node.Reason
		if node.Launch == nil || w.mesos.tasks[node.Launch.TaskID] == nil || !w.mesos.tasks[node.Launch.TaskID].lives {
			e.Nodes[name] += ", but its task does not live"
		}
	}
	for _, name := range w.hostNames() {
		h := w.hosts[name]
		for step, entry := range h.journal {
			e.Journal[name+"/"+step] = string(entry.report.State)
		}
		for step := range h.effects { // by whatever hand
			e.Journal[name+"/"+step] = string(nodeproto.Done)
		}
		if h.task != nil {
			e.Living = append(e.Living, name)
		}
	}
	e.Growth = w.growthEnding()
	e.Cluster = *cluster
	if len(w.site.late) > 0 {
		// The spare is for the fault units that there are when it is set: it may
		// be one before or behind the late host.
		e.Cluster.SparePercent = 0
		delete(e.Objects, "spare")
	}
	e.Cluster.UUID, e.Cluster.Placed, e.Cluster.Steps = "", time.Time{}, nil
	return e
}

// endingOf is a step's end, whoever brought it about.
func endingOf(s model.Step) string {
	if isForced(s) {
		s.Reason = ""
	}
	return string(s.State) + " " + s.Reason
}

// checkCounts looks at what was really done, in the end.
func (w *world) checkCounts() {
	for _, name := range w.hostNames() {
		h := w.hosts[name]
		for _, step := range sortedKeys(h.executed) {
			redone := w.intents.redone[w.intents.ownerOf(name, step)+"/"+step]
			if n := h.executed[step]; n > 1+h.failed[step]+redone {
				w.violate("%s was executed %d times on %s, failed %d times and was ordered again %d times", step, n, name, h.failed[step], redone)
			}
		}
	}
	for _, object := range sortedKeys(w.system.made) {
		if n := w.system.made[object]; n != 1 && !strings.HasPrefix(object, "volume/") {
			w.violate("%s was made %d times", object, n)
		}
	}
	w.checkOrders()
	if ids := w.mesos.unacknowledged(); len(ids) > 0 {
		w.violate("updates of %v are not acknowledged", ids)
	}
}

// print is an ending as text, for comparison.
func (w *world) print(e ending) string {
	data, err := json.MarshalIndent(e, "", "  ")
	w.must(err)
	return string(data) + "\n"
}

// tell is the story of a run with what is wrong, for a failing test.
func (w *world) tell() string {
	return fmt.Sprintf("%s\n\nwrong:\n  %s", strings.Join(w.story, "\n"), strings.Join(w.wrong, "\n  "))
}
