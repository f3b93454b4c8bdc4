package sim_test

import (
	"slices"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/scheduler/bootstrap"
)

// change is what a commit makes of one step.
type change struct {
	host, key string
	was, is   model.Step
	// ends are how the last attempt of was ended; retry and force are whether
	// this commit applies such an order for the step.
	ends         end
	retry, force bool
}

// checkSteps holds the steps of a record against those before.
func (w *world) checkSteps(path string, before map[string]model.Step, orders applied, held bool) {
	host, now := hostOf(path), w.intents.steps[path]
	var changed []string
	for key, step := range now {
		if !alike(before[key], step) {
			changed = append(changed, key)
		}
	}
	slices.Sort(changed)
	for _, key := range changed {
		c := change{host: host, key: key, was: before[key], is: now[key]}
		c.ends = w.endsOf(host, key, c.was.Attempt)
		c.retry = len(orders.about(host, key, model.Retry)) > 0
		c.force = len(orders.about(host, key, model.ForceComplete)) > 0
		w.checkAttempt(c, held)
		w.checkState(c)
		w.checkFailures(c)
		if c.is.Attempt > c.was.Attempt {
			w.checkNeeds(host, key, now, orders)
		}
	}
}

// alike reports whether a commit left a step as it was, as far as the rules go.
func alike(a, b model.Step) bool {
	return a.State == b.State && a.Attempt == b.Attempt && a.Failures == b.Failures && a.Digest == b.Digest && a.Reason == b.Reason
}

// endsOf are the ends of an attempt of a record's step.
func (w *world) endsOf(host, key string, attempt int) end {
	return w.intents.ends[attemptOf(host, key, attempt)]
}

// checkAttempt holds that attempts are numbered one after the other, and that
// one is an intent that does not change and begins when it may.
func (w *world) checkAttempt(c change, held bool) {
	is, was := c.is, c.was
	name := attemptOf(c.host, c.key, is.Attempt)
	if is.Attempt < was.Attempt || is.Attempt > was.Attempt+1 {
		w.violate("%s/%s goes from attempt %d to %d", c.host, c.key, was.Attempt, is.Attempt)
	}
	if is.Attempt > was.Attempt && was.Attempt > 0 {
		w.intents.over[attemptOf(c.host, c.key, was.Attempt)] = true
	}
	if is.State != model.Running {
		w.intents.over[name] = true
		return
	}
	if digest, known := w.intents.begun[name]; known && digest != is.Digest {
		w.violate("the intent %s changes", name)
	}
	w.intents.begun[name] = is.Digest
	switch {
	case is.Attempt == was.Attempt && was.State != model.Running:
		w.violate("%s was %s and runs again under its number", name, was.State)
	case is.Attempt == was.Attempt:
	case was.Attempt > 0 && c.ends == 0:
		w.violate("%s begins although nothing is known of the end of attempt %d", name, was.Attempt)
	case held:
		w.violate("%s begins although the plan is paused", name)
	case was.NotBefore != nil && is.Started.Before(*was.NotBefore) && !c.retry:
		w.violate("%s begins %s before its time", name, was.NotBefore.Sub(*is.Started).Round(time.Millisecond))
	}
}

// checkState holds that a step is what its attempts, or an operator, made of it.
func (w *world) checkState(c change) {
	is, was := c.is, c.was
	endpoint := nodeproto.Name(c.key) == nodeproto.StepVolumeDriverEndpoint
	owner := c.host + "/" + c.key
	reopened := was.Over() && !is.Over()
	if reopened && !c.retry && !endpoint {
		w.violate("%s was %s and is %s, which nobody ordered", owner, was.State, is.State)
	}
	if reopened || c.retry { // it may have been done and ordered again in one commit
		w.intents.redone[owner]++
	}
	if reopened {
		w.tally["step that was done is done again"]++
	}
	if was.State == model.Stuck && is.State != model.Stuck && !c.retry && !c.force {
		w.violate("%s was stuck and is %s, which nobody ordered", owner, is.State)
	}
	if is.State == was.State && is.Attempt == was.Attempt {
		return
	}
	ends := w.endsOf(c.host, c.key, is.Attempt)
	switch is.State {
	case model.Done:
		if forced := isForced(is) && w.intents.forced[owner]; ends&endedDone == 0 && !forced {
			w.violate("%s is done, and no attempt of it was", owner)
		} else if was.State == model.Running && ends == 0 {
			w.violate("%s is forced complete, and attempt %d may still run", owner, is.Attempt)
		}
	case model.Failed:
		if ends&endedCounted == 0 {
			w.violate("%s is failed, and attempt %d did not fail: %s", owner, is.Attempt, is.Error)
		}
		if is.NotBefore == nil || !is.NotBefore.After(*is.Finished) {
			w.violate("%s is failed, and nothing holds the next attempt back", owner)
		}
	case model.Stuck:
		w.tally["step is stuck"]++
		if ends&endedHopeless == 0 && is.Failures < w.maxFailures() {
			w.violate("%s is stuck after %d failures: %s", owner, is.Failures, is.Error)
		}
	case model.Pending:
		if was.State == model.Running && !c.retry && ends&(endedInterrupted|endedCancelled) == 0 {
			w.violate("%s gives attempt %d up, which was not interrupted: %s", owner, is.Attempt, is.Error)
		}
	}
}

// checkFailures holds that failures are counted, once each, until an operator
// lets them be counted anew.
func (w *world) checkFailures(c change) {
	is, was := c.is, c.was
	owner := c.host + "/" + c.key
	switch {
	case is.Failures == was.Failures:
		if lost := was.State == model.Running && (is.State == model.Failed || is.State == model.Stuck) && !c.retry; lost {
			w.violate("%s is %s, and the failure of attempt %d is not counted", owner, is.State, is.Attempt)
		}
	case is.Failures == 0:
		if !c.retry && nodeproto.Name(c.key) != nodeproto.StepVolumeDriverEndpoint {
			w.violate("the failures of %s are forgotten, which nobody ordered", owner)
		}
	case is.Failures == was.Failures+1:
		if c.ends&endedCounted == 0 {
			w.violate("%s counts a failure of attempt %d, which did not fail", owner, was.Attempt)
		}
	case is.Failures > w.maxFailures():
		w.violate("%s has failed %d times", owner, is.Failures)
	case c.retry: // counted anew
	default:
		w.violate("the failures of %s go from %d to %d", owner, was.Failures, is.Failures)
	}
}

// maxFailures is how many failures make a step stuck.
func (w *world) maxFailures() int { return bootstrap.DefaultOptions().MaxFailures }

// ran holds that no attempt runs twice, and none below the highest that ran,
// on whichever host.
func (w *world) ran(h *host, c nodeproto.Command) {
	step := w.intents.ownerOf(h.name, c.Step) + "/" + c.Step
	if highest := w.intents.ranTo[step]; c.Attempt <= highest {
		w.violate("attempt %d of %s runs on %s, and attempt %d has run", c.Attempt, step, h.name, highest)
	}
	w.intents.ranTo[step] = max(w.intents.ranTo[step], c.Attempt)
}
