package fleet

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// maxInventory is the largest inventory that is stored, in bytes of compact
// JSON: indented and with the rest of the record it must stay below
// model.MaxRecord.
const maxInventory = model.MaxRecord / 2

// takeData reads what an update carries. Reports are facts about the host,
// whichever launch they come from; an inventory counts only if it is current.
func (t *turn) takeData(h *host, e core.TaskUpdated, current bool) {
	if e.State != taskRunning || len(e.Data) == 0 {
		return
	}
	envelope, err := nodeproto.ParseEnvelope(e.Data)
	if err != nil {
		t.refuse(h, "status update of "+e.TaskID, err)
		return
	}
	if current {
		t.heard(h)
	}
	t.takeEnvelope(h, envelope, current)
}

// messageReceived takes an executor message. The executor's id names the host;
// the agent must be that of the last launch.
func (t *turn) messageReceived(e core.MessageReceived) {
	name, ok := strings.CutPrefix(e.ExecutorID, executorPrefix)
	h := t.hosts[name]
	if !ok || h == nil || h.node.Launch == nil || h.node.Launch.AgentID != e.AgentID || h.endedForGood() {
		return
	}
	t.heard(h)
	if h.node.State == model.TaskUnreachable || h.node.State == model.TaskEnded {
		t.ask(h) // it speaks, so it may be back
	}
	envelope, err := nodeproto.ParseEnvelope(e.Data)
	if err != nil {
		t.refuse(h, "message", err)
		return
	}
	t.takeEnvelope(h, envelope, true)
}

func (t *turn) takeEnvelope(h *host, envelope nodeproto.Envelope, current bool) {
	switch {
	case envelope.Report != nil:
		t.out.Tell(core.NodeReported{Host: h.name, Report: *envelope.Report})
	case envelope.Inventory != nil && current && envelope.Seq >= h.inventorySeq:
		h.inventorySeq = envelope.Seq
		t.takeInventory(h, envelope.Inventory)
	case envelope.Refusal != nil && current:
		if envelope.Refusal.Reason == nodeproto.StaleEpoch && envelope.Epoch > t.epoch {
			t.out.Do(core.RaiseEpoch{Above: envelope.Epoch})
		}
		t.out.Tell(core.NodeRefused{Host: h.name, Highest: envelope.Epoch, Refusal: *envelope.Refusal})
	}
}

func (t *turn) takeInventory(h *host, inventory *model.Inventory) {
	if reflect.DeepEqual(h.node.Inventory, inventory) {
		return
	}
	data, err := json.Marshal(inventory)
	if err == nil && len(data) > maxInventory {
		err = fmt.Errorf("inventory of %d bytes is larger than %d", len(data), maxInventory)
	}
	if err != nil {
		t.refuse(h, "inventory", err)
		return
	}
	h.node.Inventory = inventory
	t.store(h)
	if h.node.State == model.TaskRunning {
		t.tellUp(h)
	}
}

// refuse records what could not be used, once for each reason.
func (t *turn) refuse(h *host, what string, err error) {
	reason := nodeproto.Shorten(strings.ToValidUTF8(err.Error(), "?"))
	if old := h.node.Refused; old != nil && old.What == what && old.Reason == reason {
		return
	}
	h.node.Refused = &model.Refused{What: what, Reason: reason, At: t.now.UTC()}
	t.store(h)
	t.tellUnusable(h)
}

// tellUnusable tells of a host that never described itself well enough.
func (t *turn) tellUnusable(h *host) {
	if h.node.Inventory == nil && h.node.Refused != nil {
		t.out.Tell(core.NodeUnusable{Host: h.name, Reason: h.node.Refused.Reason})
	}
}

// agentFailed hears that Mesos removed an agent: its node agents cannot be
// spoken to. What became of their tasks the updates tell. The end of an
// executor alone is told by its task's update.
func (t *turn) agentFailed(e core.AgentFailed) {
	if e.ExecutorID != "" {
		return
	}
	for _, name := range sortedKeys(t.byAgent[e.AgentID]) {
		h := t.hosts[name]
		if h.up {
			h.up = false
			t.out.Tell(core.NodeDown{Host: name, Reason: "Mesos removed agent " + e.AgentID})
		}
		if h.served() {
			t.ask(h)
		}
	}
}
