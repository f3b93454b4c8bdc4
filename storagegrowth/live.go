package storagegrowth

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// live is what is known of a slot in this term only. None of it is needed to
// go on: a new leader asks.
type live struct {
	// unmade says that nobody can have made the volume: its intent was
	// committed in this term and nothing was asked for yet.
	unmade bool
	// verify says that the volume must be looked for by its tags before it is
	// asked for again.
	verify bool
	// op is the call that is open, sent when.
	op   core.CloudOp
	sent time.Time
	// gateway says that a gateway call is open, sent when.
	gateway bool
	// need is the time after which a look tells what is so now.
	need time.Time
	// pause is the end of a back-off that does not count; pauses its number.
	pause  time.Time
	pauses int

	volume    *core.CloudVolume // as an answer to its own call showed it
	mismatch  time.Time         // since when a burnt token is suspected
	gone      time.Time         // since when the provider does not show it
	lost      time.Time         // since when it does not show its instance
	attaching time.Time         // since when it is attaching
	detaching time.Time         // since when it is detaching
	attached  time.Time         // when the provider took the attachment
	asked     time.Time         // when the node was asked last
	asks      int
}

// live gives what is known of a slot, made on first use.
func (t *turn) live(g *model.Growth, index int) *live {
	key := slotKey{g.ID, index}
	l := t.slots[key]
	if l == nil {
		l = &live{need: t.look.need}
		t.slots[key] = l
	}
	return l
}

// work is one slot under hand.
type work struct {
	*turn
	g *model.Growth
	s *model.GrowthSlot
	l *live
	// wake is when to look at the slot again by itself.
	wake time.Time
}

func (w *work) changed() {
	w.change(w.g)
	w.stir()
}

// enter changes the slot's state.
func (w *work) enter(state model.SlotState) {
	w.s.State, w.s.Since = state, w.now
	if w.s.Over() {
		w.countVolume(state)
	}
	w.s.Attempts, w.s.NotBefore, w.s.Error = 0, nil, ""
	*w.l = live{need: w.l.need, volume: w.l.volume}
	w.changed()
}

// end closes the slot with a reason.
func (w *work) end(state model.SlotState, format string, args ...any) {
	attempts := w.s.Attempts
	w.enter(state)
	w.s.Attempts, w.s.Error = attempts, shorten(fmt.Sprintf(format, args...))
}

// failed counts a failure and delays the next try.
func (w *work) failed(text string) {
	w.s.Attempts++
	w.s.Error = shorten(text)
	at := w.now.Add(doubled(w.options.Backoff, w.options.BackoffMax, w.s.Attempts-1))
	w.s.NotBefore = &at
	w.changed()
}

// exhausted reports whether the attempts of this state are used up.
func (w *work) exhausted() bool { return w.s.Attempts >= w.options.MaxAttempts }

// later delays the next try without counting; it is not recorded.
func (w *work) later() {
	w.l.pause = w.now.Add(doubled(w.options.Backoff, w.options.BackoffMax, w.l.pauses))
	w.l.pauses++
}

// wakeAt asks for another look at the slot.
func (w *work) wakeAt(at time.Time) {
	if w.wake.IsZero() || at.Before(w.wake) {
		w.wake = at
	}
}

// cloud asks the provider for one thing that the committed slot says.
func (w *work) cloud(op core.CloudOp) {
	w.l.op, w.l.sent, w.l.unmade, w.l.verify = op, w.now, false, false
	call := core.CloudCall{Op: op, Growth: w.g.ID, Slot: w.s.Index, VolumeID: w.s.VolumeID, InstanceID: w.s.InstanceID}
	switch op {
	case core.CloudCreate, core.CloudFindByTag:
		call.Request = w.s.Request
	case core.CloudAttach, core.CloudDetach:
		call.Device = w.s.Device
	}
	w.out.Do(call)
	w.wakeAt(w.now.Add(w.options.CallTimeout))
}

// advance does for each slot of an open growth what can be done now, and
// closes the growth when nothing is left to do.
func (t *turn) advance(g *model.Growth) {
	var wake time.Time
	for i := 0; i < len(g.Slots); i++ { // a replacement may be appended
		if g.Slots[i].Over() {
			continue
		}
		w := &work{turn: t, g: g, s: &g.Slots[i], l: t.live(g, i)}
		w.step()
		if !w.wake.IsZero() && (wake.IsZero() || w.wake.Before(wake)) {
			wake = w.wake
		}
	}
	t.close(g)
	if !wake.IsZero() && g.State == model.GrowthOpen {
		t.timer(timerSlots+g.ID, wake.Sub(t.now))
	}
}

