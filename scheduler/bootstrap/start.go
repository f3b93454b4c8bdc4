package bootstrap

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// errNotYet says that something is not known yet; what makes it known looks at
// the step again.
var errNotYet = errors.New("not known yet")

// notNeeded says why a step is skipped.
type notNeeded struct{ reason string }

func (e notNeeded) Error() string { return e.reason }

// consider starts a step that may start, and asks what became of one that
// runs.
func (t *turn) consider(at ref) {
	if at.key == "" {
		if t.removing() {
			t.outfitHostRemoval(at.host)
		} else {
			t.onboardSeen(at.host)
		}
		return
	}
	s := t.graph.byName[at.name()]
	step, has := t.step(at)
	if s == nil || !has {
		return
	}
	switch step.State {
	case model.Running:
		if t.asked[at] == nil {
			t.ask(at, step)
		}
	case model.Pending, model.Failed:
		if t.ready(s, at, step) {
			t.start(s, at, step)
		}
	}
}

// ready reports whether nothing holds a step back.
func (t *turn) ready(s *spec, at ref, step model.Step) bool {
	if t.cluster.Paused || s.removal != t.removing() {
		return false
	}
	if s.Scope == PerNode && !s.onDemand && !s.fits(t.plans[at.host].Persona) {
		return false
	}
	if step.NotBefore != nil && step.NotBefore.After(t.now) {
		if !t.delayed[at] {
			t.delayed[at] = true
			t.timer(timerOf(timerRetry, at), step.NotBefore.Sub(t.now))
		}
		return false
	}
	if s.Name == core.StepRemovalCheck && !t.mayCheck(at) {
		return false
	}
	for _, n := range s.Needs {
		if t.unmet(at, n) != "" {
			if n.Relation == Turn {
				t.waiting[at.host] = true
			}
			return false
		}
	}
	return true
}

// runner is the host, or RunnerGateway, that performs a step now.
func (t *turn) runner(s *spec, at ref) string {
	switch s.Runner {
	case ByGateway:
		// What is taken away goes through the platform, without which it would not
		// have been ordered.
		if !hasGateway(t.cluster.Release) && !s.removal {
			return t.primary()
		}
		return model.RunnerGateway
	case ByPlatform:
		return model.RunnerGateway
	case FirstMDM:
		return t.cluster.Members[0].Host
	case LastMDM:
		step, _ := t.step(at)
		return t.lastManager(step)
	default:
		return at.host
	}
}

// start opens an attempt: the complete intent is committed before anything is
// sent.
func (t *turn) start(s *spec, at ref, step model.Step) {
	if reason := t.pointless(s); reason != "" {
		t.skip(at, reason)
		return
	}
	runner := t.runner(s, at)
	if runner != model.RunnerGateway && !t.up(runner) {
		return
	}
	if reason := t.excluded(at); reason != "" {
		t.skip(at, reason)
		return
	}
	params, err := s.params(t, at)
	var skip notNeeded
	switch {
	case errors.Is(err, errNotYet):
		return
	case errors.As(err, &skip):
		t.skip(at, skip.reason)
		return
	case err != nil:
		step.State, step.Error, step.NotBefore = model.Stuck, nodeproto.Shorten(err.Error()), nil
		t.set(at, step)
		return
	}
	if s.Runner == ByGateway && runner != model.RunnerGateway {
		params = nodeproto.ByScli[any]{Release: t.cluster.Release, Object: params}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		panic(fmt.Sprintf("parameters of %s: %v", at, err)) // plain structs
	}
	now := t.now
	step.State, step.Runner = model.Running, runner
	step.Attempt++
	step.Params, step.Digest = raw, nodeproto.DigestOf(wireKey(s, at, runner), raw)
	step.Result, step.Reason = nil, ""
	step.Started, step.Finished, step.NotBefore = &now, nil, nil
	if u := t.cluster.Uninstall; s.removal && s.Name != core.StepRemovalCheck && u.Begun == nil {
		u.Begun = &now
		t.changed[""] = true
	}
	t.set(at, step)
	t.ask(at, step)
}

// skip ends a step that is not needed.
func (t *turn) skip(at ref, reason string) {
	step, _ := t.step(at)
	now := t.now
	step.State, step.Reason, step.Error = model.Skipped, reason, ""
	step.Finished, step.NotBefore = &now, nil
	t.set(at, step)
	t.ended(at)
}

// gatewayCall is a gateway step's committed intent as an effect.
func (t *turn) gatewayCall(at ref, step model.Step) core.GatewayCall {
	return core.GatewayCall{
		Host: at.host, Step: at.key, Attempt: step.Attempt,
		Gateways: append([]model.Gateway(nil), t.cluster.Gateways...),
		Params:   step.Params, Object: objectOf(at),
	}
}

