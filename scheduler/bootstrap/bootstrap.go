package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// Bootstrap implements core.Core.
type Bootstrap struct {
	options Options
	graph   *graph
	records

	unreadable map[string]bool          // hosts whose plans could not be read
	refused    map[string]bool          // names below /orders-refused
	volumes    map[string]bool          // serial numbers of the volumes of growths
	anyVolume  bool                     // a growth could not be read
	live       map[string]*live         // what is known of hosts in this term
	seen       map[string]core.HostSeen // before placement
	settling   bool                     // the timer of the placement runs
	away       map[string]bool          // planned hosts that cannot be spoken to
	waiting    map[string]bool          // hosts that wait for their turn to restart
	asked      map[ref]*question        // running steps that were asked for in this term
	delayed    map[ref]bool             // steps with a retry timer
	interrupts map[ref]int              // failures in a row that do not count
	redundancy redundancy               // what is known of it, for restarts
	growths    *core.GrowthsOpen        // told last in this term; nil before
	leaving    bool                     // a hand-over was begun in this term
	queue      queue
	spent      spending
	told       core.ClusterKnown // last
	// primaryTurn counts how often an MDM turned out not to be the primary.
	primaryTurn int
}

// live is what is known of a host's node agent in this term.
type live struct {
	up         bool
	lost       bool   // out of reach for long
	unusable   string // why; empty once the host has described itself
	address    core.NodeAddress
	inventory  *model.Inventory
	attributes map[string]string
}

// question is a running step's intent that was sent out.
type question struct{ delay time.Duration }

// New makes a bootstrap core that knows nothing; Load follows. The error names
// the flags that are wrong.
func New(options Options) (*Bootstrap, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	b := &Bootstrap{options: options, graph: newGraph()}
	b.forget()
	return b, nil
}

// Name implements core.Core.
func (*Bootstrap) Name() string { return "bootstrap" }

func (b *Bootstrap) forget() {
	*b = Bootstrap{
		options:    b.options,
		graph:      b.graph,
		records:    newRecords(nil, make(map[string]*model.NodePlan)),
		unreadable: make(map[string]bool),
		refused:    make(map[string]bool),
		volumes:    make(map[string]bool),
		live:       make(map[string]*live),
		seen:       make(map[string]core.HostSeen),
		away:       make(map[string]bool),
		waiting:    make(map[string]bool),
		asked:      make(map[ref]*question),
		delayed:    make(map[ref]bool),
		interrupts: make(map[ref]int),
		queue:      newQueue(),
	}
}

// Load implements core.Core. A plan that cannot be read costs its host alone.
func (b *Bootstrap) Load(stored leader.Snapshot) (map[string]error, error) {
	b.forget()
	unreadable := make(map[string]error)
	var cluster *model.Cluster
	plans := make(map[string]*model.NodePlan)
	for path, entry := range stored {
		host, isPlan := hostOfPlan(path)
		if name, ok := refusedName(path); ok {
			b.refused[name] = true
		}
		if strings.HasPrefix(path, leader.PathGrowth+"/") {
			b.learnVolumes(entry.Data)
		}
		switch {
		case path == leader.PathCluster:
			c, err := model.Decode[model.Cluster](entry.Data)
			if err != nil {
				return nil, fmt.Errorf("%s is unreadable: %w", path, err)
			}
			cluster = c
		case isPlan:
			plan, err := readPlan(host, entry.Data)
			if err != nil {
				unreadable[path] = err
				b.unreadable[host] = true
				continue
			}
			plans[host] = plan
		}
	}
	if cluster == nil && len(plans)+len(unreadable) > 0 {
		return nil, errors.New("/cluster is missing while nodes have plans: a new one would not know the ScaleIO system that exists")
	}
	if cluster != nil && cluster.Steps == nil {
		cluster.Steps = make(map[string]model.Step)
	}
	b.records = newRecords(cluster, plans)
	for host, plan := range plans {
		if onboarded(plan) {
			b.away[host] = true
		}
	}
	return unreadable, nil
}

func readPlan(host string, data []byte) (*model.NodePlan, error) {
	plan, err := model.Decode[model.NodePlan](data)
	if err != nil {
		return nil, fmt.Errorf("%w: mend it by hand, then let another scheduler lead", err)
	}
	if plan.Hostname != host {
		return nil, fmt.Errorf("hostname is %q, want %q as in its path: mend it by hand, then let another scheduler lead", plan.Hostname, host)
	}
	if plan.Steps == nil {
		plan.Steps = make(map[string]model.Step)
	}
	return plan, nil
}

// Apply implements core.Core.
func (b *Bootstrap) Apply(now time.Time, event core.Event, out *core.Output) {
	b.spent.renew(now, event)
	t := &turn{Bootstrap: b, now: now, out: out, changed: make(map[string]bool)}
	if started, ok := event.(core.TermStarted); ok {
		t.termStarted(started)
	} else if b.cluster != nil {
		t.apply(event)
	}
	t.finish()
}

func (t *turn) apply(event core.Event) {
	switch e := event.(type) {
	case core.TimerFired:
		t.timerFired(e.Key)
	case core.HostSeen:
		t.hostSeen(e)
	case core.NodeUp:
		t.nodeUp(e)
	case core.NodeDown:
		t.nodeDown(e)
	case core.NodeUnusable:
		t.nodeUnusable(e)
	case core.NodeReported:
		t.nodeReported(e)
	case core.NodeRefused:
		t.nodeRefused(e)
	case core.GatewayAnswered:
		t.gatewayAnswered(e)
	case core.OrderReceived:
		t.orderReceived(e)
	case core.CloudAnswered:
		t.cloudAnswered(e)
	case core.PoolsRead:
		t.poolsRead(e)
	case core.GrowthsOpen:
		t.growthsOpen(e)
	}
}

func (t *turn) timerFired(key string) {
	switch key {
	case timerSettle:
		t.place()
		return
	case timerMore:
		return // finish works on
	case timerSweep:
		t.sweep()
		return
	case timerPlatform:
		t.outfitPlatform()
		return
	case timerTurns:
		t.redundancy.timer = false
		t.queueTurns()
		return
	}
	if rest, ok := strings.CutPrefix(key, timerAsk); ok {
		t.askAgain(refOf(rest))
	} else if rest, ok := strings.CutPrefix(key, timerRetry); ok {
		delete(t.delayed, refOf(rest))
		t.queue.add(refOf(rest))
	} else if host, ok := strings.CutPrefix(key, timerLost); ok {
		t.memberLost(host)
	}
}
