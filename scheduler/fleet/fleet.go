package fleet

import (
	"fmt"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// Fleet implements core.Core.
type Fleet struct {
	options Options

	epoch      uint64
	framework  *model.Framework // nil before the first term ever
	hosts      map[string]*host
	unreadable map[string]bool            // hosts whose records could not be read
	wanted     map[string]core.HostWanted // told in this term
	released   map[string]bool            // hosts on which nothing is left to do, told in this term
	// highest is the highest launch number seen of hosts without a readable
	// record, so that it is not used again.
	highest map[string]int
	byAgent map[string]map[string]bool // agent id of the last launch -> hosts
	holders map[string]string          // held offer -> host
	holding int                        // hosts with held offers

	subscribed   bool      // at least once in this term
	disconnected bool      // since then
	listening    time.Time // since when signs of life can have come
	questions    questions
	revival      revival
	undeclined   []string // offers that could not be given back
	watching     bool     // the timer of the silence check is armed
}

// New makes a fleet that knows nothing; Load follows.
func New(options Options) (*Fleet, error) {
	if err := options.validate(); err != nil {
		return nil, err
	}
	f := &Fleet{options: options}
	f.forget()
	return f, nil
}

// Name implements core.Core.
func (*Fleet) Name() string { return "fleet" }

func (f *Fleet) forget() {
	*f = Fleet{
		options:    f.options,
		hosts:      make(map[string]*host),
		unreadable: make(map[string]bool),
		wanted:     make(map[string]core.HostWanted),
		released:   make(map[string]bool),
		highest:    make(map[string]int),
		byAgent:    make(map[string]map[string]bool),
		holders:    make(map[string]string),
		questions:  questions{open: make(map[string]string)},
		revival:    revival{needy: make(map[string]bool)},
	}
}

// Load implements core.Core. An unreadable node record costs that host alone:
// nothing is launched there, and nothing of it is killed.
func (f *Fleet) Load(stored leader.Snapshot) (map[string]error, error) {
	f.forget()
	unreadable := make(map[string]error)
	forgotten, launched := false, false
	for path, entry := range stored {
		name, isNode := strings.CutPrefix(path, nodesPath)
		switch {
		case path == frameworkPath:
			framework, err := model.Decode[model.Framework](entry.Data)
			if err != nil {
				return nil, fmt.Errorf("%s is unreadable: %w", path, err)
			}
			if framework.ID == "" {
				forgotten = true
				continue
			}
			f.framework = framework
		case isNode && name != "" && !strings.Contains(name, "/"):
			node, err := model.Decode[model.Node](entry.Data)
			if err == nil {
				err = checkNames(name, node)
			}
			if err != nil {
				unreadable[path] = err
				f.unreadable[name] = true
				continue
			}
			launched = launched || node.Launch != nil
			f.add(&host{name: name, node: node})
		}
	}
	if f.framework == nil && launched && !forgotten {
		// A new id would leave the node agents of the old one running, each with
		// its hand on its host, for as long as Mesos keeps them.
		return nil, fmt.Errorf("%s is gone although node agents were launched under its id: write it back ({\"id\": \"...\"}; Mesos shows the id), or give the id up with scaleioctl framework reset", frameworkPath)
	}
	return unreadable, nil
}

func (f *Fleet) add(h *host) {
	f.hosts[h.name] = h
	if h.node.Launch != nil {
		f.index(h, h.node.Launch.AgentID)
	}
}

// index notes which agent the host's last launch went to.
func (f *Fleet) index(h *host, agentID string) {
	if h.indexed == agentID {
		return
	}
	if hosts := f.byAgent[h.indexed]; hosts != nil {
		delete(hosts, h.name)
		if len(hosts) == 0 {
			delete(f.byAgent, h.indexed)
		}
	}
	if f.byAgent[agentID] == nil {
		f.byAgent[agentID] = make(map[string]bool)
	}
	f.byAgent[agentID][h.name] = true
	h.indexed = agentID
}

// Apply implements core.Core.
func (f *Fleet) Apply(now time.Time, event core.Event, out *core.Output) {
	t := &turn{Fleet: f, now: now, out: out}
	switch e := event.(type) {
	case core.TermStarted:
		t.termStarted(e)
	case core.TimerFired:
		t.timerFired(e.Key)
	case core.MesosSubscribed:
		t.mesosSubscribed()
	case core.MesosDisconnected:
		t.mesosDisconnected()
	case core.OffersReceived:
		t.offersReceived(e.Offers)
	case core.OfferRescinded:
		t.offerRescinded(e.OfferID)
	case core.HostWanted:
		t.hostWanted(e)
	case core.HostReleased:
		t.hostReleased(e.Host)
	case core.TaskUpdated:
		t.taskUpdated(e)
	case core.MessageReceived:
		t.messageReceived(e)
	case core.AgentFailed:
		t.agentFailed(e)
	case core.CallRefused:
		t.callRefused(e)
	case core.Poisoned:
		t.poisoned(e.Event)
	}
	t.finish()
}
