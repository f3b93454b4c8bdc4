package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// outcome is how an attempt ended, whoever ran it.
type outcome struct {
	err         string // empty: done
	result      json.RawMessage
	interrupted bool
	misplaced   bool // another host may succeed
	hopeless    bool
}

// running finds the running step that a report of one attempt is about.
func (t *turn) running(host, key string, attempt int, runner string) (ref, model.Step, bool) {
	s := t.graph.byName[nodeproto.Name(key)]
	if s == nil {
		return ref{}, model.Step{}, false
	}
	at := ref{host, key}
	switch object := at.object(); {
	case s.Scope != PerNode:
		at.host = ""
	case s.Runner == ByGateway && object != "":
		at = ref{object, s.Name} // see wireKey
	}
	step, has := t.step(at)
	ok := has && step.State == model.Running && step.Attempt == attempt && step.Runner == runner
	return at, step, ok
}

func (t *turn) nodeReported(e core.NodeReported) {
	if nodeproto.Name(e.Report.Step) == nodeproto.QuestionMDMCertificate {
		t.certificateGiven(e)
		return
	}
	at, step, ok := t.running(e.Host, e.Report.Step, e.Report.Attempt, e.Host)
	if !ok {
		return
	}
	switch r := e.Report; r.State {
	case nodeproto.Started:
		if q := t.asked[at]; q != nil {
			q.delay = t.options.ResendAfterMax
		}
	case nodeproto.Done:
		t.conclude(at, step, outcome{result: r.Result})
	case nodeproto.Failed:
		t.conclude(at, step, outcome{err: orUnknown(r.Error), interrupted: r.Interrupted, misplaced: r.Misplaced, hopeless: r.Hopeless})
	case nodeproto.Cancelled:
		t.conclude(at, step, outcome{err: "the attempt was cancelled", interrupted: true})
	}
}

// nodeRefused deals with a command that was not taken.
func (t *turn) nodeRefused(e core.NodeRefused) {
	at, step, ok := t.running(e.Host, e.Refusal.Step, e.Refusal.Attempt, e.Host)
	if !ok {
		return
	}
	switch e.Refusal.Reason {
	case nodeproto.OldAttempt, nodeproto.OtherParams:
		// The node knows attempts that our records do not: ZooKeeper was
		// restored or rebuilt. This attempt can never run.
		t.superseded(at, step, e.Refusal.Text)
	case nodeproto.Malformed:
		t.conclude(at, step, outcome{err: "the node agent could not read the command: " + e.Refusal.Text})
	case nodeproto.StaleEpoch, nodeproto.Unsealable:
		// Fleet raises the epoch; the inventory brings the new key. The timer
		// repeats the command, with either.
	}
}

// superseded opens the next attempt at once; a forced step is complete, since
// what was to be prevented is.
func (t *turn) superseded(at ref, step model.Step, text string) {
	if forced(step) {
		t.conclude(at, step, outcome{err: text, interrupted: true})
		return
	}
	delete(t.asked, at)
	step.State, step.Error, step.NotBefore = model.Pending, nodeproto.Shorten(text), nil
	t.set(at, step)
	t.queue.add(at)
}

func (t *turn) gatewayAnswered(e core.GatewayAnswered) {
	at, step, ok := t.running(e.Host, e.Step, e.Attempt, model.RunnerGateway)
	if !ok {
		return
	}
	t.conclude(at, step, outcome{err: e.Err, result: e.Result, interrupted: e.Interrupted, hopeless: e.Hopeless})
}

func orUnknown(text string) string {
	if text == "" {
		return "it failed without a reason"
	}
	return text
}

// conclude records how an attempt ended.
func (t *turn) conclude(at ref, step model.Step, out outcome) {
	delete(t.asked, at)
	s := t.graph.byName[at.name()]
	var skip notNeeded
	if out.misplaced && step.Runner == t.primary() {
		t.primaryTurn++
	}
	if out.err == "" && s.result != nil {
		if err := s.result(t, at, out.result); err != nil && !errors.As(err, &skip) {
			out.err = fmt.Sprintf("its result cannot be used: %v", err)
		}
	}
	now := t.now
	step.Finished = &now
	switch {
	case skip.reason != "":
		t.skip(at, skip.reason)
	case out.err == "":
		step.State, step.Error, step.Reason = model.Done, "", ""
		step.Result = compact(out.result)
		t.set(at, step)
		t.ended(at)
		t.done(at)
	case forced(step):
		t.complete(at, step)
	case s.Scope == PerNode && !s.fits(t.plans[at.host].Persona):
		t.set(at, step)
		t.skip(at, "the host lost its place in the MDM cluster")
	case out.hopeless && !out.interrupted:
		step.Failures++
		t.stuck(at, step, out.err)
	case !out.interrupted && step.Failures+1 >= t.options.MaxFailures:
		step.Failures++
		t.stuck(at, step, out.err)
	default:
		t.failed(at, step, out)
	}
}

// failed schedules the next attempt. An interruption does not count, and does
// not make the step failed.
func (t *turn) failed(at ref, step model.Step, out outcome) {
	step.State = model.Pending
	count := 0
	if out.interrupted {
		t.interrupts[at]++
		count = t.interrupts[at]
	} else {
		step.State = model.Failed
		step.Failures++
		count = step.Failures
	}
	notBefore := t.now.Add(backoff(t.options.RetryBackoff, t.options.RetryBackoffMax, count))
	step.Error, step.NotBefore = nodeproto.Shorten(out.err), &notBefore
	t.set(at, step)
	if t.removing() && !t.graph.byName[at.name()].removal {
		t.queue.add(ref{"", core.StepRemovalCheck}) // which may have waited for its end
	}
	delete(t.delayed, at)
	t.queue.add(at)
}

func (t *turn) stuck(at ref, step model.Step, text string) {
	step.State, step.Error, step.NotBefore = model.Stuck, nodeproto.Shorten(text), nil
	t.set(at, step)
	if at.name() == core.StepManagementPlatform {
		t.timer(timerPlatform, moreAfter)
	}
	if t.removing() && !t.graph.byName[at.name()].removal {
		t.queue.add(ref{"", core.StepRemovalCheck}) // which may have waited for its end
	}
}

// done does what follows from a step besides its dependents.
func (t *turn) done(at ref) {
	switch at.name() {
	case nodeproto.StepVolumeDriverEndpoint:
		t.moveEndpoint(at.host)
	case core.StepAddDevices:
		t.explainStep(at, t.adopted(at.host))
	case core.StepSparePolicy:
		t.explainStep(at, t.spareFound(at))
	case nodeproto.StepMDMCertificate:
		t.certifyAgain(at.host)
	case core.StepManagementPlatform:
		t.timer(timerPlatform, moreAfter)
	}
}

func compact(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" || !json.Valid(raw) {
		return nil
	}
	return raw
}
