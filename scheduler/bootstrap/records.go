package bootstrap

import (
	"encoding/json"
	"fmt"
	"strings"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// minUnits is how many fault units a pool needs before it makes volumes.
const minUnits = 3

// records are what is committed, with the few sums that decisions need.
type records struct {
	cluster *model.Cluster
	plans   map[string]*model.NodePlan

	units   map[string]int  // fault unit -> hosts with devices added
	sdcs    int             // hosts with an SDC
	turning map[string]bool // hosts whose agent restart was begun and is not over
	open    map[string]int  // step name -> instances that are not over
	busy    int             // running steps
	silent  map[string]bool // members that were heard of in this term and cannot be spoken to now
}

func newRecords(cluster *model.Cluster, plans map[string]*model.NodePlan) records {
	r := records{cluster: cluster, plans: plans, units: make(map[string]int), turning: make(map[string]bool), open: make(map[string]int), silent: make(map[string]bool)}
	if cluster != nil {
		for key, step := range cluster.Steps {
			r.count(ref{"", key}, model.Step{}, step)
		}
	}
	for host, plan := range plans {
		for key, step := range plan.Steps {
			r.count(ref{host, key}, model.Step{}, step)
		}
	}
	return r
}

// count keeps the sums when a step changes.
func (r *records) count(at ref, before, after model.Step) {
	r.open[at.name()] += one(!after.Over()) - one(before.State != "" && !before.Over())
	r.busy += one(after.State == model.Running) - one(before.State == model.Running)
	if at.host == "" {
		return
	}
	change := 0
	switch was, is := before.State == model.Done, after.State == model.Done; {
	case is && !was:
		change = 1
	case was && !is:
		change = -1
	}
	switch at.key {
	case core.StepAddDevices:
		unit := unitOf(r.plans[at.host])
		r.units[unit] += change
		if r.units[unit] == 0 {
			delete(r.units, unit)
		}
	case nodeproto.StepSDCPackage:
		r.sdcs += change
	case nodeproto.StepAgentRestart, nodeproto.StepRestoreAgent:
		delete(r.turning, at.host)
		if after.Attempt > 0 && !after.Over() {
			r.turning[at.host] = true
		}
	}
}

func one(counts bool) int {
	if counts {
		return 1
	}
	return 0
}

// unitOf is the fault unit of a host: its fault set, else the host itself.
func unitOf(plan *model.NodePlan) string {
	if plan.FaultSet != "" {
		return "fault set " + plan.FaultSet
	}
	return plan.Hostname
}

// onboarded reports whether a host has its part; a plan without steps only
// tells why the host is not used.
func onboarded(plan *model.NodePlan) bool { return plan != nil && len(plan.Steps) > 0 }

func (r *records) step(at ref) (model.Step, bool) {
	if at.host == "" {
		if r.cluster == nil {
			return model.Step{}, false
		}
		step, ok := r.cluster.Steps[at.key]
		return step, ok
	}
	plan := r.plans[at.host]
	if plan == nil {
		return model.Step{}, false
	}
	step, ok := plan.Steps[at.key]
	return step, ok
}

// member tells whether a host is in the MDM cluster.
func (r *records) member(host string) bool {
	for _, m := range r.cluster.Members {
		if m.Host == host {
			return true
		}
	}
	return false
}

// unmet says what a step waits for at an edge; empty when it is met.
func (r *records) unmet(at ref, n Need) string {
	switch n.Relation {
	case SameHost:
		step, has := r.step(ref{at.host, n.Step})
		return waiting(ref{at.host, n.Step}, step, !has)
	case All:
		return r.unmetInstances(n.Step)
	case Own:
		key := r.ownKey(at, n.Step)
		if key == "" {
			return ""
		}
		step, _ := r.step(ref{"", key})
		return waiting(ref{"", key}, step, false)
	case EachMember:
		return r.unmetMembers(n.Step)
	case AnyGateway:
		if len(r.cluster.Gateways) == 0 && hasGateway(r.cluster.Release) {
			return "a gateway"
		}
	case OwnGateway:
		return r.unmetGateway(at.host)
	case ThreeUnits:
		if len(r.units) < minUnits {
			return fmt.Sprintf("%s in %d fault units (%d so far)", n.Step, minUnits, len(r.units))
		}
	case AnyNode:
		if r.sdcs == 0 {
			return n.Step + " on any host"
		}
	case Turn:
		return r.unmetTurn(at.host)
	case EveryHost, EachObject:
		if open := r.open[n.Step]; open > 0 {
			return fmt.Sprintf("%d of %s", open, n.Step)
		}
	case OtherHosts:
		if open := r.open[n.Step]; r.removing() && at.host == r.cluster.Uninstall.LastMDM && open > 1 {
			return fmt.Sprintf("%d more of %s", open-1, n.Step)
		}
	}
	return ""
}

// waiting describes a step that is not over.
func waiting(at ref, step model.Step, absent bool) string {
	if absent || step.Over() {
		return ""
	}
	if step.State == model.Stuck {
		return at.String() + " (stuck)"
	}
	return at.String()
}

func (r *records) unmetInstances(name string) string {
	found := false
	for _, key := range sortedKeys(r.cluster.Steps) {
		if nodeproto.Name(key) != name {
			continue
		}
		found = true
		if text := waiting(ref{"", key}, r.cluster.Steps[key], false); text != "" {
			return text
		}
	}
	if !found {
		return name
	}
	return ""
}

func (r *records) unmetMembers(name string) string {
	if len(r.cluster.Members) == 0 {
		return "the choice of the MDM hosts"
	}
	for _, m := range r.cluster.Members {
		at := ref{m.Host, name}
		step, has := r.step(at)
		// The certificate is a manager's alone, and of 4.x; the package is every
		// member's.
		absent := !has && name == nodeproto.StepMDMCertificate && onboarded(r.plans[m.Host])
		if text := waiting(at, step, absent); text != "" {
			return text
		}
	}
	return ""
}

// unmetTurn names a restart that a host's must not run beside: in another fault
// unit, or of another member of the MDM cluster, which share a unit where
// there are few of them.
func (r *records) unmetTurn(host string) string {
	for _, other := range sortedKeys(r.turning) {
		if other != host && r.missedWith(other, host) {
			return restartOf(r.plans[other]) + " on " + other
		}
	}
	return ""
}

// restartOf is the step by which a host's Mesos agent restarts.
func restartOf(plan *model.NodePlan) string {
	if step := plan.Steps[nodeproto.StepRestoreAgent]; step.Attempt > 0 && !step.Over() {
		return nodeproto.StepRestoreAgent
	}
	return nodeproto.StepAgentRestart
}

// missedWith reports whether two hosts must not be out of service at once.
func (r *records) missedWith(one, other string) bool {
	return unitOf(r.plans[one]) != unitOf(r.plans[other]) || r.member(one) && r.member(other)
}

// ownKey is the key of the object to which a step's host or object belongs;
// empty when there is none.
func (r *records) ownKey(at ref, name string) string {
	if at.host == "" {
		pd, object, _ := strings.Cut(at.object(), "/")
		if name == core.StepProtectionDomains {
			return domainKey(pd)
		}
		return name + "/" + pd + "/" + object
	}
	plan := r.plans[at.host]
	switch name {
	case core.StepProtectionDomains:
		return domainKey(plan.ProtectionDomain)
	case core.StepFaultSets:
		if plan.FaultSet == "" {
			return ""
		}
		return faultSetKey(plan.ProtectionDomain, plan.FaultSet)
	default:
		return name + "/" + plan.ProtectionDomain + "/" + plan.StoragePool
	}
}

// waitsFor lists what a step waits for.
func (r *records) waitsFor(s *spec, at ref) []string {
	var all []string
	for _, n := range s.Needs {
		if text := r.unmet(at, n); text != "" {
			all = append(all, text)
		}
	}
	return all
}

// verdictOf reads what a step found that changes the Mesos agent's flags; known
// is false when it told nothing.
func verdictOf(plan *model.NodePlan, key string) (needed, known bool) {
	var result nodeproto.IsolatorResult
	step := plan.Steps[key]
	if len(step.Result) == 0 || json.Unmarshal(step.Result, &result) != nil {
		return false, false
	}
	return result.RestartNeeded, true
}
