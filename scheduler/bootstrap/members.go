package bootstrap

import (
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// begun reports whether the ScaleIO cluster was intended: from then on its
// members are what they are.
func (b *Bootstrap) begun() bool { return b.cluster.Started(nodeproto.StepCreateCluster) }

// watchMembers starts the watch of all members that cannot be spoken to.
func (t *turn) watchMembers() {
	for _, m := range t.cluster.Members {
		if !t.up(m.Host) {
			t.watchMember(m.Host)
		}
	}
}

func (t *turn) watchMember(host string) {
	t.timer(timerLost+host, t.options.ReplaceAfter)
}

// memberLost gives up on a member that was out of reach for long.
func (t *turn) memberLost(host string) {
	if !t.member(host) || t.up(host) {
		return
	}
	t.hostLive(host).lost = true
	t.fellSilent(host)
	t.replaceLost()
	t.explainMembers()
}

// explainMembers says in the cluster's record which members are missing.
func (t *turn) explainMembers() {
	var missing, unfit []string
	for _, m := range t.cluster.Members {
		if reason := t.unfit(m.Host, m.Persona); reason != "" && !t.begun() {
			unfit = append(unfit, fmt.Sprintf("%s cannot be on %s: %s", m.Name, m.Host, reason))
		}
		// A member that was not heard of in this term yet may just be on its way.
		if l := t.live[m.Host]; l != nil && !t.released(m.Host) && !l.up && (l.lost || l.inventory != nil) {
			missing = append(missing, fmt.Sprintf("%s on %s", m.Name, m.Host))
		}
	}
	switch {
	case len(unfit) > 0:
		t.clusterProblem(strings.Join(unfit, "; ") + ": add another agent, it takes the place")
	case len(missing) == 0:
		t.clusterProblem("")
	case t.begun():
		t.clusterProblem("out of reach: " + strings.Join(missing, ", ") + ": bring the host or its Mesos agent back under the same name; members of a cluster that was begun are not replaced")
	default:
		t.clusterProblem("out of reach: " + strings.Join(missing, ", ") + ": bring the host or its Mesos agent back, or add another agent: it takes the place when the member stays away")
	}
}

// replaceLost gives the places of lost members to other hosts, as long as the
// cluster was not begun.
func (t *turn) replaceLost() {
	if t.begun() || t.removing() {
		return
	}
	for i, m := range t.cluster.Members {
		l := t.live[m.Host]
		if l == nil || t.plans[m.Host] == nil || !l.lost && t.unfit(m.Host, m.Persona) == "" {
			continue
		}
		if host := t.substitute(m); host != "" {
			t.replace(i, host)
		}
	}
}

// substitute finds a storage host that can be spoken to and take a place.
func (t *turn) substitute(m model.Member) string {
	var able []candidate
	used := make(map[string]bool)
	for _, other := range t.cluster.Members {
		if other.Host != m.Host && t.plans[other.Host] != nil {
			used[t.plans[other.Host].FaultSet] = true
		}
	}
	for _, host := range sortedKeys(t.plans) {
		plan, l := t.plans[host], t.live[host]
		if !onboarded(plan) || plan.Persona != model.Storage || !t.up(host) || t.unfit(host, m.Persona) != "" {
			continue
		}
		// A removal that was begun ends first; so does an installation.
		if step, has := plan.Steps[nodeproto.StepMDMRemove]; has && !step.Over() {
			continue
		}
		c, problem := t.options.examine(core.HostSeen{
			Host: host, Attributes: l.attributes,
			CPUs: float64(l.inventory.CPUs), MemoryMB: float64(l.inventory.MemoryMB),
		})
		if problem == "" {
			c.faultSet = plan.FaultSet
			able = append(able, c)
		}
	}
	best, _ := bestFor(m.Persona, able, nil, used)
	return best.host
}

// replace gives a member's place to another host. What was sent to the old one
// cannot be called back: it finishes there, and is then removed.
func (t *turn) replace(i int, host string) {
	m := &t.cluster.Members[i]
	t.demote(t.plans[m.Host], host)
	m.Host, m.Address = host, ""
	if i == 0 {
		t.authorityLost()
	}
	t.promote(t.plans[host], m.Persona)
	t.changed[""] = true
	t.queueCluster()
	t.explainMembers()
}

func (t *turn) demote(plan *model.NodePlan, heir string) {
	plan.Persona = model.Storage
	t.changed[plan.Hostname] = true
	for _, key := range sortedKeys(plan.Steps) {
		s := t.graph.byName[key]
		if s == nil || s.fits(model.Storage) {
			continue
		}
		at, step := ref{plan.Hostname, key}, plan.Steps[key]
		if key == nodeproto.StepMDMPackage && step.Attempt > 0 {
			remove := plan.Steps[nodeproto.StepMDMRemove]
			remove.State, remove.Reason = model.Pending, ""
			t.set(ref{plan.Hostname, nodeproto.StepMDMRemove}, remove)
		}
		if step.State != model.Running {
			step.State, step.Reason, step.NotBefore = model.Skipped, "the place in the MDM cluster went to "+heir, nil
			t.set(at, step)
		}
	}
	t.want(plan)
	t.queueHost(plan.Hostname)
}

func (t *turn) promote(plan *model.NodePlan, persona model.Persona) {
	plan.Persona = persona
	t.changed[plan.Hostname] = true
	for _, key := range sortedKeys(plan.Steps) {
		s, step := t.graph.byName[key], plan.Steps[key]
		switch {
		case s == nil:
		case key == nodeproto.StepMDMRemove:
			step.State, step.Reason = model.Skipped, "the host is part of the MDM cluster again"
			t.set(ref{plan.Hostname, key}, step)
		case !s.fits(model.Storage) && s.fits(persona) && step.State == model.Skipped:
			step.State, step.Reason, step.Failures = model.Pending, "", 0
			t.set(ref{plan.Hostname, key}, step)
		}
	}
	t.outfit(plan)
	t.want(plan)
	t.queueHost(plan.Hostname)
}
