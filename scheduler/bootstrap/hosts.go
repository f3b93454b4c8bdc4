package bootstrap

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// hostSeen takes note of a host that Mesos offers.
func (t *turn) hostSeen(e core.HostSeen) {
	if t.unreadable[e.Host] || e.Host == "" {
		return
	}
	t.hostLive(e.Host).attributes = maps.Clone(e.Attributes)
	if onboarded(t.plans[e.Host]) || t.removing() {
		return
	}
	_, known := t.seen[e.Host]
	t.seen[e.Host] = e
	switch _, problem := t.options.examine(e); {
	case problem != "":
		t.unused(e.Host, problem)
	case len(t.cluster.Members) > 0:
		t.queue.add(ref{e.Host, ""}) // onboardSeen
	default:
		t.used(e.Host)
	}
	if len(t.cluster.Members) == 0 {
		t.tryPlacement(!known)
	}
}

// unused keeps a plan without steps, which only tells why.
func (t *turn) unused(host, problem string) {
	if plan := t.plans[host]; plan != nil && plan.Problem == problem {
		return
	}
	t.plans[host] = t.newPlan(candidate{host: host}, model.Storage)
	t.plans[host].Problem = problem
	t.changed[host] = true
}

// used takes the reason of a host that was not used back.
func (t *turn) used(host string) {
	if t.plans[host] != nil {
		delete(t.plans, host)
		t.changed[host] = true
	}
}

func (t *turn) newPlan(c candidate, persona model.Persona) *model.NodePlan {
	plan := &model.NodePlan{
		Hostname:         c.host,
		Persona:          persona,
		ProtectionDomain: t.options.ProtectionDomain,
		StoragePool:      t.options.StoragePool,
		Steps:            make(map[string]model.Step),
	}
	if t.cluster.UseFaultSets {
		plan.FaultSet = c.faultSet
	}
	return plan
}

// tryPlacement decides on the members, or waits until no new host comes.
func (t *turn) tryPlacement(fresh bool) {
	switch {
	case choose(t.options.MDMNodes, t.candidates()) == nil:
		t.explainWait()
	case t.options.Settle == 0:
		t.place()
	case fresh || !t.settling:
		t.settling = true
		t.explainWait()
		t.timer(timerSettle, t.options.Settle)
	}
}

// candidates are all usable hosts that were seen, by name.
func (t *turn) candidates() []candidate {
	var all []candidate
	for _, host := range sortedKeys(t.seen) {
		if c, problem := t.options.examine(t.seen[host]); problem == "" && c.wish != wishNone {
			all = append(all, c)
		}
	}
	return all
}

// explainWait says in the cluster's record what placement waits for.
func (t *turn) explainWait() {
	able, small := 0, []string{}
	for _, c := range t.candidates() {
		if c.fitsMDM && c.wish != wishStorage {
			able++
		} else if !c.fitsMDM {
			small = append(small, c.host)
		}
	}
	o := t.options
	text := fmt.Sprintf("%d of %d hosts seen that can be part of the MDM cluster (%g CPUs and %g MB of memory offered by Mesos)", able, o.MDMNodes, o.MDM.CPUs, o.MDM.MemoryMB)
	if len(small) > 0 {
		text += "; too small: " + strings.Join(small[:min(len(small), 5)], ", ")
	}
	switch {
	case choose(o.MDMNodes, t.candidates()) != nil:
		text += fmt.Sprintf("; waiting %s for more", o.Settle)
	case able >= o.MDMNodes:
		managers, ties := seats(o.MDMNodes)
		text += fmt.Sprintf("; the attribute %s leaves not enough for %d managers and %d tie-breakers", o.PersonaAttribute, managers, ties)
	default:
		text += "; add Mesos agents, or free resources on them"
	}
	t.clusterProblem(text)
}

func (t *turn) clusterProblem(text string) {
	if t.cluster.Problem != text {
		t.cluster.Problem = text
		t.changed[""] = true
	}
}

// place commits who is what. Members are told to fleet at once; the other
// hosts follow, a limited number in each unit.
func (t *turn) place() {
	t.settling = false
	if len(t.cluster.Members) > 0 {
		return
	}
	candidates := t.candidates()
	members := choose(t.options.MDMNodes, candidates)
	if members == nil {
		t.explainWait()
		return
	}
	c := t.cluster
	c.Members = members
	c.Placed = t.now
	// A host that is too small gets no SDS: counted in, it would make the spare
	// too small for those that do.
	holders := slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return !c.fits && !t.member(c.host) })
	c.UseFaultSets = useFaultSets(holders)
	units := make(map[string]bool)
	byHost := make(map[string]candidate)
	for _, candidate := range holders {
		byHost[candidate.host] = candidate
		if c.UseFaultSets {
			units[candidate.faultSet] = true
		} else {
			units[candidate.host] = true
		}
	}
	c.SparePercent = sparePercent(len(units))
	t.changed[""] = true
	t.clusterProblem("")
	for _, m := range members {
		t.adopt(t.newPlan(byHost[m.Host], m.Persona))
	}
	t.outfitCluster()
	t.outfitPlatform()
	t.watchMembers()
	for _, candidate := range candidates {
		t.queue.add(ref{candidate.host, ""})
	}
}

// onboard gives a host its part, once the members are chosen: storage, unless
// it is a member whose plan was lost. Its steps then find what is installed.
func (t *turn) onboard(c candidate) {
	switch {
	case onboarded(t.plans[c.host]):
	case c.wish == wishNone:
		t.used(c.host)
	case !c.fits:
		t.unused(c.host, tooSmall(c, t.options.Storage))
	case t.cluster.UseFaultSets && c.faultSet == "":
		t.unused(c.host, fmt.Sprintf("the host has no Mesos attribute %s, but the protection domain has fault sets and an SDS can join one only when it is added: set the attribute on the agent and restart the agent", t.options.FaultSetAttribute))
	default:
		plan := t.newPlan(c, t.part(c.host))
		t.adopt(plan)
		t.outfitObjects(plan)
	}
}

// part is what the cluster's record says of a host.
func (t *turn) part(host string) model.Persona {
	for _, m := range t.cluster.Members {
		if m.Host == host {
			return m.Persona
		}
	}
	return model.Storage
}

// adopt commits a host's plan and asks for its node agent.
func (t *turn) adopt(plan *model.NodePlan) {
	host := plan.Hostname
	t.plans[host] = plan
	t.changed[host] = true
	t.outfit(plan)
	t.want(plan)
	delete(t.seen, host)
	l := t.hostLive(host)
	if !l.up {
		t.away[host] = true
	} else {
		t.meet(host)
	}
	t.queueHost(host)
}

// onboardSeen gives a part to a host that was seen before the placement.
func (t *turn) onboardSeen(host string) {
	if seen, ok := t.seen[host]; ok && !t.unreadable[host] {
		if c, problem := t.options.examine(seen); problem == "" {
			t.onboard(c)
		}
	}
}
