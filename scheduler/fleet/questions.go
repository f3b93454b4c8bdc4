package fleet

import (
	"slices"
	"strings"

	"scaleio-framework/internal/core"
)

// questions are the tasks whose state Mesos was asked for and has not told.
// A master that has just taken over does not answer before the agent is back,
// so each question is repeated until it does.
type questions struct {
	open   map[string]string // task id -> agent id
	rounds int               // repetitions since the last new question
}

// ask asks about the host's task at once, unless a question is open.
func (t *turn) ask(h *host) {
	if _, open := t.questions.open[h.node.Launch.TaskID]; !open {
		t.askAnew(h)
	}
}

func (t *turn) askAnew(h *host) {
	ref := core.TaskRef{TaskID: h.node.Launch.TaskID, AgentID: h.node.Launch.AgentID}
	t.questions.open[ref.TaskID] = ref.AgentID
	if t.subscribed {
		t.asked = append(t.asked, ref)
	}
}

// askSoon asks at the first round of the back-off.
func (t *turn) askSoon(h *host) {
	t.questions.open[h.node.Launch.TaskID] = h.node.Launch.AgentID
	t.questions.rounds = 0
	t.armQuestions()
}

// sendQuestions ends a turn.
func (t *turn) sendQuestions() {
	if len(t.asked) == 0 {
		return
	}
	slices.SortFunc(t.asked, func(a, b core.TaskRef) int { return strings.Compare(a.TaskID, b.TaskID) })
	t.out.Do(core.Reconcile{Tasks: slices.Compact(t.asked)})
	t.questions.rounds = 0
	t.armQuestions()
}

func (t *turn) armQuestions() {
	t.timer(timerReconcile, t.options.Reconcile.after(t.questions.rounds))
}

// askAgain repeats what is not answered. Before the first subscription it
// rests: that asks everything anew.
func (t *turn) askAgain() {
	if !t.subscribed || len(t.questions.open) == 0 {
		return
	}
	refs := make([]core.TaskRef, 0, len(t.questions.open))
	for _, id := range sortedKeys(t.questions.open) {
		refs = append(refs, core.TaskRef{TaskID: id, AgentID: t.questions.open[id]})
	}
	t.out.Do(core.Reconcile{Tasks: refs})
	t.questions.rounds++
	t.armQuestions()
}

// askAll finds, now and then, tasks of ours that no record names, and live
// ones of ours that Mesos forgot.
func (t *turn) askAll() {
	t.timer(timerImplicit, t.options.ImplicitReconcile)
	if !t.subscribed {
		return
	}
	t.out.Do(core.Reconcile{})
	for _, name := range sortedKeys(t.hosts) {
		if h := t.hosts[name]; h.served() {
			t.askAnew(h)
		}
	}
}
