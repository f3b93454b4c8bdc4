package bootstrap

import (
	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// nodeUnusable stops the plan of a host that does not describe itself in a way
// that can be used: its first step is stuck with the reason, and its place in
// the MDM cluster goes to another host at once. A host that has described
// itself, in this term or by what was done on it, goes on.
func (t *turn) nodeUnusable(e core.NodeUnusable) {
	if !onboarded(t.plans[e.Host]) || t.removing() || t.up(e.Host) {
		return
	}
	at := ref{e.Host, nodeproto.StepPrerequisites}
	step, has := t.step(at)
	if !has || step.Attempt > 0 || step.Over() {
		return
	}
	l := t.hostLive(e.Host)
	l.unusable, l.lost = nodeproto.Shorten("the host cannot be used: "+e.Reason+"; mend the host, and its node agent goes on by itself"), true
	t.stuck(at, step, l.unusable)
	t.replaceLost()
	t.explainMembers()
}

// describedItself lets the plan of a host go on that could not be used until now.
func (t *turn) describedItself(host string) {
	l := t.hostLive(host)
	if l.unusable == "" {
		return
	}
	l.unusable = ""
	at := ref{host, nodeproto.StepPrerequisites}
	if step, has := t.step(at); has && step.State == model.Stuck && step.Attempt == 0 {
		step.State, step.Error = model.Pending, ""
		t.set(at, step)
	}
}

// Unusable says of each host without a plan that never described itself in a
// way that could be used what was wrong with the description. The plan of a host
// that has one says it itself.
func Unusable(nodes map[string]*model.Node, plans map[string]*model.NodePlan) []string {
	var problems []string
	for _, host := range sortedKeys(nodes) {
		if n := nodes[host]; n.Inventory == nil && n.Refused != nil && !stopped(plans[host]) {
			problems = append(problems, "host "+host+" cannot be used: "+n.Refused.Reason)
		}
	}
	return problems
}

// stopped tells a plan of which nodeUnusable has told.
func stopped(plan *model.NodePlan) bool {
	return onboarded(plan) && plan.Steps[nodeproto.StepPrerequisites].State == model.Stuck
}
