package bootstrap

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// Limits of the work done at one instant, far below those of a commit: what is
// left over goes on after a timer. A thousand hosts that may all start a step
// at once do so in some thirty commits. The events of one unit carry the same
// time, so that counting by it keeps the unit small when fleet tells of many
// hosts at once.
const (
	maxPlansAtOnce   = 32
	maxEffectsAtOnce = 200
	moreAfter        = time.Millisecond
)

// turn is the application of one event: records that changed are put once, at
// its end.
type turn struct {
	*Bootstrap
	now     time.Time
	out     *core.Output
	changed map[string]bool // hosts whose plans changed; "" is the cluster
}

// spending counts the work done at one instant.
type spending struct {
	at             time.Time
	plans, effects int
	more           bool // the timer that goes on is set
}

// renew starts counting anew when time has gone on, or when the timer says so.
func (s *spending) renew(now time.Time, event core.Event) {
	fired, ok := event.(core.TimerFired)
	goOn := ok && fired.Key == timerMore
	if !s.at.Equal(now) || goOn {
		*s = spending{at: now, more: s.more && !goOn}
	}
}

// finish works on what may have become possible, then stores what changed.
func (t *turn) finish() {
	if t.cluster == nil {
		return
	}
	for t.spent.plans+len(t.changed) < maxPlansAtOnce && t.spent.effects+len(t.out.Effects) < maxEffectsAtOnce {
		next, ok := t.queue.take()
		if !ok {
			break
		}
		t.consider(next)
	}
	t.spent.plans += len(t.changed)
	t.spent.effects += len(t.out.Effects)
	if !t.queue.empty() && !t.spent.more {
		t.spent.more = true
		t.timer(timerMore, moreAfter)
	}
	for _, host := range sortedKeys(t.changed) {
		switch plan := t.plans[host]; {
		case host == "":
			t.out.Put(leader.PathCluster, t.cluster)
		case plan == nil:
			t.out.Delete(planPath(host))
		default:
			t.out.Put(planPath(host), plan)
		}
	}
	t.tellCluster()
}

// tellCluster tells the other cores what they need of the cluster's record,
// once a term and whenever it changes.
func (t *turn) tellCluster() {
	now := core.ClusterKnown{UUID: t.cluster.UUID, Release: t.cluster.Release, Gateways: t.cluster.Gateways, Uninstalling: t.removing()}
	if now.UUID == t.told.UUID && now.Release == t.told.Release && now.Uninstalling == t.told.Uninstalling && slices.Equal(now.Gateways, t.told.Gateways) {
		return
	}
	now.Gateways = slices.Clone(now.Gateways)
	t.told = now
	t.out.Tell(now)
}

func (t *turn) timer(key string, after time.Duration) {
	t.out.Do(core.Timer{Key: key, After: after})
}

// set changes a step.
func (t *turn) set(at ref, step model.Step) {
	before, _ := t.step(at)
	if at.host == "" {
		t.cluster.Steps[at.key] = step
	} else {
		t.plans[at.host].Steps[at.key] = step
	}
	t.count(at, before, step)
	if restarts(at.key) && step.State != model.Pending {
		t.restartMoved(at, step)
	}
	if inVain(step) && slices.Contains(toGateway, at.key) {
		t.gatewayDelayed(at.host)
	}
	t.changed[at.host] = true
}

// termStarted asks for everything that is open: node agents for all planned
// hosts, and what became of running steps.
func (t *turn) termStarted(e core.TermStarted) {
	t.timer(timerSweep, sweepEvery)
	if t.cluster == nil {
		t.cluster = &model.Cluster{
			UUID:       uuid.NewSHA1(uuid.NameSpaceURL, []byte("scaleio-framework/cluster/"+e.Entropy)).String(),
			SystemName: t.options.SystemName,
			Steps:      make(map[string]model.Step),
		}
		t.changed[""] = true
		t.explainWait()
		return
	}
	for _, host := range sortedKeys(t.plans) {
		switch plan := t.plans[host]; {
		case !onboarded(plan):
		case t.released(host):
			delete(t.away, host)
			t.out.Tell(core.HostReleased{Host: host})
		default:
			if !t.removing() {
				t.outfit(plan)
			}
			t.want(plan)
			t.queueHost(host)
		}
	}
	switch {
	case t.removing() && !t.cluster.Uninstall.Over():
		t.outfitRemovalAgain()
	case len(t.cluster.Members) > 0 && !t.removing():
		t.outfitCluster()
		t.outfitPlatform()
		t.watchMembers()
	}
	t.moveEndpoints() // an operator may have removed a gateway by hand
	t.queueCluster()
}

// want tells fleet that a host shall run a node agent.
func (t *turn) want(plan *model.NodePlan) {
	r := t.options.resources(plan.Persona)
	t.out.Tell(core.HostWanted{Host: plan.Hostname, Persona: plan.Persona, CPUs: r.CPUs, MemoryMB: r.MemoryMB})
}

func (t *turn) queueHost(host string) {
	for _, s := range t.graph.specs {
		if s.Scope == PerNode && (!s.removal || t.removing()) {
			t.queue.add(ref{host, s.Name})
		}
	}
}

func (t *turn) queueCluster() {
	for _, key := range sortedKeys(t.cluster.Steps) {
		t.queue.add(ref{"", key})
	}
}

// hostLive is what is known of a host in this term, made on first use.
func (t *turn) hostLive(host string) *live {
	l := t.live[host]
	if l == nil {
		l = &live{}
		t.live[host] = l
	}
	return l
}

// up reports whether a host's node agent can be spoken to.
func (b *Bootstrap) up(host string) bool {
	l := b.live[host]
	return l != nil && l.up
}
