package fleet

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// stableAfter is how long a node agent must have run for the back-off of its
// next launch to start anew.
const stableAfter = 5 * time.Minute

func (t *turn) hostWanted(e core.HostWanted) {
	t.wanted[e.Host] = e
	h := t.hosts[e.Host]
	if h == nil || h.served() {
		return // not offered yet, or unreadable, or nothing to do
	}
	t.tryLaunch(h)
	if !h.served() && len(h.held) == 0 {
		t.needOffer(h.name)
	}
}

// tryLaunch commits the next launch of a host, complete (R3, R5), if it is
// wanted, has no live task, and is offered enough.
func (t *turn) tryLaunch(h *host) {
	want, wanted := t.wanted[h.name]
	if !wanted || h.served() || len(h.held) == 0 || t.now.Before(h.notBefore) {
		return
	}
	offers := t.release(h)
	i := slices.IndexFunc(offers, func(o core.Offer) bool {
		return o.CPUs >= want.CPUs && o.MemoryMB >= want.MemoryMB
	})
	if i < 0 {
		t.decline(offerIDs(offers), t.options.DeclineUnusable)
		t.note(h, fmt.Sprintf("offered are %g CPUs and %g MiB, the node agent needs %g CPUs and %g MiB in one offer",
			offers[0].CPUs, offers[0].MemoryMB, want.CPUs, want.MemoryMB))
		return
	}
	offer := offers[i]
	t.launch(h, want, offer)
	t.decline(offerIDs(slices.Delete(offers, i, i+1)), t.jittered(h.name))
}

func (t *turn) launch(h *host, want core.HostWanted, offer core.Offer) {
	number := max(h.number(), t.highest[h.name]) + 1
	h.node.Launch = &model.Launch{
		Number:     number,
		TaskID:     taskID(h.name, number),
		ExecutorID: executorID(h.name),
		AgentID:    offer.AgentID,
		OfferID:    offer.ID,
		Persona:    want.Persona,
		CPUs:       want.CPUs,
		MemoryMB:   want.MemoryMB,
		URI:        t.options.NodeAgent.URI,
		SHA256:     t.options.NodeAgent.SHA256,
		At:         t.now.UTC(),
	}
	t.describeAgent(h, offer)
	t.become(h, model.TaskLaunching, "")
	h.inventorySeq = 0
	if h.node.Inventory != nil {
		stale := *h.node.Inventory
		stale.PublicKey = "" // it died with the process that drew it
		h.node.Inventory = &stale
	}
	t.index(h, offer.AgentID)
	delete(t.revival.needy, h.name)
	t.out.Do(core.Accept{Host: h.name, Launch: *h.node.Launch})
	t.timer(timerLaunch+h.name, t.options.LaunchTimeout)
}

// launchLate asks what became of a launch; it never launches beside it.
func (t *turn) launchLate(h *host) {
	if h.node.State == model.TaskLaunching {
		t.ask(h)
		t.timer(timerLaunch+h.name, t.options.LaunchTimeout)
	}
}

// ended takes note that the host's task is dead, and lets the next launch wait.
func (t *turn) ended(h *host, e core.TaskUpdated) {
	if h.node.State == model.TaskRunning && t.now.Sub(h.node.Since) >= stableAfter {
		h.failures = 0
	}
	if l := h.node.Launch; h.node.State == model.TaskLaunching && e.State == taskUnknown && l.OfferID != "" {
		// The ACCEPT was lost, so its offer may still be out, and Mesos does
		// not offer anew what it believes us to consider.
		t.decline([]string{l.OfferID}, t.options.Relaunch.First)
	}
	t.become(h, model.TaskEnded, words(e))
	delay := t.options.Relaunch.First
	if countsAsFailure(e) {
		delay = t.options.Relaunch.after(h.failures)
		h.failures++
	}
	h.notBefore = t.now.Add(delay)
	t.timer(timerRelaunch+h.name, delay)
}

// countsAsFailure reports whether the program itself did not keep running. A
// failed fetch is the fault of whoever serves it, and an end that only the
// master knows of is that of the agent.
func countsAsFailure(e core.TaskUpdated) bool {
	switch e.State {
	case taskFailed, taskFinished, taskKilled, taskError:
		return !strings.Contains(e.Message, "Failed to fetch")
	}
	return false
}

func (t *turn) relaunchDue(h *host) {
	if _, wanted := t.wanted[h.name]; !wanted || h.served() {
		return
	}
	held := len(h.held) > 0
	t.tryLaunch(h)
	if !held {
		t.needOffer(h.name)
	}
}
