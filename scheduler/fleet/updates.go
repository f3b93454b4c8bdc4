package fleet

import (
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// The task states of Mesos.
const (
	taskStaging     = "TASK_STAGING"
	taskStarting    = "TASK_STARTING"
	taskRunning     = "TASK_RUNNING"
	taskKilling     = "TASK_KILLING"
	taskLost        = "TASK_LOST"
	taskUnreachable = "TASK_UNREACHABLE"
	taskFailed      = "TASK_FAILED"
	taskFinished    = "TASK_FINISHED"
	taskKilled      = "TASK_KILLED"
	taskError       = "TASK_ERROR"
	taskDropped     = "TASK_DROPPED"
	taskGone        = "TASK_GONE"
	taskGoneByHand  = "TASK_GONE_BY_OPERATOR"
	taskUnknown     = "TASK_UNKNOWN"

	reasonInvalidOffers  = "REASON_INVALID_OFFERS"
	reasonReconciliation = "REASON_RECONCILIATION"
)

// life is what a task state says of a task.
type life int

const (
	unclear     life = iota // a state that this program does not know
	alive                   // it runs, or is about to
	unreachable             // it may come back alive
	dead                    // no process of it runs, as far as Mesos knows
)

func lifeOf(state, reason string) life {
	switch state {
	case taskStaging, taskStarting, taskRunning, taskKilling:
		return alive
	case taskLost, taskUnreachable:
		// An invalid offer is LOST only where PARTITION_AWARE is off, and then
		// the task never began.
		if reason == reasonInvalidOffers {
			return dead
		}
		return unreachable
	case taskFailed, taskFinished, taskKilled, taskError, taskDropped, taskGone, taskGoneByHand, taskUnknown:
		return dead
	}
	return unclear
}

// words are how a record tells a status.
func words(e core.TaskUpdated) string {
	text := strings.TrimSpace(e.State + " " + e.Reason)
	if e.Message != "" {
		text += ": " + e.Message
	}
	return nodeproto.Shorten(strings.ToValidUTF8(text, "?"))
}

// endedForGood reports whether the executor itself, or an operator, ended the
// host's task. Other ends are the master's guess and may be taken back.
func (h *host) endedForGood() bool {
	if h.node.State != model.TaskEnded {
		return false
	}
	words, _ := splitReason(h.node.Reason)
	state, _, _ := strings.Cut(words, " ")
	return final(strings.TrimSuffix(state, ":"))
}

func final(state string) bool {
	switch state {
	case taskFailed, taskFinished, taskKilled, taskError, taskGoneByHand:
		return true
	}
	return false
}

// neverBegan reports whether the master refused a launch for its offers.
func neverBegan(e core.TaskUpdated) bool {
	return e.Reason == reasonInvalidOffers && (e.State == taskDropped || e.State == taskLost)
}

func (t *turn) taskUpdated(e core.TaskUpdated) {
	delete(t.questions.open, e.TaskID)
	t.takeStatus(e)
	t.acknowledge(e)
}

// acknowledge confirms an update that has a uuid (R4).
func (t *turn) acknowledge(e core.TaskUpdated) {
	if len(e.UUID) > 0 {
		t.out.Do(core.Acknowledge{TaskID: e.TaskID, AgentID: e.AgentID, UUID: e.UUID})
	}
}

// takeStatus finds the host of an update. Only a task that is certainly not
// ours to keep is killed: an older launch than the recorded one, or one on a
// host without any record. A record that cannot be read is not absent.
func (t *turn) takeStatus(e core.TaskUpdated) {
	name, number, ok := parseTaskID(e.TaskID)
	if !ok {
		return
	}
	h := t.hosts[name]
	if h == nil {
		t.highest[name] = max(t.highest[name], number)
		if !t.unreadable[name] {
			t.killStray(e)
		}
		return
	}
	state := lifeOf(e.State, e.Reason)
	switch {
	case number < h.number():
		t.takeData(h, e, false)
		t.killStray(e)
		return
	case number > h.number() && (state == alive || state == unreachable):
		t.adopt(h, e, number)
	case number > h.number():
		t.highest[name] = max(t.highest[name], number)
		return
	}
	t.takeState(h, e, state)
}

func (t *turn) killStray(e core.TaskUpdated) {
	if lifeOf(e.State, e.Reason) == alive && e.State != taskKilling {
		t.out.Do(core.Kill{TaskID: e.TaskID, AgentID: e.AgentID})
	}
}

// adopt takes over a launch that is newer than the record: what is stored was
// restored from an older dump, and the world has gone on since.
func (t *turn) adopt(h *host, e core.TaskUpdated, number int) {
	if h.up {
		h.up = false
		t.out.Tell(core.NodeDown{Host: h.name, Reason: "replaced by " + e.TaskID})
	}
	var launch model.Launch
	if h.node.Launch != nil {
		launch = *h.node.Launch
	}
	launch.Number, launch.TaskID, launch.AgentID = number, e.TaskID, e.AgentID
	launch.ExecutorID, launch.OfferID, launch.At = executorID(h.name), "", t.now.UTC()
	h.node.Launch = &launch
	h.node.AgentID = e.AgentID
	h.node.State, h.node.Reason, h.node.Since = model.TaskLaunching, "", t.now.UTC()
	h.inventorySeq = 0
	t.index(h, e.AgentID)
	t.store(h)
}

// takeState applies the state of the host's last launch.
func (t *turn) takeState(h *host, e core.TaskUpdated, state life) {
	if h.endedForGood() {
		t.takeData(h, e, false)
		return
	}
	from := h.node.State
	switch state {
	case alive:
		t.isAlive(h, e)
		t.takeData(h, e, true)
		if e.State == taskRunning {
			t.bringUp(h)
		}
		if t.released[h.name] {
			t.dismiss(h)
		}
	case unreachable:
		t.become(h, model.TaskUnreachable, words(e))
	case dead:
		switch {
		case neverBegan(e) && from != model.TaskEnded:
			// The refusal may be that of a launch which came twice, and says
			// nothing then of the task of this id: it may live, whether it has
			// been heard of or not.
			t.ask(h)
		case from != model.TaskEnded:
			t.ended(h, e)
		case final(e.State):
			h.node.Reason = words(e) // no guess any longer
			t.store(h)
		}
	}
	// A late update may say what is no longer so; only an answer is fresh.
	doubtful := from == model.TaskUnreachable || from == model.TaskEnded || h.node.State == model.TaskUnreachable
	if doubtful && from != h.node.State && h.served() && e.Reason != reasonReconciliation {
		t.ask(h)
	}
}

func (t *turn) isAlive(h *host, e core.TaskUpdated) {
	reason := "" // or why nothing is heard of it yet
	if e.State != taskRunning {
		reason = e.State
	}
	t.become(h, model.TaskRunning, reason)
	if before, _ := splitReason(h.node.Reason); e.State == taskRunning && before != "" {
		h.node.Reason = ""
		t.store(h)
	}
	if len(h.held) > 0 {
		t.declineSurplus(h)
	}
}