// ask sends a running step's intent, which does it or asks what became of it.
// The timer repeats it until a report answers.
func (t *turn) ask(at ref, step model.Step) {
	q := t.asked[at]
	if q == nil {
		q = &question{delay: t.options.ResendAfter}
	}
	if step.Runner == model.RunnerGateway {
		t.asked[at] = q
		t.out.Do(t.gatewayCall(at, step))
		t.timer(timerOf(timerAsk, at), t.options.GatewayTimeout)
		return
	}
	if !t.up(step.Runner) {
		delete(t.asked, at) // NodeUp looks at it again
		return
	}
	t.asked[at] = q
	if command, ok := t.command(at, step); ok {
		t.out.Do(command)
	}
	t.timer(timerOf(timerAsk, at), q.delay)
	q.delay = min(2*q.delay, t.options.ResendAfterMax)
}

// command is what is sent for a running step: the step, its tombstone when an
// operator wants it forced complete, or the question for the box that it needs.
// There is none while nobody can be asked for that.
func (t *turn) command(at ref, step model.Step) (core.SendCommand, bool) {
	s := t.graph.byName[at.name()]
	command := core.SendCommand{
		Host:    step.Runner,
		Address: t.live[step.Runner].address,
		Command: nodeproto.Command{Kind: nodeproto.Run, Step: wireKey(s, at, step.Runner), Attempt: step.Attempt, Params: step.Params, Digest: step.Digest},
		Secrets: t.secrets(s),
	}
	if forced(step) {
		command.Command.Kind, command.Secrets = nodeproto.Cancel, nil
	} else if at.key == nodeproto.StepMDMCertificate {
		return t.withBox(at, step, command)
	}
	return command, true
}

// wireKey is a step's key for a node agent: that of a host's step which another
// host runs names the host, since journals go by keys.
func wireKey(s *spec, at ref, runner string) string {
	if s.Scope == PerNode && s.Runner == ByGateway && runner != model.RunnerGateway {
		return at.key + "/" + at.host
	}
	return at.key
}

// secrets are the names of what a step's command carries: who runs scli from 4.0
// on needs the login file's password and no other.
func (t *turn) secrets(s *spec) []string {
	if !hasGateway(t.cluster.Release) && (s.Runner == FirstMDM || s.Runner == LastMDM || s.Runner == ByGateway) {
		return []string{nodeproto.SecretP12Password}
	}
	return s.Secrets
}

// objectOf is what a gateway call works on: calls on one object keep their
// order.
func objectOf(at ref) string {
	switch {
	case at.host != "":
		return "sds/" + at.host
	case at.key == core.StepVerifyVolume:
		// A repeated call that waits here would otherwise make the volume anew
		// beside its removal.
		return core.StepVerify
	}
	return at.key
}

func (t *turn) askAgain(at ref) {
	step, has := t.step(at)
	if !has || step.State != model.Running || t.graph.byName[at.name()] == nil {
		return
	}
	t.ask(at, step)
}

// backoff is the delay after a number of failures.
func backoff(first, most time.Duration, failures int) time.Duration {
	delay := first
	for ; failures > 1 && delay < most; failures-- {
		delay *= 2
	}
	return min(delay, most)
}

// ended looks at those who waited for a step.
func (t *turn) ended(at ref) {
	delete(t.asked, at)
	delete(t.interrupts, at)
	for _, d := range t.graph.dependents[at.name()] {
		switch {
		case d.relation == SameHost:
			t.queue.add(ref{at.host, d.spec.Name})
		case d.relation == Turn:
			t.queueTurns()
		case d.relation == EveryHost || d.relation == EachObject:
			if t.open[at.name()] == 0 {
				t.queueWaiting(at, d.spec)
			}
		case d.relation == OtherHosts:
			if t.removing() {
				t.queue.add(ref{t.cluster.Uninstall.LastMDM, d.spec.Name})
			}
		case d.relation == AnyGateway && len(t.cluster.Gateways) != 1:
			// Only the first gateway lets anything start.
		default:
			t.queueWaiting(at, d.spec)
		}
	}
	if t.graph.byName[at.name()].removal {
		t.removed(at)
	} else if t.removing() && t.busy == 0 {
		t.queue.add(ref{"", core.StepRemovalCheck})
	}
}

func (t *turn) queueWaiting(at ref, s *spec) {
	if s.Scope == PerNode {
		t.queueOwners(at, s.Name)
	} else {
		t.queueInstances(s.Name)
	}
}

// queueOwners looks at the hosts that wait for a step of the cluster, or of
// another host.
func (t *turn) queueOwners(at ref, name string) {
	for _, host := range sortedKeys(t.plans) {
		step, has := t.plans[host].Steps[name]
		if !has || step.State != model.Pending && step.State != model.Failed {
			continue
		}
		if at.name() == core.StepFaultSets && t.ownKey(ref{host, name}, at.name()) != at.key {
			continue
		}
		t.queue.add(ref{host, name})
	}
}

func (t *turn) queueInstances(name string) {
	for _, key := range sortedKeys(t.cluster.Steps) {
		if nodeproto.Name(key) == name {
			t.queue.add(ref{"", key})
		}
	}
}
