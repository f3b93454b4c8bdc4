package fleet

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// crowdedRefuse is the filter on offers of hosts for which there is no room.
const crowdedRefuse = time.Second

const maintenanceNote = "maintenance is scheduled for the agent: nothing is launched there"

// offersReceived takes the offers of a limited number of new hosts and those
// of all served ones. The rest is declined for a moment and comes again.
func (t *turn) offersReceived(offers []core.Offer) {
	byHost := make(map[string][]core.Offer)
	for _, offer := range offers {
		if _, held := t.holders[offer.ID]; !held { // else the event is doubled
			byHost[offer.Hostname] = append(byHost[offer.Hostname], offer)
		}
	}
	taken := 0
	for _, name := range sortedKeys(byHost) {
		offers := byHost[name]
		h := t.hosts[name]
		switch {
		case !validHostname(name):
			t.decline(offerIDs(offers), t.options.DeclineServed)
		case t.unreadable[name]:
			t.decline(offerIDs(offers), t.options.DeclineUnusable)
		case h != nil && h.served():
			t.offeredServed(h, offers)
		case taken == maxHosts || t.holding >= maxHosts && (h == nil || len(h.held) == 0):
			t.decline(offerIDs(offers), crowdedRefuse)
		default:
			taken++
			t.offered(t.hostOf(offers[0]), offers)
		}
	}
}

// hostOf finds or makes the host of an offer.
func (t *turn) hostOf(offer core.Offer) *host {
	h := t.hosts[offer.Hostname]
	if h == nil {
		h = &host{name: offer.Hostname, node: &model.Node{
			Hostname: offer.Hostname,
			State:    model.TaskNone,
			Since:    t.now.UTC(),
		}}
		t.add(h)
		t.store(h)
	}
	return h
}

// offered takes usable offers of a host without a living task.
func (t *turn) offered(h *host, offers []core.Offer) {
	delete(t.revival.needy, h.name)
	var usable []core.Offer
	var unavailable []string
	for _, offer := range offers {
		if offer.Unavailable {
			unavailable = append(unavailable, offer.ID)
		} else {
			usable = append(usable, offer)
		}
	}
	t.decline(unavailable, t.options.DeclineUnusable)
	if len(usable) == 0 {
		t.describeAgent(h, offers[0])
		t.note(h, maintenanceNote)
		return
	}
	if _, note := splitReason(h.node.Reason); note == noteMark+maintenanceNote {
		t.note(h, "")
	}
	largest := slices.MaxFunc(usable, func(a, b core.Offer) int {
		return int(a.MemoryMB - b.MemoryMB)
	})
	t.describeAgent(h, largest)
	t.hold(h, usable)
	t.out.Tell(core.HostSeen{
		Host: h.name, CPUs: largest.CPUs, MemoryMB: largest.MemoryMB,
		Attributes: maps.Clone(largest.Attributes), Served: h.node.Launch != nil,
	})
	t.tryLaunch(h)
	t.watchHeld(h)
}

// offeredServed declines offers of a host whose task lives. What speaks
// against that (the agent is back, another one has the host's name, the launch
// may never have been made) is a reason to ask, and to hold the offer until
// the answer.
func (t *turn) offeredServed(h *host, offers []core.Offer) {
	_, asked := t.questions.open[h.node.Launch.TaskID]
	doubtful := h.node.State == model.TaskUnreachable || h.node.State == model.TaskLaunching && asked
	var surplus []string
	var telling []core.Offer
	for _, offer := range offers {
		if offer.AgentID == h.node.Launch.AgentID && !doubtful {
			surplus = append(surplus, offer.ID)
		} else {
			telling = append(telling, offer)
		}
	}
	t.decline(surplus, t.jittered(h.name))
	if len(surplus) > 0 {
		t.describeAgent(h, offers[slices.IndexFunc(offers, func(o core.Offer) bool { return o.ID == surplus[0] })])
	}
	if len(telling) > 0 {
		t.hold(h, telling)
		t.watchHeld(h)
		t.ask(h)
		if other := telling[0].AgentID; h.node.State == model.TaskUnreachable && other != h.node.Launch.AgentID {
			t.note(h, fmt.Sprintf("agent %s offers this host while agent %s is unreachable: "+
				"if the host was set up anew, tell Mesos that the old agent is gone (MARK_AGENT_GONE)", other, h.node.Launch.AgentID))
		}
	}
	t.out.Tell(core.HostSeen{
		Host: h.name, CPUs: offers[0].CPUs, MemoryMB: offers[0].MemoryMB,
		Attributes: maps.Clone(h.node.Attributes), Served: true,
	})
}

// describeAgent keeps what the record says of the agent as last offered.
func (t *turn) describeAgent(h *host, offer core.Offer) {
	if h.node.AgentID != offer.AgentID || !maps.Equal(h.node.Attributes, offer.Attributes) {
		h.node.AgentID = offer.AgentID
		h.node.Attributes = maps.Clone(offer.Attributes)
		t.store(h)
	}
}

// hold keeps offers unanswered for a while.
func (t *turn) hold(h *host, offers []core.Offer) {
	if len(h.held) == 0 {
		t.holding++
	}
	h.held = append(h.held, offers...)
	for _, offer := range offers {
		t.holders[offer.ID] = h.name
	}
}

// watchHeld bounds the time for which offers are held.
func (t *turn) watchHeld(h *host) {
	if len(h.held) > 0 && !h.watched {
		h.watched = true
		t.timer(timerHold+h.name, t.options.HoldOffers)
	}
}

// release stops holding the host's offers and returns them.
func (t *turn) release(h *host) []core.Offer {
	held := h.held
	if len(held) > 0 {
		t.holding--
	}
	h.held, h.watched = nil, false
	for _, offer := range held {
		delete(t.holders, offer.ID)
	}
	return held
}

func (t *turn) holdEnded(h *host) {
	t.decline(offerIDs(t.release(h)), t.options.DeclineUnusable)
}

// declineSurplus gives back what is held for a host whose task lives.
func (t *turn) declineSurplus(h *host) {
	held := t.release(h)
	t.decline(offerIDs(held), t.jittered(h.name))
	for _, offer := range held {
		if offer.AgentID != h.node.Launch.AgentID {
			t.note(h, fmt.Sprintf("agent %s has the same hostname as agent %s, which runs the node agent: "+
				"give each host a name of its own", offer.AgentID, h.node.Launch.AgentID))
		}
	}
}

func (t *turn) offerRescinded(id string) {
	h := t.hosts[t.holders[id]]
	if h == nil {
		return
	}
	delete(t.holders, id)
	h.held = slices.DeleteFunc(h.held, func(offer core.Offer) bool { return offer.ID == id })
	if len(h.held) == 0 {
		t.holding--
	}
}

// decline gives offers back at the end of the turn.
func (t *turn) decline(ids []string, refuse time.Duration) {
	if len(ids) == 0 {
		return
	}
	if t.declined == nil {
		t.declined = make(map[time.Duration][]string)
	}
	t.declined[refuse] = append(t.declined[refuse], ids...)
}

// sendDeclines ends a turn: one call for each filter.
func (t *turn) sendDeclines() {
	for _, refuse := range slices.Sorted(maps.Keys(t.declined)) {
		t.out.Do(core.Decline{OfferIDs: t.declined[refuse], Refuse: refuse})
	}
}

func offerIDs(offers []core.Offer) []string {
	ids := make([]string, 0, len(offers))
	for _, offer := range offers {
		ids = append(ids, offer.ID)
	}
	return ids
}
