package sim_test

import (
	"encoding/json"
	"slices"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
	"scaleio-framework/storagegrowth"
)

// placed is an order that ZooKeeper has, or had.
type placed struct {
	raw     []byte
	order   model.Order
	settled bool // it was removed, in a commit that applied or refused it
}

// settle holds that an order is removed in the commit that applies it, or moves
// to the refused ones with a reason. It returns what this commit applies.
func (w *world) settle(t *term, ops []leader.Op) applied {
	refused := make(map[string]bool)
	for _, op := range ops {
		name, ok := strings.CutPrefix(op.Path, leader.PathOrdersRefused+"/")
		if !ok || op.Kind == leader.KindDelete {
			continue
		}
		if strings.HasPrefix(name, "poison-") {
			w.violate("term %d sets an event aside: %s", t.epoch, op.Data)
			continue
		}
		refused[leader.PathOrders+"/"+name] = true
		w.checkRefusal(leader.PathOrders+"/"+name, op.Data)
	}
	var orders applied
	for _, op := range ops {
		if op.Kind != leader.KindDelete || !strings.HasPrefix(op.Path, leader.PathOrders+"/") {
			continue
		}
		p := w.orders[op.Path]
		if p == nil {
			w.violate("%s is removed, which nobody placed", op.Path)
			continue
		}
		p.settled = true
		if refused[op.Path] {
			delete(refused, op.Path)
			if p.order.Verb == model.GrowthApprove { // the plan may have changed
				orders.overtaken = append(orders.overtaken, p.order)
			}
			continue
		}
		if isBad(p.raw) {
			w.violate("%s is applied: %.200q", op.Path, p.raw)
		}
		w.note("order %s is applied: %s", op.Path, p.raw)
		w.tally["order "+string(p.order.Verb)+" is applied"]++
		if p.order.Verb == model.ForceComplete {
			w.intents.forced[p.order.Host+"/"+p.order.Step] = true
		}
		orders.list = append(orders.list, p.order)
	}
	for path := range refused {
		w.violate("%s is refused and not removed in the same commit", path)
	}
	return orders
}

// checkRefusal holds that what is refused was placed, and still stood.
func (w *world) checkRefusal(path string, data []byte) {
	p := w.orders[path]
	var r model.RefusedOrder
	w.must(json.Unmarshal(data, &r))
	switch {
	case p == nil:
		w.violate("%s is refused, which nobody placed", path)
	case p.settled:
		w.violate("%s is refused, which was settled before", path)
	case r.Reason == "":
		w.violate("%s is refused without a reason", path)
	default:
		w.note("order %s is refused: %s", path, r.Reason)
		w.tally["order is refused"]++
	}
}

// applied are the orders that a commit applies.
type applied struct {
	list []model.Order
	// overtaken are approvals that came too late.
	overtaken []model.Order
}

// about are the orders for one step.
func (a applied) about(host, step string, verb model.Verb) (found []model.Order) {
	for _, o := range a.list {
		if o.Verb == verb && o.Host == host && o.Step == step {
			found = append(found, o)
		}
	}
	return found
}

// after are the orders behind the i-th, which may undo what it did.
func (a applied) after(i int) applied { return applied{list: a.list[i+1:]} }

func (a applied) any(verbs ...model.Verb) bool {
	return slices.ContainsFunc(a.list, func(o model.Order) bool { return slices.Contains(verbs, o.Verb) })
}

// growth finds an order about a growth.
func growthOrder(list []model.Order, verb model.Verb, id string) (model.Order, bool) {
	i := slices.IndexFunc(list, func(o model.Order) bool {
		return o.Verb == verb && storagegrowth.GrowthBase(o.Growth) == storagegrowth.GrowthBase(id)
	})
	if i < 0 {
		return model.Order{}, false
	}
	return list[i], true
}

// checkObeyed holds that an order did what it says.
func (w *world) checkObeyed(orders applied) {
	for i, o := range orders.list {
		switch o.Verb {
		case model.Pause, model.Resume:
			if !orders.any(opposite(o.Verb)) && w.intents.paused != (o.Verb == model.Pause) {
				w.violate("order %s is applied, and paused is %t", o.Verb, w.intents.paused)
			}
		case model.Retry:
			s := w.stepOf(o)
			if again := s.Failures == 0 && (s.State == model.Pending || s.State == model.Running); !again && len(orders.after(i).about(o.Host, o.Step, model.ForceComplete)) == 0 {
				w.violate("retry of %s %s is applied, and it is %s with %d failures", o.Host, o.Step, s.State, s.Failures)
			}
		case model.ForceComplete:
			s := w.stepOf(o)
			ran := s.State == model.Done && w.endsOf(o.Host, o.Step, s.Attempt)&endedDone != 0
			named := slices.ContainsFunc(orders.about(o.Host, o.Step, o.Verb), func(o model.Order) bool { return s.Reason == forcedBy(o) })
			if again := len(orders.after(i).about(o.Host, o.Step, model.Retry)) > 0; !ran && !again && (s.State != model.Running && s.State != model.Done || !named) {
				w.violate("%s %s is forced complete, and it is %s (%s)", o.Host, o.Step, s.State, s.Reason)
			}
		case model.GrowthRequest:
			if !slices.ContainsFunc(w.growthsSorted(), func(g *model.Growth) bool { return g.Approved == o.By }) {
				w.violate("the growth of %s is missing", o.By)
			}
		}
	}
}

func opposite(v model.Verb) model.Verb {
	if v == model.Pause {
		return model.Resume
	}
	return model.Pause
}

func forcedBy(o model.Order) string { return "forced complete by " + o.By }

func isForced(s model.Step) bool { return strings.HasPrefix(s.Reason, "forced complete by ") }

func (w *world) stepOf(o model.Order) model.Step { return w.intents.steps[recordOf(o.Host)][o.Step] }

// recordOf is the record that holds the steps of a host, or of the cluster.
func recordOf(host string) string {
	if host == "" {
		return leader.PathCluster
	}
	return leader.PathNodes + "/" + host + "/plan"
}

// outstanding reports whether an order for a step waits to be applied, or is on
// its way.
func (w *world) outstanding(host, step string) bool {
	if w.underway[host+"/"+step] > 0 {
		return true
	}
	for _, p := range w.orders {
		if !p.settled && p.order.Host == host && p.order.Step == step {
			return true
		}
	}
	return false
}

// checkOrders holds in the end that no order was lost.
func (w *world) checkOrders() {
	for _, path := range sortedKeys(w.orders) {
		if p := w.orders[path]; !p.settled {
			w.violate("order %s was neither applied nor refused: %s", path, p.raw)
		}
	}
}

// unsettled reports whether an order waits, or is on its way.
func (w *world) unsettled() bool {
	for _, n := range w.underway {
		if n > 0 {
			return true
		}
	}
	for _, p := range w.orders {
		if !p.settled {
			return true
		}
	}
	return false
}

// ownerOf is the host whose plan has a step; empty when it is the cluster's.
func (i *intents) ownerOf(host, step string) string {
	if i.clusters[nodeproto.Name(step)] {
		return ""
	}
	return host
}
