package fleet

import (
	"fmt"

	"scaleio-framework/internal/model"
)

// silentNote is what a record says of a node agent that gives no sign of life.
// Nothing else follows: Mesos decides whether a task lives.
func (f *Fleet) silentNote() string {
	return fmt.Sprintf("no message from the node agent for %s", f.options.MessageSilence)
}

func (t *turn) watchSilence() {
	if !t.watching {
		t.watching = true
		t.timer(timerSilence, t.options.MessageSilence)
	}
}

// checkSilence walks all hosts once per MessageSilence, which is cheaper than
// a timer for each sign of life.
func (t *turn) checkSilence() {
	next := t.options.MessageSilence
	defer func() { t.timer(timerSilence, next) }()
	if t.disconnected {
		return
	}
	noted := 0
	for _, name := range sortedKeys(t.hosts) {
		h := t.hosts[name]
		last := h.contact
		if last.Before(t.listening) {
			last = t.listening
		}
		_, note := splitReason(h.node.Reason)
		if h.node.State == model.TaskRunning && note == "" && t.now.Sub(last) >= t.options.MessageSilence {
			if noted == maxHosts {
				next = crowdedRefuse // the rest in another commit
				return
			}
			noted++
			t.note(h, t.silentNote())
		}
	}
}

// heard notes a sign of life. It is stored only with the next other change,
// or when it ends a silence.
func (t *turn) heard(h *host) {
	h.contact = t.now
	if _, note := splitReason(h.node.Reason); note == noteMark+t.silentNote() {
		t.note(h, "")
	}
}
