package events

import (
	"encoding/json"
	"math"
	"strings"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

// Of returns the facts of a view. subscribed tells whether the leader is
// connected to Mesos. A record that cannot be read is a fact of its own, and
// states no other.
func Of(view engine.View, subscribed bool) Facts {
	var f Facts
	s := state.Decode(view.Records)
	f.Apply(Event{Type: Leader, Epoch: view.Epoch, Instance: s.Epoch.Instance, URL: s.Epoch.URL})
	f.Apply(mesosOf(s.Framework, subscribed))
	for path, reason := range view.Unreadable {
		f.Apply(Event{Type: Unreadable, Path: path, Error: reason})
	}
	f.addPlan(s)
	f.addNodes(s)
	f.addPools(view.Records)
	for path, entry := range view.Records {
		if strings.HasPrefix(path, leader.PathGrowth+"/") {
			f.addGrowth(entry.Data)
		}
	}
	f.addOrders(view)
	return f
}

func mesosOf(framework *model.Framework, subscribed bool) Event {
	e := Event{Type: Mesos, State: "not subscribed"}
	if framework != nil {
		e.Framework = framework.ID
		if framework.Registered == nil {
			e.State = "never taken by a master"
		}
	}
	if subscribed {
		e.State = "subscribed"
	}
	return e
}

func (f *Facts) addPlan(s state.State) {
	plan := bootstrap.Describe(s.Cluster, s.Plans)
	e := Event{Type: Plan, State: "installing", Paused: plan.Paused}
	switch {
	case plan.Counts[model.Stuck] > 0:
		e.State = "stuck"
	case plan.Uninstall.Over():
		e.State = "uninstalled"
	case plan.Uninstall != nil:
		e.State = "uninstalling"
	case plan.Complete:
		e.State = "complete"
	}
	f.Apply(e)
	for _, step := range plan.Steps {
		f.Apply(stepOf(step))
	}
	if s.Cluster != nil {
		f.addTrouble(Event{Subject: SubjectCluster, Error: s.Cluster.Problem})
	}
	for host, p := range s.Plans {
		f.addTrouble(Event{Host: host, Error: p.Problem})
	}
}

// stepOf leaves out the error of a step that got over it.
func stepOf(step bootstrap.StepView) Event {
	e := Event{
		Type: Step, Host: step.Host, Step: step.Step, State: string(step.State),
		Attempt: step.Attempt, Failures: step.Failures, Reason: step.Reason,
	}
	if step.State != model.Done && step.State != model.Skipped {
		e.Error = step.Error
	}
	return e
}

func (f *Facts) addTrouble(e Event) {
	if e.Error != "" {
		e.Type = Trouble
		f.Apply(e)
	}
}

func (f *Facts) addNodes(s state.State) {
	for host, node := range s.Nodes {
		e := Event{Type: Node, Host: host, State: string(node.State), Reason: node.Reason}
		if node.Launch != nil {
			e.Attempt = node.Launch.Number
		}
		if r := node.Refused; r != nil {
			e.Error = "its last " + r.What + " could not be used: " + r.Reason
		}
		f.Apply(e)
	}
}

func (f *Facts) addPools(records leader.Snapshot) {
	var status storagegrowth.Status
	entry, ok := records[storagegrowth.PathStatus]
	if !ok || json.Unmarshal(entry.Data, &status) != nil {
		return
	}
	f.addTrouble(Event{Subject: SubjectGrowth, Error: status.Problem})
	f.addTrouble(Event{Subject: SubjectProvider, Error: status.Provider})
	for name, pool := range status.Pools {
		f.Apply(Event{
			Type: Pool, Pool: name, State: string(pool.Verdict), Reason: pool.Decision,
			Percent: percent(pool.Fullness), Degraded: pool.Degraded, Rebuilding: pool.Rebuilding,
		})
	}
}

// percent is a share in percent, to a tenth, and a number that can be encoded
// whatever somebody wrote into the record.
func percent(share float64) float64 {
	return math.Round(1000*min(max(share, 0), 100)) / 10
}

func (f *Facts) addGrowth(data []byte) {
	g, err := model.Decode[model.Growth](data)
	if err != nil {
		return
	}
	pool := g.ProtectionDomain + "/" + g.StoragePool
	f.Apply(Event{Type: Growth, Growth: g.ID, Pool: pool, State: string(g.State), Reason: g.Reason, By: g.Approved})
	for _, s := range g.Slots {
		e := Event{
			Type: Volume, Growth: g.ID, Slot: s.Index + 1, Pool: pool, Host: s.Host, State: string(s.State),
			VolumeID: s.VolumeID, GiB: s.Request.SizeGiB, Failures: s.Attempts,
		}
		if s.State != model.SlotDone {
			e.Error = s.Error
		}
		f.Apply(e)
	}
}

// addOrders states the orders that wait, those that were taken lately, and
// those that were refused, which say so last.
func (f *Facts) addOrders(view engine.View) {
	for path, entry := range view.Records {
		if number, ok := strings.CutPrefix(path, leader.PathOrders+"/"); ok {
			f.Apply(orderOf(number, entry.Data, "waiting", ""))
		}
	}
	for _, taken := range view.Taken {
		f.Apply(orderOf(strings.TrimPrefix(taken.Path, leader.PathOrders+"/"), taken.Data, "applied", ""))
	}
	for path, entry := range view.Records {
		number, ok := strings.CutPrefix(path, leader.PathOrdersRefused+"/")
		var refused model.RefusedOrder
		if ok && json.Unmarshal(entry.Data, &refused) == nil {
			f.Apply(orderOf(number, refused.Order, "refused", refused.Reason))
		}
	}
}

// orderOf names what an order is about, as far as it can be read.
func orderOf(number string, data []byte, state, why string) Event {
	e := Event{Type: Order, Order: number, State: state, Error: why}
	var order model.Order
	if json.Unmarshal(data, &order) == nil {
		e.Verb, e.By = string(order.Verb), order.By
		var about []string
		for _, word := range []string{order.Step, order.Host, order.Growth, order.Pool, order.Volume, order.System} {
			if word != "" {
				about = append(about, word)
			}
		}
		e.Reason = strings.Join(about, " on ")
	}
	return e
}
