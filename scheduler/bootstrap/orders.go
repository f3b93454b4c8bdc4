package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/leader"
)

// orderReceived applies an operator's order, or refuses it with a reason. Its
// znode goes in the same unit.
func (t *turn) orderReceived(e core.OrderReceived) {
	name, ok := strings.CutPrefix(e.Path, leader.PathOrders+"/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return
	}
	order, err := model.ParseOrder(e.Raw)
	if err == nil && order.Verb.IsGrowth() {
		return // the growth core's
	}
	t.out.Delete(e.Path)
	if err == nil {
		err = t.obey(order)
	}
	if err != nil {
		t.refuse(name, e.Raw, err)
	}
}

func (t *turn) obey(order model.Order) error {
	switch order.Verb {
	case model.Pause, model.Resume:
		return t.pause(order.Verb == model.Pause)
	case model.UninstallOrder:
		return t.uninstall(order)
	case model.UninstallCancel:
		return t.cancelUninstall()
	case model.ForgetHost:
		return t.forgetHost(order)
	}
	at, step, err := t.find(order)
	if err != nil {
		return err
	}
	if order.Verb == model.Retry {
		return t.retry(at, step)
	}
	return t.force(at, step, order)
}

func (t *turn) pause(on bool) error {
	if t.cluster.Paused != on {
		t.cluster.Paused = on
		t.changed[""] = true
	}
	if !on {
		t.resume()
	}
	return nil
}

// resume looks at every step again.
func (t *turn) resume() {
	for _, host := range sortedKeys(t.plans) {
		t.queueHost(host)
	}
	t.queueCluster()
}

// find looks up the step that an order is about.
func (t *turn) find(order model.Order) (ref, model.Step, error) {
	at := ref{order.Host, order.Step}
	s := t.graph.byName[at.name()]
	switch {
	case s == nil:
		return at, model.Step{}, fmt.Errorf("there is no step %q: the plan lists them", order.Step)
	case s.Scope == PerNode && order.Host == "":
		return at, model.Step{}, fmt.Errorf("step %s is done on each node: give \"host\"", order.Step)
	case s.Scope != PerNode && order.Host != "":
		return at, model.Step{}, fmt.Errorf("step %s belongs to the cluster: leave \"host\" out", order.Step)
	case t.unreadable[order.Host]:
		return at, model.Step{}, fmt.Errorf("the plan of host %s is unreadable: mend it by hand first", order.Host)
	case order.Host != "" && t.plans[order.Host] == nil:
		return at, model.Step{}, fmt.Errorf("there is no host %q in the plan", order.Host)
	}
	step, has := t.step(at)
	switch {
	case !has:
		return at, step, fmt.Errorf("there is no step %s", at)
	case s.removal && !t.removing():
		return at, step, fmt.Errorf("step %s belongs to a removal, which is not ordered", at)
	}
	return at, step, nil
}

// retry opens a new attempt at once, and counts failures anew. A step that is
// done is done again: each looks first at what is there. What was done after it
// stays done.
func (t *turn) retry(at ref, step model.Step) error {
	s := t.graph.byName[at.name()]
	undecided := at.key == core.StepAddDevices && !t.plans[at.host].DevicesFrozen
	switch l := t.live[at.host]; {
	case step.State == model.Running:
		return fmt.Errorf("step %s is running, attempt %d", at, step.Attempt)
	case at.key == nodeproto.StepPrerequisites && l != nil && l.unusable != "":
		return errors.New(l.unusable)
	case t.removing() && !s.removal:
		return fmt.Errorf("step %s is not begun any more: the system is being removed", at)
	case s.removal && step.Over() && !t.undone(at):
		return fmt.Errorf("step %s is %s: what is removed is not removed again", at, step.State)
	case s.Scope == PerNode && !s.fits(t.plans[at.host].Persona):
		return fmt.Errorf("step %s: %s", at, step.Reason)
	case step.Over() && t.unwanted(at.key) != "":
		return fmt.Errorf("step %s is not wanted: %s", at, t.unwanted(at.key))
	case step.State == model.Pending && step.NotBefore == nil && !undecided:
		return fmt.Errorf("step %s waits for %s", at, t.whyPending(s, at))
	case step.State == model.Done && t.notAgain(at) != "":
		return fmt.Errorf("step %s is done, and %s", at, t.notAgain(at))
	case at.key == core.StepAddDevices && len(found(t.plans[at.host])) == len(t.plans[at.host].Devices):
		if err := t.chooseDevicesAgain(at.host); err != nil {
			return err
		}
	}
	step, _ = t.step(at)
	step.State, step.Failures, step.NotBefore, step.Reason = model.Pending, 0, nil, ""
	t.set(at, step)
	delete(t.interrupts, at)
	t.queue.add(at)
	return nil
}

