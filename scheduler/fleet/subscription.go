package fleet

import (
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// termStarted draws the framework id before anything else ever happens (R7),
// and asks for the subscription.
func (t *turn) termStarted(e core.TermStarted) {
	t.epoch = e.Epoch
	if t.framework == nil {
		t.framework = &model.Framework{ID: e.Entropy + "-scaleio", Drawn: t.now.UTC()}
		t.out.Put(frameworkPath, t.framework)
	}
	t.out.Do(core.Subscribe{FrameworkID: t.framework.ID})
	for _, name := range sortedKeys(t.hosts) {
		t.tellUnusable(t.hosts[name])
	}
	if e.Again {
		// The subscription may be up already, and then nobody says so again.
		t.connected()
	}
}

func (t *turn) mesosSubscribed() {
	if t.framework == nil {
		return // before TermStarted: a doubled event of an older life
	}
	t.undeclined = nil // the offers of the subscription before are void
	if t.framework.Registered == nil {
		at := t.now.UTC()
		t.framework.Registered = &at
		t.out.Put(frameworkPath, t.framework)
	}
	t.connected()
}

// connected starts what needs a subscription. Running node agents are told up
// at once, for speed: messages may be lost anyway, and NodeDown follows when
// Mesos says otherwise.
func (t *turn) connected() {
	t.disconnected = false
	t.listening = t.now
	if !t.subscribed {
		t.subscribed = true
		// All tasks that Mesos knows, first: after ZooKeeper was restored some
		// may be newer than our records, and the answer must come before a
		// launch could use their numbers again.
		t.out.Do(core.Reconcile{})
		t.timer(timerImplicit, t.options.ImplicitReconcile)
	}
	for _, name := range sortedKeys(t.hosts) {
		h := t.hosts[name]
		if h.served() {
			t.askAnew(h)
		}
		t.bringUp(h)
	}
	if len(t.revival.needy) > 0 {
		t.armRevival()
	}
	t.watchSilence()
}

// mesosDisconnected voids the offers; tasks run on without us. Calls are not
// held back: refused ones are repeated, and when this event comes late, after
// the next subscription, the offers were not void and must be given back.
func (t *turn) mesosDisconnected() {
	t.disconnected = true
	var ids []string
	for _, id := range sortedKeys(t.holders) {
		if h := t.hosts[t.holders[id]]; h != nil {
			ids = append(ids, offerIDs(t.release(h))...)
		}
	}
	t.decline(ids, t.options.DeclineUnusable)
}

func (t *turn) callRefused(e core.CallRefused) {
	switch effect := e.Effect.(type) {
	case core.Accept:
		// Refused or not, only Mesos can say that no such task lives.
		h := t.hosts[effect.Host]
		if h != nil && h.node.State == model.TaskLaunching && h.node.Launch.TaskID == effect.Launch.TaskID {
			t.askSoon(h)
		}
	case core.Revive:
		if len(t.revival.needy) > 0 {
			t.armRevival()
		}
	case core.Decline:
		// The master holds these offers out to us until they are answered, and
		// offers nothing of their hosts meanwhile, whatever is revived.
		if len(t.undeclined) == 0 {
			t.timer(timerDecline, declineAgain)
		}
		t.undeclined = append(t.undeclined, effect.OfferIDs...)
	}
}

// declineAgain is when offers are given back once more.
const declineAgain = 5 * time.Second

func (t *turn) giveBack() {
	ids := t.undeclined
	t.undeclined = nil
	t.decline(ids, t.options.DeclineUnusable)
}

// poisoned gives back what an event that could not be stored still holds.
func (t *turn) poisoned(event core.Event) {
	switch e := event.(type) {
	case core.TaskUpdated:
		t.acknowledge(e)
	case core.OffersReceived:
		var ids []string
		for _, offer := range e.Offers {
			ids = append(ids, offer.ID)
		}
		t.decline(ids, t.options.DeclineUnusable)
	}
}
