package storagegrowth

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// pending is an order that waits for fresh readings. Its znode stays until it
// is applied or refused.
type pending struct {
	order model.Order
	raw   []byte
	since time.Time
	why   string // it waits
}

// orderReceived takes an operator's order that is ours.
func (t *turn) orderReceived(e core.OrderReceived) {
	if _, ok := below(e.Path, leader.PathOrders); !ok {
		return
	}
	order, err := model.ParseOrder(e.Raw)
	if err != nil || !order.Verb.IsGrowth() {
		return // bootstrap's
	}
	if t.orders[e.Path] == nil {
		t.orders[e.Path] = &pending{order: order, raw: e.Raw, since: t.now}
	}
	t.wantRead()
	t.tryOrders()
}

// waits says that an order cannot be decided yet.
type waits struct{ why string }

func (w waits) Error() string { return w.why }

// tryOrders applies the orders that can be decided now.
func (t *turn) tryOrders() {
	for _, path := range sortedKeys(t.orders) {
		if t.full() {
			t.wantRead() // goes on
			return
		}
		p := t.orders[path]
		err := t.obey(p)
		var wait waits
		if errors.As(err, &wait) {
			p.why = wait.why
			continue
		}
		t.settle(path, p, err)
	}
}

// expireOrders refuses the orders that have waited for too long.
func (t *turn) expireOrders() {
	t.tryOrders()
	for _, path := range sortedKeys(t.orders) {
		if p := t.orders[path]; t.now.Sub(p.since) >= t.options.OrderWait {
			t.settle(path, p, fmt.Errorf("it could not be decided within %s: %s", t.options.OrderWait, p.why))
		}
	}
}

// settle removes an order; a refused one is kept with the reason.
func (t *turn) settle(path string, p *pending, err error) {
	delete(t.orders, path)
	t.out.Delete(path)
	if err == nil {
		return
	}
	name, _ := below(path, leader.PathOrders)
	refused := model.RefusedOrder{Reason: err.Error(), At: t.now}
	if json.Valid(p.raw) && len(p.raw) <= 4<<10 {
		refused.Order = p.raw
	}
	t.out.Put(leader.PathOrdersRefused+"/"+name, refused)
}

// obey applies an order; the error is waits while something must be known
// first.
func (t *turn) obey(p *pending) error {
	if t.uninstalling && p.order.Verb != model.GrowthDecline && p.order.Verb != model.GrowthDeleteOrphan {
		return errUninstalling
	}
	switch p.order.Verb {
	case model.GrowthRequest:
		return t.obeyRequest(p)
	case model.GrowthApprove:
		return t.approve(p)
	case model.GrowthDecline:
		return t.decline(p.order)
	case model.GrowthRetry:
		return t.retry(p.order)
	case model.GrowthDeleteOrphan:
		return t.deleteOrphan(p)
	}
	return fmt.Errorf("order %q is not known", p.order.Verb)
}

// freshPool is a pool in a reading that is younger than the order.
func (t *turn) freshPool(key string, since time.Time) (*pool, error) {
	if t.read.at.Before(since) {
		t.wantRead()
		return nil, waits{"the pools have not been read since it was given: " + orElse(t.read.err, "no gateway has answered yet")}
	}
	p := t.pools[key]
	if p == nil {
		return nil, fmt.Errorf("there is no storage pool %s; there are %s", key, strings.Join(sortedKeys(t.pools), ", "))
	}
	return p, nil
}

// decideFor decides for an order.
func (t *turn) decideFor(s Situation) (*Plan, error) {
	d := Decide(s)
	switch {
	case d.Grow != nil:
		return d.Grow, nil
	case d.Verdict == VerdictAskProvider:
		t.wantLook(true)
		return nil, waits{"the provider has not answered: " + orElse(t.look.err, "it was asked just now")}
	case d.Verdict == VerdictUnreadable:
		t.wantRead()
		return nil, waits{d.Wait}
	}
	return nil, errors.New(d.Wait)
}