// undone reports whether a step of the removal that is over was taken back: the
// Mesos agent refused its own flags, and was given ours again.
func (t *turn) undone(at ref) bool {
	restart, _ := t.step(ref{at.host, nodeproto.StepRestoreAgent})
	return at.key == nodeproto.StepRestoreAgentFlags && restart.State == model.Stuck
}

// notAgain says why a step that is done cannot be done again now; empty when
// it can.
func (t *turn) notAgain(at ref) string {
	switch at.name() {
	case nodeproto.StepMDMAuthority:
		if t.begun() {
			return "the MDM cluster trusts the authority that was made"
		}
	case core.StepVerifyVolume:
		// Whoever performs a removal that was intended, now or late, removes
		// every volume with the prefix: one of a new attempt would be made again
		// under the same name (R10), or stay for ever.
		if step, _ := t.step(ref{"", core.StepVerify}); step.Attempt > 0 {
			return "cannot be repeated, since the removal of its volumes was begun: order retry of " + core.StepVerify + " if one of them is left"
		}
	case nodeproto.StepAgentRestart:
		// Two hosts in the middle of it would wait for each other.
		if unmet := t.unmetTurn(at.host); unmet != "" {
			return "one fault unit restarts at a time: repeat this order after " + unmet
		}
	}
	return ""
}

func (t *turn) whyPending(s *spec, at ref) string {
	if t.cluster.Paused {
		return "resume: the plan is paused"
	}
	if unmet := t.waitsFor(s, at); len(unmet) > 0 {
		return strings.Join(unmet, ", ")
	}
	return "its node agent"
}

// chooseDevicesAgain takes the disks that are free by now, as long as the plan
// never asked for one; it is the order by which later disks enter the plan.
func (t *turn) chooseDevicesAgain(host string) error {
	l := t.live[host]
	if l == nil || l.inventory == nil {
		return fmt.Errorf("the disks of %s are not known at the moment: its node agent is out of reach, try again when it is back", host)
	}
	if len(t.free(host)) == 0 && !slices.ContainsFunc(l.inventory.Disks, t.mayBeHeld) {
		return errors.New(t.whyNoDevices(l.inventory.Disks, nil))
	}
	t.freeze(host)
	t.explainHost(host)
	return nil
}

// force marks a step done without running it. What was sent to a node is made
// impossible first (R10): the order is applied by a tombstone, and the step is
// done when the node confirms it. What a gateway was asked for cannot be taken
// back.
func (t *turn) force(at ref, step model.Step, order model.Order) error {
	switch {
	case step.State == model.Done:
		return fmt.Errorf("step %s is done", at)
	case step.State == model.Skipped:
		return fmt.Errorf("step %s is skipped: %s", at, step.Reason)
	case step.State == model.Running && step.Runner == model.RunnerGateway:
		return fmt.Errorf("step %s is running through a gateway, and what a gateway was asked for cannot be taken back: pause the plan, wait until the attempt has ended, then repeat this order", at)
	}
	if at.key == core.StepManagementPlatform {
		return fmt.Errorf("step %s is what proves that the platform serves this system: mend it and order retry, or take --gateway.management-platform from every scheduler and restart them", at)
	}
	by := order.By
	if by == "" {
		by = "an operator"
	}
	step.Reason = "forced complete by " + by
	if step.State != model.Running {
		t.complete(at, step)
		return nil
	}
	t.set(at, step)
	delete(t.asked, at)
	t.queue.add(at)
	return nil
}

// forced tells a running step that is to be made impossible.
func forced(step model.Step) bool { return step.State == model.Running && step.Reason != "" }

// complete ends a step that was forced.
func (t *turn) complete(at ref, step model.Step) {
	now := t.now
	step.State, step.Finished, step.NotBefore = model.Done, &now, nil
	if at.key == nodeproto.StepCreateCluster {
		// The operator made the cluster: from here on nobody is replaced.
		step.Attempt = max(step.Attempt, 1)
	}
	t.set(at, step)
	if at.key == nodeproto.StepShrinkClusterMode && t.begun() {
		t.cluster.Uninstall.LastMDM = t.lastManager(step)
	}
	if at.name() == nodeproto.StepGatewayConfigure {
		// The operator says that it works: at the address where it would be.
		if address, err := t.address(at.host); err == nil {
			t.addGateway(model.Gateway{Host: at.host, URL: fmt.Sprintf("https://%s:%d", address, t.options.GatewayPort)})
		}
	}
	t.ended(at)
}
