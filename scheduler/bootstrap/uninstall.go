package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// removing reports whether the system is being taken away, or was.
func (r *records) removing() bool { return r.cluster.Uninstall != nil }

// uninstall takes the order to remove everything. Until the first step is
// committed that changes something, it can be cancelled.
func (t *turn) uninstall(order model.Order) error {
	if order.System != t.cluster.SystemName {
		return fmt.Errorf("the system is named %q, not %q: nothing is removed", t.cluster.SystemName, order.System)
	}
	if reason := irremovable(t.cluster); reason != "" {
		return errors.New(reason)
	}
	if u := t.cluster.Uninstall; u != nil {
		return fmt.Errorf("the removal was ordered already, %s", u.Ordered.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	if hosts := sortedKeys(t.unreadable); len(hosts) > 0 {
		return fmt.Errorf("the plan of host %s is unreadable, so what is installed there is not known: mend it by hand first, or remove it to leave that host as it is", hosts[0])
	}
	now := t.now
	t.cluster.Uninstall = &model.Uninstall{Ordered: now, By: byWhom(order.By), KeepData: order.KeepData, RemoveVolumes: order.RemoveVolumes}
	t.changed[""] = true
	t.clusterProblem("")
	t.outfitRemoval()
	return nil
}

// irremovable says why a system cannot be removed at all; empty when it can.
func irremovable(cluster *model.Cluster) string {
	if hasGateway(cluster.Release) || !cluster.Started(nodeproto.StepCreateCluster) || slices.ContainsFunc(cluster.Gateways, model.Gateway.Platform) {
		return ""
	}
	return fmt.Sprintf("a system of release %s is removed through its management platform, which tells whether a volume is mapped, and none is known: name it by --gateway.management-platform (its step in scaleioctl plan says what it lacks), or take the system down with scli and the package manager", cluster.Release)
}

func byWhom(by string) string {
	if by == "" {
		return "an operator"
	}
	return by
}

// cancelUninstall takes the order back. What the check found is of no further
// interest; a later order looks again.
func (t *turn) cancelUninstall() error {
	u := t.cluster.Uninstall
	switch {
	case u == nil:
		return errors.New("no removal was ordered")
	case u.Begun != nil:
		return fmt.Errorf("the removal has begun at %s and cannot be taken back: what is committed is carried out. It can be held with pause", u.Begun.UTC().Format("2006-01-02 15:04:05 UTC"))
	}
	t.cluster.Uninstall = nil
	at := ref{"", core.StepRemovalCheck}
	if step, has := t.step(at); has && !step.Over() {
		step.State, step.Reason, step.Error, step.NotBefore = model.Skipped, "the removal was cancelled", "", nil
		t.set(at, step)
		delete(t.asked, at)
	}
	t.changed[""] = true
	t.resume()
	return nil
}

// outfitRemoval adds the steps of the removal to the cluster, and to each host
// in a unit of its own; the check, which comes first, waits for all of them.
func (t *turn) outfitRemoval() {
	for _, key := range t.removalKeys() {
		t.reopen(ref{"", key})
	}
	for _, host := range sortedKeys(t.plans) {
		t.queue.add(ref{host, ""}) // outfitHostRemoval
	}
	t.queue.add(ref{"", core.StepRemovalCheck})
}

// outfitRemovalAgain goes on where the last leader was interrupted.
func (t *turn) outfitRemovalAgain() {
	t.watchMembers()
	for _, host := range sortedKeys(t.plans) {
		if onboarded(t.plans[host]) && !t.fitted(host) {
			t.queue.add(ref{host, ""})
		}
	}
}

// removalKeys are the cluster's steps of the removal.
func (t *turn) removalKeys() []string {
	keys := []string{core.StepRemovalCheck, core.StepRemoveVolumes, nodeproto.StepShrinkClusterMode}
	for _, key := range sortedKeys(t.cluster.Steps) {
		name, object, _ := strings.Cut(key, "/")
		switch name {
		case core.StepStoragePools:
			keys = append(keys, core.StepRemoveStoragePools+"/"+object)
		case core.StepFaultSets:
			keys = append(keys, core.StepRemoveFaultSets+"/"+object)
		case core.StepProtectionDomains:
			keys = append(keys, core.StepRemoveProtectionDomains+"/"+object)
		}
	}
	for _, m := range t.cluster.Members {
		keys = append(keys, nodeproto.StepRemoveStandbyMDM+"/"+m.Name)
	}
	return keys
}

// reopen makes a step of the removal pending, one of an order that was
// cancelled too. One that is running is left to its end.
func (t *turn) reopen(at ref) {
	step, has := t.step(at)
	if has && step.State == model.Running {
		return
	}
	t.set(at, model.Step{State: model.Pending, Attempt: step.Attempt})
}

// outfitHostRemoval adds the steps of the removal to a host that has none yet.
func (t *turn) outfitHostRemoval(host string) {
	plan := t.plans[host]
	if !onboarded(plan) {
		return
	}
	if !t.fitted(host) {
		for _, s := range t.graph.specs {
			if s.removal && s.Scope == PerNode && !t.absent(s) {
				t.reopen(ref{host, s.Name})
			}
		}
		plan.Problem, plan.Removal = "", t.cluster.Uninstall.Ordered
		t.changed[host] = true
	}
	t.queue.add(ref{"", core.StepRemovalCheck})
}

// fitted reports whether a host has its steps of this removal.
func (r *records) fitted(host string) bool {
	return r.plans[host].Removal.Equal(r.cluster.Uninstall.Ordered)
}

// notQuiet says what must end before anything may be removed; empty when
// nothing. An intent is finished, not withdrawn (R10).
func (t *turn) notQuiet() string {
	for _, host := range sortedKeys(t.plans) {
		if onboarded(t.plans[host]) && !t.fitted(host) {
			return "the steps of host " + host
		}
	}
	if t.busy > 0 {
		return t.installing()
	}
	switch {
	case t.growths == nil:
		return "word of open growths"
	case len(t.growths.IDs) > 0:
		return "growth " + strings.Join(t.growths.IDs, ", ") + " (wait, or decline it)"
	}
	return ""
}

// installing names a step of the installation that runs.
func (r *records) installing() string {
	for _, key := range sortedKeys(r.cluster.Steps) {
		if step := r.cluster.Steps[key]; step.State == model.Running {
			return "the end of " + key
		}
	}
	for _, host := range sortedKeys(r.plans) {
		for _, key := range sortedKeys(r.plans[host].Steps) {
			if step := r.plans[host].Steps[key]; step.State == model.Running {
				return "the end of " + ref{host, key}.String() + " (or forget-host, if that host is gone for good)"
			}
		}
	}
	return ""
}

// growthsOpen takes note of the growths that are not over.
func (t *turn) growthsOpen(e core.GrowthsOpen) {
	t.growths = &core.GrowthsOpen{IDs: slices.Clone(e.IDs)}
	if t.removing() {
		t.queue.add(ref{"", core.StepRemovalCheck})
	}
}

// mayCheck holds the check back, and says why.
func (t *turn) mayCheck(at ref) bool {
	reason := t.notQuiet()
	if reason == "" && t.begun() && len(t.cluster.Gateways) == 0 {
		reason = "a gateway: without one it cannot be read whether there are volumes (if you know that there are none, order force-complete of this step)"
	}
	if reason != "" {
		reason = "waits for " + reason
	}
	t.explainStep(at, reason)
	return reason == ""
}

// forgetHost gives up a host that is gone for good. What was sent there and is
// not known to have ended is not waited for: whoever gives this order says that
// the host never comes back.
func (t *turn) forgetHost(order model.Order) error {
	host, plan := order.Host, t.plans[order.Host]
	switch {
	case !t.removing():
		return errors.New("hosts are forgotten only while the system is removed")
	case !onboarded(plan):
		return fmt.Errorf("there is no host %q in the plan", host)
	case plan.Forgotten != "":
		return fmt.Errorf("host %s was forgotten already, by %s", host, plan.Forgotten)
	case t.up(host):
		return fmt.Errorf("host %s can be spoken to: its own removal is the way; force-complete takes a step that cannot be done", host)
	}
	t.outfitHostRemoval(host)
	plan.Forgotten = byWhom(order.By)
	t.changed[host] = true
	delete(t.away, host)
	delete(t.waiting, host)
	reason := "the host was forgotten by " + plan.Forgotten
	for _, key := range sortedKeys(plan.Steps) {
		at, step := ref{host, key}, plan.Steps[key]
		s := t.graph.byName[key]
		switch {
		case s == nil || step.Over() || s.Runner == ByGateway && s.removal:
		case s.removal:
			t.skip(at, reason)
		case step.State == model.Running && step.Runner == host:
			t.stuck(at, step, reason)
			delete(t.asked, at)
		}
	}
	for _, key := range sortedKeys(t.cluster.Steps) {
		// Another manager may still do it.
		if step := t.cluster.Steps[key]; step.State == model.Running && step.Runner == host {
			at := ref{"", key}
			delete(t.asked, at)
			step.State, step.Error = model.Pending, reason
			t.set(at, step)
			t.queue.add(at)
		}
	}
	if t.cluster.Uninstall.LastMDM == host {
		t.cluster.Uninstall.LastMDM = ""
	}
	t.queue.add(ref{"", core.StepRemovalCheck})
	t.queueTurns()
	return nil
}

// released reports whether nothing is left to do on a host.
func (r *records) released(host string) bool {
	plan := r.plans[host]
	if !r.removing() || !onboarded(plan) || !r.fitted(host) {
		return false
	}
	step := plan.Steps[nodeproto.StepRemoveTraces]
	return step.Over()
}

// removed follows a step of the removal that is over. The last one on a host
// lets its node agent end; the last one of all closes the removal.
func (t *turn) removed(at ref) {
	if at.key == core.StepRemovalCheck {
		t.queueCluster() // where there are no hosts, nothing else leads on
	}
	if at.key == nodeproto.StepRemoveTraces {
		t.out.Tell(core.HostReleased{Host: at.host})
	}
	if !t.removing() || t.cluster.Uninstall.Finished != nil {
		return
	}
	for _, s := range t.graph.specs {
		if s.removal && t.open[s.Name] > 0 {
			return
		}
	}
	now := t.now
	t.cluster.Uninstall.Finished = &now
	t.cluster.Gateways = nil
	t.clusterProblem("")
	t.changed[""] = true
}

// dropGateway takes a gateway out of the cluster's record.
func (t *turn) dropGateway(host string) {
	t.cluster.Gateways = slices.DeleteFunc(slices.Clone(t.cluster.Gateways), func(g model.Gateway) bool { return g.Host == host })
	t.changed[""] = true
}

// pointless says why a step of the removal has nothing to do, whoever would do
// it; empty when it has.
func (t *turn) pointless(s *spec) string {
	switch {
	case !s.removal:
	case s.Scope != PerNode && !t.begun():
		return neverBegun
	case s.Runner == ByGateway && len(t.cluster.Gateways) == 0 && !t.domains():
		return "there never was a gateway, so nothing was made through one"
	}
	return ""
}

// domains reports whether a protection domain may have been made, in which
// everything else of the storage is.
func (r *records) domains() bool {
	for key := range r.cluster.Steps {
		if nodeproto.Name(key) == core.StepProtectionDomains && r.attempted(ref{"", key}) {
			return true
		}
	}
	return false
}

// neverBegun is why nothing of the cluster itself needs to be removed.
const neverBegun = "the ScaleIO cluster was never begun"

// lastManager is the host that runs what only a primary MDM can do: the one
// that is left, else one manager after the other with each attempt.
func (t *turn) lastManager(step model.Step) string {
	if last := t.cluster.Uninstall.LastMDM; last != "" {
		return last
	}
	var managers []string
	for _, m := range t.cluster.Members {
		if plan := t.plans[m.Host]; m.Persona == model.Manager && plan != nil && plan.Forgotten == "" && t.up(m.Host) {
			managers = append(managers, m.Host)
		}
	}
	if len(managers) == 0 {
		return t.cluster.Members[0].Host
	}
	return managers[step.Attempt%len(managers)]
}
