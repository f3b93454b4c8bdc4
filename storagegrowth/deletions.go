package storagegrowth

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"scaleio-framework/internal/core"
)

// Deletion is the intent to delete an orphan.
type Deletion struct {
	Volume string    `json:"volume"`
	By     string    `json:"by"`
	At     time.Time `json:"at"`
	// Error is why the provider has not deleted it yet.
	Error string `json:"error,omitempty"`

	asked time.Time // last, in this term
}

const (
	maxDeletions = 50
	// deletionsPrefix and a volume's id take the place of a growth's id in
	// calls for orphans.
	deletionsPrefix = "orphans/"
	// deletionEvery is the least time between two requests for one deletion: one
	// that is refused needs an operator, and not the provider's patience.
	deletionEvery = sweepEvery
)

// deleteOrphan deletes a volume that is proven to be nobody's: its deletion is
// recorded first.
func (t *turn) deleteOrphan(p *pending) error {
	id := p.order.Volume
	switch {
	case t.status == nil:
		return errors.New("/growth-status is unreadable: remove it, let another scheduler lead, then repeat this order")
	case slices.ContainsFunc(t.status.Deletions, func(d Deletion) bool { return d.Volume == id }):
		return nil
	case len(t.status.Deletions) >= maxDeletions:
		return fmt.Errorf("%d deletions are under way: wait", maxDeletions)
	case t.read.at.Before(p.since):
		t.wantRead()
		return waits{"the pools have not been read since it was given: " + orElse(t.read.err, "no gateway has answered yet")}
	case t.look.answered.Before(p.since):
		t.wantLook(true)
		return waits{"the provider has not answered: " + orElse(t.look.err, "it was asked just now")}
	}
	if err := t.deletable(id); err != nil {
		return err
	}
	t.status.Deletions = append(slices.Clone(t.status.Deletions), Deletion{Volume: id, By: orSomebody(p.order.By), At: t.now})
	t.storeNow = true
	t.askDeletion(&t.status.Deletions[len(t.status.Deletions)-1])
	return nil
}

// deletable says why a volume must not be deleted.
func (t *turn) deletable(id string) error {
	at := slices.IndexFunc(t.look.ours, func(v core.CloudVolume) bool { return v.ID == id })
	if at < 0 {
		return fmt.Errorf("volume %s does not bear the tag of this installation: it is not ours to delete", id)
	}
	v := t.look.ours[at]
	switch {
	case t.accounted(v):
		return fmt.Errorf("volume %s belongs to growth %s or is on its way out", id, v.Tags[TagGrowth])
	case !t.noDevice(id):
		return fmt.Errorf("volume %s is a device of a storage pool, or the pools cannot be read", id)
	case len(v.Attachments) > 0:
		return fmt.Errorf("volume %s is attached to instance %s: detach it first", id, v.Attachments[0].InstanceID)
	case v.State != "available" && v.State != "error":
		return fmt.Errorf("volume %s is %s, want available", id, v.State)
	}
	return nil
}

// askDeletion asks for a deletion that is recorded.
func (t *turn) askDeletion(d *Deletion) {
	d.asked = t.now
	t.out.Do(core.CloudCall{Op: core.CloudDelete, Growth: deletionsPrefix + d.Volume, VolumeID: d.Volume})
	t.wantLook(false)
}

// finishDeletions compares the deletions that were ordered with what the
// provider shows, and repeats those that did not come through.
func (t *turn) finishDeletions() {
	if t.status == nil || len(t.status.Deletions) == 0 {
		return
	}
	before := len(t.status.Deletions)
	t.status.Deletions = slices.DeleteFunc(slices.Clone(t.status.Deletions), t.deletionOver)
	for i := range t.status.Deletions {
		d := &t.status.Deletions[i]
		due := d.asked.IsZero() || t.now.Sub(d.asked) >= deletionEvery
		switch {
		case due && t.look.answered.After(d.At) && t.deletable(d.Volume) == nil:
			t.askDeletion(d)
		case d.Error == "":
			t.wantLook(false)
		}
	}
	if len(t.status.Deletions) != before {
		t.storeNow = true
	}
}

// deletionOver reports whether nothing more is to be done for a deletion: the
// volume is gone, or in use again and an orphan no more. Pools that cannot be
// read say nothing of that (R8).
func (t *turn) deletionOver(d Deletion) bool {
	if !t.look.answered.After(d.At) {
		return false
	}
	at := slices.IndexFunc(t.look.ours, func(v core.CloudVolume) bool { return v.ID == d.Volume })
	return at < 0 || t.look.ours[at].State != "deleting" && t.poolsKnown() && t.deletable(d.Volume) != nil
}

// deletionAnswered tells why a deletion was refused, and looks whether one that
// was taken came through.
func (t *turn) deletionAnswered(volume string, e core.CloudAnswered) {
	if t.status == nil {
		return
	}
	at := slices.IndexFunc(t.status.Deletions, func(d Deletion) bool { return d.Volume == volume })
	if at < 0 {
		return
	}
	text := ""
	if e.Err != "" {
		text = shorten(describe(e))
	} else {
		t.stir()
		t.wantLook(false)
	}
	if d := &t.status.Deletions[at]; d.Error != text {
		d.Error = text
		t.storeNow = true
	}
}
