package storagegrowth

import (
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// Timer keys. Keys are common to all cores.
const (
	timerRead  = "growth/read"
	timerSweep = "growth/sweep"
	timerLook  = "growth/look"
	timerMore  = "growth/more"
	timerSlots = "growth/slots/" // and the growth's id
)

const (
	// recordsAtOnce bounds the growths that one event changes: with records of
	// at most 64 KiB they stay within one commit.
	recordsAtOnce = 6
	moreAfter     = time.Millisecond
	// sweepEvery is how often lost nodes and waiting orders are looked at.
	sweepEvery = time.Minute
	// keptGrowths is how many finished growths are kept.
	keptGrowths = 100
)

// turn is the application of one event: records that changed are put once, at
// its end.
type turn struct {
	*Core
	now      time.Time
	out      *core.Output
	changed  map[string]bool // growths
	storeNow bool            // the status holds an intent: store it at once
	countNow bool            // the totals count what is stored now: store them too
	readSoon bool            // a device has appeared in its pool, or is expected to
}

func growthPath(id string) string { return leader.PathGrowth + "/" + id }

// termStarted asks what became of everything that is open.
func (t *turn) termStarted() {
	for _, h := range t.hosts {
		if h.since.IsZero() {
			h.since = t.now
		}
	}
	for _, o := range t.orders {
		o.since = t.now
	}
	t.look.need = t.now
	if t.usesCloud() {
		t.wantLook(true)
	}
	t.wantRead()
	t.timer(timerSweep, min(sweepEvery, t.options.ParkAfter))
	t.queueAll()
}

func (t *turn) clusterKnown(e core.ClusterKnown) {
	t.uuid, t.release, t.gateways, t.uninstalling = e.UUID, e.Release, slices.Clone(e.Gateways), e.Uninstalling
	if t.uninstalling {
		t.tellOpen()
	}
	t.wantRead()
	t.queueAll()
}

// usesCloud reports whether there is anything to ask the provider about.
func (t *turn) usesCloud() bool {
	if t.options.Policy.Provider == ProviderAWS || t.status != nil && len(t.status.Deletions) > 0 {
		return true
	}
	for _, g := range t.growths {
		if g.Provider == ProviderAWS && g.Finished == nil {
			return true
		}
	}
	return false
}

// queueAll works on every growth that is open.
func (t *turn) queueAll() {
	for id, g := range t.growths {
		if g.State == model.GrowthOpen {
			t.queue[id] = true
		}
	}
}

func (t *turn) timer(key string, after time.Duration) {
	t.out.Do(core.Timer{Key: key, After: max(after, time.Millisecond)})
}

// timerFired reports whether the timer is one of ours.
func (t *turn) timerFired(key string) bool {
	switch key {
	case timerRead:
		t.read.timer, t.read.hurried = false, false
		t.wantRead()
	case timerSweep:
		t.sweep()
	case timerLook:
		t.look.timer = false
		if sent := t.look.sent; !sent.IsZero() && t.now.Sub(sent) >= t.options.CallTimeout {
			t.look.sent = time.Time{} // nobody answered
			t.wantLook(true)
		}
	case timerMore:
		t.more = false
	default:
		id, ok := strings.CutPrefix(key, timerSlots)
		if !ok {
			return false
		}
		t.queue[id] = true
	}
	return true
}

// sweep does what depends on nothing but time.
func (t *turn) sweep() {
	t.timer(timerSweep, min(sweepEvery, t.options.ParkAfter))
	t.queueAll()
	t.expireOrders()
	t.forgetPreviews()
	if t.usesCloud() && t.now.Sub(t.look.answered) >= t.options.AuditEvery {
		t.wantLook(true)
	}
	if t.status != nil && len(t.status.Deletions) > 0 {
		t.wantLook(false)
	}
}

// full reports whether no growth may be added to what this event changes: a
// large one has several records.
func (t *turn) full() bool { return len(t.changed) >= recordsAtOnce }

// change marks a growth as changed.
func (t *turn) change(g *model.Growth) { t.changed[g.ID] = true }

// finish works on what may have become possible, then stores what changed.
func (t *turn) finish() {
	for _, id := range sortedKeys(t.queue) {
		if t.full() {
			break
		}
		delete(t.queue, id)
		if g := t.growths[id]; g != nil && g.State == model.GrowthOpen {
			t.advance(g)
		}
	}
	if len(t.queue) > 0 && !t.more {
		t.more = true
		t.timer(timerMore, moreAfter)
	}
	t.askPools()
	t.askCloud()
	t.tellStatus()
	t.tellTotals()
	if t.uninstalling && !slices.Equal(t.toldOpen, t.openGrowths()) {
		t.tellOpen()
	}
	for _, id := range sortedKeys(t.changed) {
		if g := t.growths[id]; g != nil {
			t.out.Put(growthPath(id), g)
		}
	}
	t.prune()
}

// prune forgets the oldest of too many finished growths.
func (t *turn) prune() {
	var finished []*model.Growth
	for _, id := range sortedKeys(t.growths) {
		if g := t.growths[id]; g.Finished != nil {
			finished = append(finished, g)
		}
	}
	slices.SortStableFunc(finished, func(a, b *model.Growth) int { return a.Finished.Compare(*b.Finished) })
	for i := 0; i < len(finished)-keptGrowths && i < recordsAtOnce; i++ {
		id := finished[i].ID
		delete(t.growths, id)
		delete(t.changed, id)
		t.out.Delete(growthPath(id))
	}
}

// allGrowths are the growths in the order of their ids.
func (c *Core) allGrowths() []*model.Growth {
	all := make([]*model.Growth, 0, len(c.growths))
	for _, id := range sortedKeys(c.growths) {
		all = append(all, c.growths[id])
	}
	return all
}
