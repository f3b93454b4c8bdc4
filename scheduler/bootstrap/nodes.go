package bootstrap

import (
	"fmt"
	"maps"

	"scaleio-framework/internal/core"
)

// nodeUp takes note that a node agent can be spoken to, and of what it found
// on its host. Running commands are repeated, which is a question.
func (t *turn) nodeUp(e core.NodeUp) {
	if t.unreadable[e.Host] || e.Inventory == nil {
		return
	}
	l := t.hostLive(e.Host)
	l.up, l.lost = true, false
	delete(t.silent, e.Host)
	l.address, l.inventory = e.Address, e.Inventory
	if e.Attributes != nil {
		l.attributes = maps.Clone(e.Attributes)
	}
	if !onboarded(t.plans[e.Host]) {
		// A node agent of a host whose plan is gone, or was never made.
		t.hostSeen(core.HostSeen{
			Host: e.Host, Served: true, Attributes: l.attributes,
			CPUs: float64(e.Inventory.CPUs), MemoryMB: float64(e.Inventory.MemoryMB),
		})
		return
	}
	delete(t.away, e.Host)
	t.describedItself(e.Host)
	t.meet(e.Host)
	t.queueHost(e.Host)
	for at := range t.asked {
		if step, _ := t.step(at); step.Runner == e.Host {
			delete(t.asked, at)
		}
	}
	if t.member(e.Host) {
		t.queueCluster()
		t.explainMembers()
	}
	t.queueTurns()
	t.replaceLost()
}

// meet compares a host's plan with what its node agent found.
func (t *turn) meet(host string) {
	plan := t.plans[host]
	if t.removing() {
		return
	}
	if !plan.DevicesFrozen {
		t.chooseDevices(host)
	}
	t.meetImage(host)
	t.explainHost(host)
}

// explainHost says in the host's plan what is wrong with it.
func (t *turn) explainHost(host string) {
	plan, l := t.plans[host], t.live[host]
	problem := ""
	set := l.attributes[t.options.FaultSetAttribute]
	switch {
	case !plan.DevicesFrozen:
		problem = t.devicesProblem(host)
	case plan.Address != "" && plan.Address != l.inventory.Address:
		problem = fmt.Sprintf("the host's address is %s now, but ScaleIO knows it as %s: give it its old address back, or configure that address for the node agent", l.inventory.Address, plan.Address)
	case plan.FaultSet != "" && l.attributes != nil && set != plan.FaultSet:
		problem = fmt.Sprintf("Mesos attribute %s is %q now, but the SDS is planned in fault set %q, which cannot be changed: set the attribute back", t.options.FaultSetAttribute, set, plan.FaultSet)
	}
	if plan.Problem != problem {
		plan.Problem = problem
		t.changed[host] = true
	}
}

// nodeDown takes note that a node agent cannot be spoken to. Its commands are
// repeated when it is back.
func (t *turn) nodeDown(e core.NodeDown) {
	l := t.live[e.Host]
	if l == nil || !l.up {
		return
	}
	l.up = false
	if !onboarded(t.plans[e.Host]) || t.released(e.Host) {
		return
	}
	t.away[e.Host] = true
	if t.member(e.Host) {
		t.fellSilent(e.Host)
		t.watchMember(e.Host)
		t.explainMembers()
	}
}

// explainStep says why a pending step does not start, where its needs do not
// show it.
func (t *turn) explainStep(at ref, reason string) {
	if step, _ := t.step(at); step.Reason != reason {
		step.Reason = reason
		t.set(at, step)
	}
}
