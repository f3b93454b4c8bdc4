package sim_test

import (
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/nodeproto"
)

// illness is what is wrong with one attempt of a step. It is the same each time
// the attempt is performed.
type illness int

const (
	healthy illness = iota
	// failsBefore fails without having done anything.
	failsBefore
	// failsAfter fails although all is done.
	failsAfter
	// isHopeless fails in a way that no retry mends.
	isHopeless
	// isInterrupted fails by nobody's fault.
	isInterrupted
	// isSlow takes its time.
	isSlow
	// isCutOff does not live to see its end: its node agent dies.
	isCutOff
)

// acts reports whether the attempt does what the step is for.
func (i illness) acts() bool { return i == healthy || i == failsAfter || i == isSlow || i == isCutOff }

// stubborn is the greatest number of attempts that a step may fail in a row:
// more than make it stuck, so that it may get stuck again behind an order.
const stubborn = 8

// illnessOf draws for an attempt. Where faults have stopped all is well.
func (w *world) illnessOf(host, step string, attempt int) (ill illness, takes time.Duration) {
	rate := w.scenario.ailing
	if w.calm || rate == 0 {
		return healthy, 0
	}
	d := dice{w.scenario.seed}
	if x := d.roll("stubborn", host, step); chance(x, rate/4) && attempt <= one(x, 2, 4, 5, stubborn) {
		return failsBefore, 0
	}
	x := d.roll("illness", host, step, attempt)
	if !chance(x, rate) {
		return healthy, 0
	}
	takes = time.Duration(d.roll("takes", host, step, attempt) % uint64(45*time.Second))
	return one(x, failsBefore, failsAfter, failsAfter, isHopeless, isInterrupted, isSlow, isSlow, isCutOff), takes
}

// report is how an attempt with the illness ends.
func (i illness) report(step string, attempt int) nodeproto.Report {
	r := nodeproto.Report{Step: step, Attempt: attempt, State: nodeproto.Failed, Error: "it is ill"}
	switch i {
	case isHopeless:
		r.Hopeless = true
	case isInterrupted:
		r.Interrupted = true
	case failsBefore, failsAfter:
	default:
		r.State, r.Error = nodeproto.Done, ""
	}
	return r
}

// through is what a gateway makes of a call, with the illness of the attempt.
func (w *world) through(e core.GatewayCall) core.Event {
	if e.Host == "" && nodeproto.Name(e.Step) == core.StepAddDevices {
		return w.system.call(e) // a growth's, which has troubles of its own
	}
	ill, _ := w.illnessOf(e.Host, e.Step, e.Attempt)
	answer := core.GatewayAnswered{Host: e.Host, Step: e.Step, Attempt: e.Attempt}
	if ill.acts() {
		answer = w.system.call(e)
	}
	if r := ill.report(e.Step, e.Attempt); r.State == nodeproto.Failed {
		answer.Result, answer.Err, answer.Interrupted, answer.Hopeless = nil, r.Error, r.Interrupted, r.Hopeless
		w.note("gateway: %s attempt %d fails", e.Step, e.Attempt)
	}
	w.ended(e.Host, e.Step, e.Attempt, endOf(answer.Err != "", answer.Hopeless, answer.Interrupted))
	return answer
}

// end is how an attempt ended, as the world saw it. It may have ended in several
// ways: a gateway's call may be made twice.
type end int

const (
	endedDone end = 1 << iota
	endedFailed
	endedHopeless
	endedInterrupted
	endedCancelled

	endedCounted = endedFailed | endedHopeless
)

func endOf(failed, hopeless, interrupted bool) end {
	switch {
	case !failed:
		return endedDone
	case interrupted:
		return endedInterrupted
	case hopeless:
		return endedHopeless
	}
	return endedFailed
}

// ended takes note of the end of an attempt, wherever it ran.
func (w *world) ended(host, step string, attempt int, how end) {
	w.intents.ends[attemptOf(w.intents.ownerOf(host, step), step, attempt)] |= how
}

func (i illness) String() string {
	return [...]string{"is well", "fails", "fails after it did its work", "fails hopelessly", "is interrupted", "is slow", "is to be cut off"}[i]
}