func (t *turn) obeyRequest(p *pending) error {
	pool, err := t.freshPool(p.order.Pool, p.since)
	if err != nil {
		return err
	}
	s := t.situation(pool)
	s.Request = &Request{SizeGiB: p.order.SizeGiB, By: p.order.By}
	plan, err := t.decideFor(s)
	if err != nil {
		return err
	}
	t.open(plan, orSomebody(p.order.By))
	return nil
}

// parts are the records of a growth, by the id of any part or of the whole.
func (t *turn) parts(id string) []*model.Growth {
	var parts []*model.Growth
	for _, key := range sortedKeys(t.growths) {
		if GrowthBase(key) == GrowthBase(id) {
			parts = append(parts, t.growths[key])
		}
	}
	return parts
}

// awaiting are the parts of a growth that waits for approval.
func (t *turn) awaiting(id string) ([]*model.Growth, error) {
	parts := t.parts(id)
	if len(parts) == 0 {
		return nil, fmt.Errorf("there is no growth %s", id)
	}
	for _, g := range parts {
		if g.State != model.GrowthAwaiting {
			return nil, fmt.Errorf("growth %s is %s, it does not wait for approval", id, g.State)
		}
	}
	return parts, nil
}

// approve decides anew: what is approved must be what would be done now. A
// plan that differs becomes a new preview.
func (t *turn) approve(p *pending) error {
	parts, err := t.awaiting(p.order.Growth)
	if err != nil {
		return err
	}
	first := parts[0]
	pool, err := t.freshPool(first.ProtectionDomain+"/"+first.StoragePool, p.since)
	if err != nil {
		return err
	}
	s := t.situation(pool)
	s.Approved, s.Except = true, GrowthBase(first.ID)
	plan, err := t.decideFor(s)
	if err != nil {
		return err
	}
	if !samePlan(parts, plan) {
		t.finishParts(parts, model.GrowthDeclined)
		id := t.open(plan, "")
		return fmt.Errorf("the pool has changed since growth %s was shown: its plan is %d volumes of %d GiB now; look at growth %s and approve that", p.order.Growth, len(plan.Slots), plan.SizeGiB, id)
	}
	now := t.now
	for _, g := range parts {
		g.State, g.Approved, g.ApprovedAt = model.GrowthOpen, orSomebody(p.order.By), &now
		t.change(g)
		t.begin(g)
	}
	t.opened = t.now
	return nil
}

// samePlan compares what was shown with what would be done now.
func samePlan(parts []*model.Growth, plan *Plan) bool {
	var shown, now []string
	for _, g := range parts {
		for _, s := range g.Slots {
			shown = append(shown, fmt.Sprintf("%s %s %s %d", s.SDS, s.InstanceID, s.Zone, s.Request.SizeGiB))
		}
	}
	for _, s := range plan.Slots {
		now = append(now, fmt.Sprintf("%s %s %s %d", s.SDS, s.InstanceID, s.Zone, plan.SizeGiB))
	}
	slices.Sort(shown)
	slices.Sort(now)
	return slices.Equal(shown, now)
}

func (t *turn) finishParts(parts []*model.Growth, state model.GrowthState) {
	for _, g := range parts {
		now := t.now
		g.State, g.Finished = state, &now
		t.change(g)
	}
	t.countFinished(parts)
}

// decline closes a growth that waits for approval, or by hand for disks:
// nothing was done for it.
func (t *turn) decline(order model.Order) error {
	parts, err := t.awaiting(order.Growth)
	if err == nil {
		t.closeDeclined(parts, order)
		return nil
	}
	parts = t.parts(order.Growth)
	waiting, begun := t.waitForDisks(parts)
	switch {
	case len(parts) == 0:
		return err
	case len(waiting) == 0:
		return fmt.Errorf("growth %s is %s: one can be declined while it waits for approval or, by hand, for disks", order.Growth, parts[0].State)
	case begun:
		for _, w := range waiting {
			w.end(model.SlotFailed, "declined by %s before a disk was there", orSomebody(order.By))
			t.queue[w.g.ID] = true
		}
	default:
		t.closeDeclined(parts, order)
	}
	return nil
}