// step does what can be done for the slot now.
func (w *work) step() {
	if w.parked() {
		return
	}
	until := w.l.pause
	if w.s.NotBefore != nil && w.s.NotBefore.After(until) {
		until = *w.s.NotBefore
	}
	if until.After(w.now) {
		w.wakeAt(until)
		return
	}
	if w.l.op != "" || w.l.gateway {
		if due := w.l.sent.Add(w.options.CallTimeout); due.After(w.now) {
			w.wakeAt(due)
			return
		}
		// Nobody answered: what became of it is asked first.
		w.l.op, w.l.gateway, w.l.verify, w.l.need = "", false, true, w.now
	}
	switch w.s.State {
	case model.SlotPlanned:
		if w.g.Provider == ProviderManual {
			w.await()
		} else {
			w.create()
		}
	case model.SlotCreated:
		w.attach()
	case model.SlotAttached:
		w.locate()
	case model.SlotLocated:
		w.add()
	case model.SlotAdded:
		w.confirm()
	case model.SlotRollingBack:
		w.remove()
	}
}

// parked parks the slot when its node is lost, or is another instance now.
func (w *work) parked() bool {
	h := w.hosts[w.s.Host]
	if h == nil {
		w.hosts[w.s.Host] = &host{since: w.now}
		return false
	}
	if h.up && w.s.InstanceID != "" && h.inventory != nil && h.inventory.Cloud != nil && h.inventory.Cloud.InstanceID != w.s.InstanceID {
		w.end(model.SlotParked, "host %s is instance %s now, the volume was planned for %s: %s", w.s.Host, h.inventory.Cloud.InstanceID, w.s.InstanceID, w.leftBehind())
		return true
	}
	if !h.up && w.now.Sub(h.since) >= w.options.ParkAfter {
		w.end(model.SlotParked, "host %s has been out of reach for %s: %s", w.s.Host, w.options.ParkAfter, w.leftBehind())
		return true
	}
	if !h.up {
		w.wakeAt(h.since.Add(w.options.ParkAfter))
	}
	return false
}

// leftBehind says what an operator should look for.
func (w *work) leftBehind() string {
	if w.s.VolumeID == "" {
		return "no volume of it is known"
	}
	return fmt.Sprintf("volume %s is left as it is; order growth-retry when the node is back", w.s.VolumeID)
}

// close ends the growth when every slot is over.
func (t *turn) close(g *model.Growth) {
	state := model.GrowthDone
	for i := range g.Slots {
		s := &g.Slots[i]
		switch {
		case !s.Over():
			return
		case s.State != model.SlotDone && !replaced(g, s):
			state = model.GrowthPartial
		}
	}
	now := t.now
	g.State, g.Finished = state, &now
	t.change(g)
	t.countFinished(t.parts(g.ID))
	for i := range g.Slots {
		delete(t.slots, slotKey{g.ID, i})
	}
	t.wantRead()
	if state == model.GrowthPartial && g.Provider == ProviderAWS {
		t.wantLook(true) // what is left behind is reported
	}
}

// replaced reports whether nothing is left of a slot and another stands in for
// it.
func replaced(g *model.Growth, s *model.GrowthSlot) bool {
	return s.State == model.SlotRolledBack && hasStandIn(g, s)
}

// hasStandIn reports whether another slot was appended for this one.
func hasStandIn(g *model.Growth, s *model.GrowthSlot) bool {
	return slices.ContainsFunc(g.Slots, func(other model.GrowthSlot) bool {
		return other.Request.Tags[TagReplaces] == fmt.Sprint(s.Index)
	})
}

// maxError bounds an error text in a slot, in bytes: a record holds many.
const maxError = 300

// shorten cuts a text to maxError bytes.
func shorten(text string) string {
	if len(text) <= maxError {
		return text
	}
	cut := text[:maxError-6]
	for len(cut) > 0 && cut[len(cut)-1]&0xC0 == 0x80 {
		cut = cut[:len(cut)-1]
	}
	if len(cut) > 0 && cut[len(cut)-1] >= 0xC0 {
		cut = cut[:len(cut)-1]
	}
	return cut + " [cut]"
}

// encode is for parameter structs, which always encode.
func encode(params any) json.RawMessage {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil
	}
	return raw
}

// hostUp reports whether the slot's node agent can be spoken to.
func (w *work) hostUp() bool {
	h := w.hosts[w.s.Host]
	return h != nil && h.up
}

// ask asks the slot's node agent where the volume's block device is.
func (w *work) ask() {
	step := nodeproto.QuestionLocate + "/" + w.s.VolumeID
	params := encode(nodeproto.LocateParams{Serial: w.s.VolumeID, Device: w.s.Device})
	w.out.Do(core.SendCommand{
		Host: w.s.Host, Address: w.hosts[w.s.Host].address,
		Command: nodeproto.Command{V: nodeproto.Version, Kind: nodeproto.Ask, Step: step, Attempt: 1, Params: params, Digest: nodeproto.DigestOf(step, params)},
	})
}
