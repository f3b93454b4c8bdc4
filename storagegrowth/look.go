package storagegrowth

import (
	"slices"
	"strconv"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// look is what the provider showed last: one question for everything, however
// many volumes there are.
type look struct {
	wanted bool // there is something to ask
	pools  bool // for a decision: the instances of all nodes too
	need   time.Time
	timer  bool
	due    time.Time // not before
	quiet  int       // looks in a row in which nothing changed

	sent      time.Time // of the question that is open; zero when none is
	asked     core.CloudCall
	answered  time.Time // when the question of the last good answer was sent
	volumes   map[string]core.CloudVolume
	shown     map[string]bool // ids that the answer spoke of, there or not
	ours      []core.CloudVolume
	instances map[string]core.CloudInstance
	covered   map[string]bool // instances that the answer spoke of
	err       string
}

// wantLook asks for a look; with all, at the instances of every node.
func (t *turn) wantLook(all bool) {
	t.look.wanted = true
	t.look.pools = t.look.pools || all
}

// stir resets the pace of looking: something has just changed.
func (t *turn) stir() {
	t.look.quiet = 0
	if soon := t.now.Add(t.options.Poll); t.look.due.After(soon) {
		t.look.due, t.look.timer = soon, false
	}
}

// askCloud releases the question, one at a time and at a pace that slows down
// while nothing changes.
func (t *turn) askCloud() {
	l := &t.look
	if !l.wanted || t.uuid == "" {
		return
	}
	if !l.sent.IsZero() && t.now.Sub(l.sent) < t.options.CallTimeout {
		return // its answer asks again
	}
	if t.now.Before(l.due) {
		if !l.timer {
			l.timer = true
			t.timer(timerLook, l.due.Sub(t.now))
		}
		return
	}
	call := core.CloudCall{Op: core.CloudLook, Tags: map[string]string{TagFramework: t.uuid}}
	volumes, instances := make(map[string]bool), make(map[string]bool)
	for _, g := range t.growths {
		if g.State != model.GrowthOpen || g.Provider != ProviderAWS {
			continue
		}
		for i := range g.Slots {
			t.lookFor(&g.Slots[i], volumes, instances)
		}
	}
	if l.pools {
		for _, h := range t.hostFacts() {
			if h.InstanceID != "" {
				instances[h.InstanceID] = true
			}
		}
	}
	call.VolumeIDs, call.InstanceIDs = sortedKeys(volumes), sortedKeys(instances)
	l.wanted, l.pools, l.sent, l.asked = false, false, t.now, call
	l.due = t.now.Add(doubled(t.options.Poll, t.options.PollMax, l.quiet))
	l.quiet++
	t.out.Do(call)
	if !l.timer {
		l.timer = true
		t.timer(timerLook, t.options.CallTimeout)
	}
}

// lookFor adds what a slot needs to see. The tags find every volume of ours;
// only one that was not among them is asked for by its id.
func (t *turn) lookFor(s *model.GrowthSlot, volumes, instances map[string]bool) {
	if s.Over() {
		return
	}
	instances[s.InstanceID] = true
	if s.VolumeID != "" && !slices.ContainsFunc(t.look.ours, func(v core.CloudVolume) bool { return v.ID == s.VolumeID }) {
		volumes[s.VolumeID] = true
	}
}

// looked takes the answer of a look. Only that of the open question counts: its
// facts are those of the moment when it was sent, or later.
func (t *turn) looked(e core.CloudAnswered) {
	l := &t.look
	if l.sent.IsZero() || !e.At.IsZero() && e.At.Before(l.sent) {
		return
	}
	sent, asked := l.sent, l.asked
	l.sent, l.timer = time.Time{}, false
	if e.Err != "" {
		l.err = shorten(string(e.Err) + ": " + e.Text)
		l.wanted = true
		l.pools = true
		t.tryPreviews(true)
		return
	}
	l.err, l.answered = "", sent
	l.volumes, l.shown = make(map[string]core.CloudVolume), make(map[string]bool)
	l.instances, l.covered = make(map[string]core.CloudInstance), make(map[string]bool)
	for _, id := range asked.VolumeIDs {
		l.shown[id] = true
	}
	for _, id := range asked.InstanceIDs {
		l.covered[id] = true
	}
	l.ours = e.ByTag
	for _, v := range slices.Concat(e.Volumes, e.ByTag) {
		l.volumes[v.ID], l.shown[v.ID] = v, true
	}
	for _, i := range e.Instances {
		l.instances[i.ID] = i
	}
	t.queueAll()
	t.decideAll()
	t.tryOrders()
	t.tryPreviews(false)
	t.finishDeletions()
}

// cloudFor is what a decision may stand on: an answer of now, younger than any
// growth, that speaks of the instances of all fault units of the pool.
func (t *turn) cloudFor(s Situation) *Cloud {
	l := &t.look
	if l.answered.IsZero() || !l.answered.After(t.opened) || t.now.Sub(l.answered) > staleAfter(s.Policy.Interval) {
		return nil
	}
	for _, unit := range s.Pool.Units {
		for _, sds := range unit.SDSs {
			if id := s.Hosts[sds.Host].InstanceID; id != "" && !l.covered[id] {
				return nil
			}
		}
	}
	return &Cloud{At: l.answered, Instances: l.instances, Ours: l.ours}
}

// byIntent are the volumes that bear the tags of a slot.
func (l *look) byIntent(g *model.Growth, s *model.GrowthSlot) []core.CloudVolume {
	var found []core.CloudVolume
	for _, v := range l.ours {
		if isIntent(v, g.ID, s.Index) {
			found = append(found, v)
		}
	}
	return found
}

func isIntent(v core.CloudVolume, growth string, index int) bool {
	return v.Tags[TagGrowth] == growth && v.Tags[TagSlot] == strconv.Itoa(index)
}
