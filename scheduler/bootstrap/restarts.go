package bootstrap

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

const (
	// turnsAgain is how soon hosts that wait for their turn are looked at again,
	// where no event tells that it has come.
	turnsAgain = 10 * time.Second
	// redundantFor is how long a reading that found all well allows a restart.
	redundantFor = 10 * time.Second
)

// redundancy is what is known of the MDM cluster and the pools while Mesos
// agents restart. Each restart begins on a reading of its own, which was asked
// for after the last one had ended: it is the look behind that one, too.
type redundancy struct {
	asked time.Time // the last question; zero when the answer was used up
	open  bool      // it is not answered
	lacks string    // what the answer found; empty when all is well
	timer bool      // timerTurns runs
}

// mayRestart reports whether a host's Mesos agent may restart now, as far as
// the rest of the system goes. It says why not where that lasts.
func (t *turn) mayRestart(at ref) bool {
	reason := ""
	if other := t.awayFromService(at.host); other != "" {
		reason = "waits until " + other + " is back"
	} else if other := t.dueBefore(at); other != "" {
		reason = "waits for " + at.key + " on the other hosts, since the leading scheduler runs here"
	} else if t.nothingToLose() {
		reason = ""
	} else if lacks, known := t.askRedundancy(); !known {
		t.lookAgain()
		return false
	} else if lacks != "" {
		reason = "waits until the redundancy is whole: " + lacks
	} else if t.handOver(at.host) {
		reason = "waits for another scheduler to lead, since the present leader runs here"
	}
	if reason == "" {
		return true
	}
	t.lookAgain()
	t.explainStep(at, nodeproto.Shorten(reason))
	return false
}

// restarts tells the steps that restart a Mesos agent.
func restarts(key string) bool {
	return key == nodeproto.StepAgentRestart || key == nodeproto.StepRestoreAgent
}

// nothingToLose reports that a removal follows an installation that never had
// a gateway: nothing tells of redundancy, and no device holds data.
func (t *turn) nothingToLose() bool {
	return t.removing() && len(t.cluster.Gateways) == 0 && len(t.units) == 0
}

// askRedundancy tells what the redundancy lacks, or asks for it.
func (t *turn) askRedundancy() (lacks string, known bool) {
	r := &t.redundancy
	age := t.now.Sub(r.asked)
	switch {
	case !r.asked.IsZero() && !r.open && age < redundantFor:
		return r.lacks, true
	case r.open && age < t.options.GatewayTimeout:
		return "", false
	}
	r.asked, r.open = t.now, true
	t.out.Do(core.ReadPools{Gateways: slices.Clone(t.cluster.Gateways), Asked: t.now})
	return "", false
}

// poolsRead takes the answer to the last question; others are too old, or were
// asked by someone else.
func (t *turn) poolsRead(e core.PoolsRead) {
	r := &t.redundancy
	if r.open && e.Asked.Equal(r.asked) {
		r.open, r.lacks = false, notWhole(e)
		t.queueTurns()
	}
}

// notWhole says why a reading does not prove that each pool has all its copies
// and the MDM cluster its members. What is unreadable proves nothing (R8). A
// rebalance is no reason: it moves copies, of which there are enough.
func notWhole(e core.PoolsRead) string {
	if e.Err != "" {
		return "it cannot be read: " + e.Err
	}
	if e.MDM != "" {
		return e.MDM
	}
	for _, p := range e.Pools {
		name := "pool " + p.ProtectionDomain + "/" + p.StoragePool
		switch {
		case len(p.Units) == 0: // it holds nothing yet
		case p.Implausible != "":
			return name + ": " + p.Implausible
		case p.Degraded:
			return name + " is degraded"
		case p.Rebuilding:
			return name + " rebuilds"
		}
	}
	return ""
}

// restartMoved follows a step that restarts a Mesos agent: what was read before is used up.
func (t *turn) restartMoved(at ref, step model.Step) {
	delete(t.waiting, at.host)
	if step.Attempt > 0 {
		t.redundancy.asked, t.redundancy.open = time.Time{}, false
	}
	if step.Over() {
		t.plans[at.host].HandedOver = nil
	}
}

// lookAgain sees to it that hosts that wait for their turn are looked at.
func (t *turn) lookAgain() {
	if !t.redundancy.timer {
		t.redundancy.timer = true
		t.timer(timerTurns, turnsAgain)
	}
}

// leadsFrom reports whether this scheduler runs on a host.
func (t *turn) leadsFrom(host string) bool {
	here := t.options.SchedulerHost
	if here == "" {
		return false
	}
	l := t.live[host]
	return host == here || l != nil && l.inventory != nil && l.inventory.Address == here
}

// dueBefore names a host that restarts before that of the leading scheduler;
// empty when none is left. One that cannot get there by itself is not waited
// for.
func (t *turn) dueBefore(at ref) string {
	host := at.host
	if !t.leadsFrom(host) {
		return ""
	}
	for _, other := range sortedKeys(t.plans) {
		step, has := t.step(ref{other, at.key})
		if has && !step.Over() && other != host && t.up(other) && !hasStuck(t.plans[other]) {
			return other
		}
	}
	return ""
}

func hasStuck(plan *model.NodePlan) bool {
	for _, step := range plan.Steps {
		if step.State == model.Stuck {
			return true
		}
	}
	return false
}

// handOver lets another scheduler lead before the agent below this one
// restarts. Whoever leads next on this host, for want of a standby elsewhere,
// goes on.
func (t *turn) handOver(host string) bool {
	if !t.leadsFrom(host) {
		return false
	}
	if plan := t.plans[host]; plan.HandedOver == nil {
		now := t.now
		plan.HandedOver = &now
		t.changed[host] = true
		t.leaving = true
		t.out.Do(core.HandOver{Reason: fmt.Sprintf("the Mesos agent on %s, where this scheduler runs, is about to restart", host)})
	}
	return t.leaving
}

// queueTurns looks at the hosts that wait for their turn to restart.
func (t *turn) queueTurns() {
	for _, host := range slices.Sorted(maps.Keys(t.waiting)) {
		t.queue.add(ref{host, nodeproto.StepAgentRestart})
		t.queue.add(ref{host, nodeproto.StepRestoreAgent})
	}
}

// awayFromService says which host that must not be missing at the same time is
// out of reach while a host's agent restarts; empty when none.
func (t *turn) awayFromService(host string) string {
	for _, other := range slices.Sorted(maps.Keys(t.away)) {
		plan := t.plans[other]
		if other == host || !onboarded(plan) || !t.missedWith(other, host) {
			continue
		}
		if t.member(other) || plan.Steps[core.StepAddSDS].Attempt > 0 {
			return other
		}
	}
	return ""
}