// waitForDisks are the slots of a growth by hand that have no disk yet; begun
// says that there are others.
func (t *turn) waitForDisks(parts []*model.Growth) (waiting []*work, begun bool) {
	for _, g := range parts {
		for i := range g.Slots {
			if s := &g.Slots[i]; g.Provider == ProviderManual && g.State == model.GrowthOpen && s.State == model.SlotPlanned {
				waiting = append(waiting, &work{turn: t, g: g, s: s, l: t.live(g, i)})
			} else {
				begun = true
			}
		}
	}
	return waiting, begun
}

func (t *turn) closeDeclined(parts []*model.Growth, order model.Order) {
	for _, g := range parts {
		g.Reason = shorten(g.Reason + "; declined by " + orSomebody(order.By))
	}
	t.finishParts(parts, model.GrowthDeclined)
}

// retry lets the failed and parked slots of a growth be tried again, each from
// where it stands. Nothing that was removed is made again under its name.
func (t *turn) retry(order model.Order) error {
	parts := t.parts(order.Growth)
	if len(parts) == 0 {
		return fmt.Errorf("there is no growth %s", order.Growth)
	}
	for _, g := range t.growths {
		if g.Finished == nil && GrowthBase(g.ID) != GrowthBase(order.Growth) && g.StoragePool == parts[0].StoragePool && g.ProtectionDomain == parts[0].ProtectionDomain {
			return fmt.Errorf("growth %s of the pool is %s: wait until it is over", g.ID, g.State)
		}
	}
	again := 0
	for _, g := range parts {
		if g.State == model.GrowthOpen || g.State == model.GrowthPartial {
			again += t.retryPart(g)
		}
	}
	switch {
	case again > 0:
		return nil
	case noPlace(parts):
		return fmt.Errorf("growth %s has tried as many volumes as its record holds: request another growth of pool %s/%s for what is missing", order.Growth, parts[0].ProtectionDomain, parts[0].StoragePool)
	}
	return fmt.Errorf("growth %s has no failed or parked volume to try again", order.Growth)
}

// noPlace reports whether a removed volume has no stand-in since its record is
// full.
func noPlace(parts []*model.Growth) bool {
	return slices.ContainsFunc(parts, func(g *model.Growth) bool {
		return len(g.Slots) >= slotsPerRecordMax && slices.ContainsFunc(g.Slots, func(s model.GrowthSlot) bool {
			return s.State == model.SlotRolledBack && !hasStandIn(g, &s)
		})
	})
}

func (t *turn) retryPart(g *model.Growth) (again int) {
	for i := range len(g.Slots) {
		w := &work{turn: t, g: g, s: &g.Slots[i], l: t.live(g, i)}
		if w.s.State != model.SlotFailed && w.s.State != model.SlotParked && (w.s.State != model.SlotRolledBack || hasStandIn(g, w.s)) {
			continue
		}
		// What is to be removed stays so (R10); a new slot stands in for it.
		gone, place := w.s.State == model.SlotRolledBack, len(g.Slots) < slotsPerRecordMax
		if place && (gone || w.s.Detaching && !hasStandIn(g, w.s)) {
			w.replace(nil) // an operator asks: names that were bad may be free by now
			again++
		}
		if gone {
			continue
		}
		w.enter(standing(w.s))
		again++
	}
	if again > 0 {
		g.State, g.Finished = model.GrowthOpen, nil
		t.change(g)
		t.queue[g.ID] = true
		for i := range g.Slots {
			if l := t.live(g, i); !l.unmade {
				l.need = t.now
			}
		}
	}
	return again
}

// standing is where a slot goes on, by what is recorded of it.
func standing(s *model.GrowthSlot) model.SlotState {
	switch {
	case s.Detaching:
		return model.SlotRollingBack
	case s.DeviceID != "":
		return model.SlotAdded
	case s.Path != "":
		return model.SlotLocated
	case s.VolumeID != "":
		return model.SlotCreated
	}
	return model.SlotPlanned
}
