package storagegrowth

import (
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// create makes the volume of a planned slot, after it has made sure that there
// is none.
func (w *work) create() {
	switch {
	case w.l.volume != nil && w.l.volume.State == "creating":
		w.watchCreation()
	case w.l.unmade:
		w.order()
	case w.l.verify || !w.l.mismatch.IsZero():
		w.cloud(core.CloudFindByTag)
	case w.look.answered.Before(w.l.need) || w.look.answered.IsZero():
		w.wantLook(false)
	default:
		w.found(w.look.byIntent(w.g, w.s))
	}
}

// order asks for the volume. While its node is out of reach nothing is made
// for it.
func (w *work) order() {
	if w.hostUp() {
		w.cloud(core.CloudCreate)
	}
}

// found acts on the volumes that bear the slot's tags.
func (w *work) found(volumes []core.CloudVolume) {
	volumes = slices.DeleteFunc(slices.Clone(volumes), func(v core.CloudVolume) bool { return v.State == "deleting" || v.State == "deleted" })
	switch len(volumes) {
	case 0:
		w.none()
	case 1:
		w.adopt(volumes[0])
	default:
		w.end(model.SlotFailed, "%d volumes bear the tags of this slot (%s, %s ...): look at them in EC2 and delete the ones that are not in use; nothing is done with them", len(volumes), volumes[0].ID, volumes[1].ID)
	}
}

// none goes on when no volume bears the slot's tags.
func (w *work) none() {
	switch waited := w.now.Sub(w.l.mismatch); {
	case w.exhausted():
		w.end(model.SlotFailed, "no volume was made: %s", w.s.Error)
	case w.l.mismatch.IsZero():
		w.order()
	case waited < w.options.MismatchWait:
		// EC2 lists what it has made with a delay.
		w.later()
		w.wakeAt(w.l.pause)
	default:
		// Nothing was made with this token, and nothing can be: EC2 refuses it.
		w.s.Request.Token = nextToken(w.s.Request.Token)
		w.failed("EC2 would not take the token again although it made no volume with it (a creation that failed afterwards burns it): look at --growth.kms-key and at the account's limits")
		w.s.NotBefore = nil
		*w.l = live{need: w.l.need}
		if w.exhausted() {
			w.end(model.SlotFailed, "no volume was made: %s", w.s.Error)
			return
		}
		w.order()
	}
}

// adopt takes a volume for the slot's own.
func (w *work) adopt(v core.CloudVolume) {
	w.l.volume = &v
	switch v.State {
	case "available", "in-use":
		w.s.VolumeID = v.ID
		w.enter(model.SlotCreated)
		w.attach()
	case "creating", "":
		w.l.volume.State = "creating"
		w.l.unmade, w.l.verify, w.l.need = false, false, w.now
		w.wantLook(false)
	case "error":
		w.s.VolumeID = v.ID
		w.countFailure(FailureVolumeBad)
		w.rollBack(true, fmt.Sprintf("EC2 could not make volume %s; look at --growth.kms-key and at the account's limits", v.ID))
	default: // deleting, deleted: the token belongs to a volume that is no more
		w.l.volume, w.l.unmade, w.l.verify = nil, false, true
		if w.l.mismatch.IsZero() {
			w.l.mismatch = w.now
		}
		w.later()
		w.wakeAt(w.l.pause)
	}
}

// watchCreation waits until a volume that is being created is available.
func (w *work) watchCreation() {
	if w.look.answered.Before(w.l.need) {
		w.wantLook(false)
		return
	}
	v, shown := w.look.volumes[w.l.volume.ID]
	switch {
	case shown && v.State != "creating":
		w.adopt(v)
	case !shown && w.believed(&w.l.gone):
		// A creation that failed afterwards leaves nothing.
		w.l.volume = nil
		w.l.verify = true
		w.countFailure(FailureVanished)
		w.failed(fmt.Sprintf("EC2 gave volume %s up again; look at --growth.kms-key and at the account's limits", w.s.Request.Tags[tagName]))
		w.wakeAt(*w.s.NotBefore)
	default:
		if w.now.Sub(w.s.Since) >= w.options.AppearWithin {
			w.say(fmt.Sprintf("EC2 still shows volume %s as creating: look at it there; it is waited for", w.l.volume.ID))
		}
		w.wantLook(false)
	}
}

// believed reports whether looks have not shown something for long enough to
// believe that it is gone: the provider lists what is new with a delay.
func (w *work) believed(since *time.Time) bool {
	if since.IsZero() {
		*since = w.look.answered
	}
	return w.look.answered.Sub(*since) >= w.options.GoneAfter
}

// created takes the answer to CloudCreate.
func (w *work) created(e core.CloudAnswered) {
	if e.Err == "" && len(e.Volumes) == 1 {
		w.l.op = ""
		w.adopt(e.Volumes[0])
		return
	}
	if !w.answers(core.CloudCreate) {
		return
	}
	// EC2 forgets a token when its replay would exceed a limit, so that even a
	// refusal may concern a volume that is there.
	w.l.verify = true
	if e.Err != core.CloudMismatch {
		w.refused(e)
		return
	}
	if w.l.mismatch.IsZero() {
		w.l.mismatch = w.now
	}
	w.l.pauses = 0
}

// foundByTag takes the answer to CloudFindByTag.
func (w *work) foundByTag(e core.CloudAnswered) {
	if !w.answers(core.CloudFindByTag) {
		return
	}
	if e.Err != "" {
		w.l.verify = true
		w.note(e)
		w.later()
		return
	}
	w.found(e.Volumes)
}

// toldAfter is after how many tries in a row it is told that the provider
// throttles them: what passes at once is none of an operator's business.
const toldAfter = 5

// note shows an error that does not count, and is repeated for ever; not while
// the volume is removed, when it is told why.
func (w *work) note(e core.CloudAnswered) {
	if !w.s.Detaching && (e.Err != core.CloudThrottled || w.l.pauses >= toldAfter) {
		w.say(describe(e))
	}
}

// answers reports whether an answer is that of the open call. A late one is
// dropped: what it was about has been asked already.
func (w *work) answers(op core.CloudOp) bool {
	if w.l.op != op {
		return false
	}
	w.l.op = ""
	return true
}

// refused takes the error of a call: what passes by itself is tried again later,
// everything else counts.
func (w *work) refused(e core.CloudAnswered) {
	switch e.Err {
	case core.CloudThrottled, core.CloudUnknown, "":
		w.note(e)
		w.later()
	default:
		w.failed(describe(e))
	}
}

func describe(e core.CloudAnswered) string {
	if e.Text == "" {
		return fmt.Sprintf("%s: %s", e.Op, e.Err)
	}
	return fmt.Sprintf("%s: %s", e.Op, e.Text)
}
