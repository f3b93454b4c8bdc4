package fleet

import (
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// host is a record with what is known of it in this term only.
type host struct {
	name string
	node *model.Node

	indexed string       // agent id under which Fleet.byAgent has it
	held    []core.Offer // not answered yet
	watched bool         // a timer ends the holding
	changed bool         // in this turn
	up      bool         // NodeUp was told, and no NodeDown since
	// inventorySeq is the sequence of the newest inventory of this launch.
	inventorySeq uint64
	contact      time.Time // last sign of life; zero when none came in this term
	failures     int       // ends in a row that count for the back-off
	notBefore    time.Time // no launch before
}

// served reports whether a task of the host lives, or may live.
func (h *host) served() bool {
	switch h.node.State {
	case model.TaskLaunching, model.TaskRunning, model.TaskUnreachable:
		return true
	}
	return false
}

// number is that of the last launch, 0 before the first.
func (h *host) number() int {
	if h.node.Launch == nil {
		return 0
	}
	return h.node.Launch.Number
}

// noteMark separates the words of Mesos in a record's reason from our own.
const noteMark = "note: "

// splitReason takes our note off a reason.
func splitReason(reason string) (words, note string) {
	if strings.HasPrefix(reason, noteMark) {
		return "", reason
	}
	words, note, ok := strings.Cut(reason, "; "+noteMark)
	if !ok {
		return reason, ""
	}
	return words, noteMark + note
}

// note puts a note behind the words of Mesos; an empty one removes it.
func (t *turn) note(h *host, text string) {
	reason, _ := splitReason(h.node.Reason)
	if text != "" {
		if reason != "" {
			reason += "; "
		}
		reason += noteMark + text
	}
	if reason != h.node.Reason {
		h.node.Reason = reason
		t.store(h)
	}
}

// become changes the state of a host; words are those of Mesos.
func (t *turn) become(h *host, state model.TaskState, words string) {
	if h.node.State == state {
		return
	}
	h.node.State, h.node.Reason, h.node.Since = state, words, t.now.UTC()
	t.store(h)
	if state != model.TaskRunning && h.up {
		h.up = false
		t.out.Tell(core.NodeDown{Host: h.name, Reason: words})
	}
}

// bringUp tells that the node agent can be spoken to, once. A launch blanks
// the public key, which dies with the old process: without one the inventory
// is from before.
func (t *turn) bringUp(h *host) {
	if h.node.State == model.TaskRunning && !h.up && h.node.Inventory != nil && h.node.Inventory.PublicKey != "" {
		t.tellUp(h)
	}
}

func (t *turn) tellUp(h *host) {
	h.up = true
	t.out.Tell(core.NodeUp{
		Host:       h.name,
		Address:    address(h.node),
		Inventory:  h.node.Inventory,
		Attributes: h.node.Attributes,
	})
}
