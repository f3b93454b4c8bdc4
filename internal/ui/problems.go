package ui

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

// Problem is something that wants an operator.
type Problem struct {
	// Urgent ones keep something from working; the others may wait for morning.
	Urgent bool
	What   string
	Why    string
	Remedy string
	// Commands can be copied as they are.
	Commands []string
}

// problemsOf lists what is wrong, the most urgent first.
func problemsOf(from Source, records state.State, plan bootstrap.View, growth storagegrowth.View) []Problem {
	var list []Problem
	list = append(list, leftAlone(from.View.Unreadable)...)
	list = append(list, stuckSteps(plan.Steps)...)
	if mesos := mesosOf(records.Framework, from.Subscribed); mesos != "subscribed" {
		list = append(list, Problem{
			Urgent: true, What: "Mesos: " + mesos, Why: "hosts that join or come back are not served meanwhile",
			Remedy: "look at the masters, at --mesos, and at the leader's log",
		})
	}
	list = append(list, planProblems(records)...)
	list = append(list, poolProblems(growth)...)
	if plan.Paused {
		list = append(list, Problem{What: "The plan is paused", Why: "no step is started", Commands: []string{"scaleioctl plan resume"}})
	}
	list = append(list, growthProblems(growth)...)
	if len(from.Candidates) < 2 {
		list = append(list, Problem{What: "No standby", Why: "nobody takes over if this scheduler dies", Remedy: "look at the instances of the Marathon app"})
	}
	slices.SortStableFunc(list, func(a, b Problem) int {
		switch {
		case a.Urgent == b.Urgent:
			return 0
		case a.Urgent:
			return -1
		default:
			return 1
		}
	})
	return list
}

// String is the problem in one line.
func (p Problem) String() string {
	text := p.What
	for _, more := range []string{p.Why, p.Remedy} {
		if more != "" {
			text += ": " + more
		}
	}
	if len(p.Commands) > 0 {
		text += " (" + p.Commands[0] + ")"
	}
	return text
}

// disksWanted are the disks that an operator is to add for a growth.
func disksWanted(g storagegrowth.GrowthView) (disks []string) {
	if g.Provider != storagegrowth.ProviderManual {
		return nil
	}
	for i := range g.Slots {
		if s := &g.Slots[i]; s.State == model.SlotPlanned {
			disks = append(disks, fmt.Sprintf("%d GiB on %s", s.Request.SizeGiB, s.Host))
		}
	}
	return disks
}

func leftAlone(unreadable map[string]string) (list []Problem) {
	for _, path := range slices.Sorted(maps.Keys(unreadable)) {
		list = append(list, Problem{
			Urgent: true, What: "Record " + path + " is left alone", Why: unreadable[path],
			Remedy: "mend the znode, then let another scheduler lead", Commands: []string{"scaleioctl state dump", "scaleioctl leader abdicate"},
		})
	}
	return list
}

func stuckSteps(steps []bootstrap.StepView) (list []Problem) {
	for _, s := range steps {
		if s.State != model.Stuck {
			continue
		}
		where, name := "", "Step "+s.Step+" of the cluster is stuck"
		if s.Host != "" {
			where, name = " --host "+quoted(s.Host), "Step "+s.Step+" on "+s.Host+" is stuck"
		}
		list = append(list, Problem{
			Urgent: true, What: name, Why: fmt.Sprintf("attempt %d: %s", s.Attempt, s.Error),
			Remedy: "mend it, then retry; force-complete only what you did yourself",
			Commands: []string{
				"scaleioctl plan retry " + quoted(s.Step) + where,
				"scaleioctl plan force-complete " + quoted(s.Step) + where,
			},
		})
	}
	return list
}

func planProblems(records state.State) (list []Problem) {
	if records.Cluster == nil {
		return []Problem{{Urgent: true, What: "No scheduler has led yet"}}
	}
	if why := records.Cluster.Problem; why != "" {
		list = append(list, Problem{Urgent: true, What: "The cluster", Why: why})
	}
	for _, host := range slices.Sorted(maps.Keys(records.Plans)) {
		if why := records.Plans[host].Problem; why != "" {
			list = append(list, Problem{What: "Host " + host, Why: why, Commands: []string{"scaleioctl nodes --host " + quoted(host)}})
		}
	}
	for _, why := range bootstrap.Unusable(records.Nodes, records.Plans) {
		list = append(list, Problem{What: "A host is not used", Why: why, Commands: []string{"scaleioctl nodes"}})
	}
	for _, host := range slices.Sorted(maps.Keys(records.Nodes)) {
		if n := records.Nodes[host]; n.State == model.TaskUnreachable {
			list = append(list, Problem{What: "Host " + host + " is unreachable", Why: n.Reason, Remedy: "look at the host and its Mesos agent; nothing is launched beside its task"})
		}
	}
	return list
}

func poolProblems(growth storagegrowth.View) (list []Problem) {
	for _, pool := range growth.Pools {
		switch {
		case pool.Verdict == storagegrowth.VerdictUnreadable:
			list = append(list, Problem{Urgent: true, What: "Pool " + pool.Pool + " cannot be read", Why: pool.Decision, Commands: []string{"scaleioctl pools"}})
		case pool.Critical > 0 && pool.Fullness >= pool.Critical:
			list = append(list, Problem{
				Urgent: true, What: fmt.Sprintf("Pool %s is critically full: %.1f %%", pool.Pool, 100*pool.Fullness), Why: pool.Decision,
				Commands: []string{"scaleioctl growth preview " + quoted(pool.Pool), "scaleioctl growth request " + quoted(pool.Pool)},
			})
		case pool.Threshold > 0 && pool.Fullness >= pool.Threshold:
			list = append(list, Problem{
				What: fmt.Sprintf("Pool %s is above its threshold: %.1f %%", pool.Pool, 100*pool.Fullness), Why: pool.Decision,
				Commands: []string{"scaleioctl growth preview " + quoted(pool.Pool)},
			})
		}
		if pool.Degraded {
			list = append(list, Problem{Urgent: true, What: "Pool " + pool.Pool + " is degraded", Why: "some data has only one copy"})
		}
	}
	return list
}

// GrowthProblems lists what pools and growths want of an operator.
func GrowthProblems(growth storagegrowth.View) []Problem {
	return append(poolProblems(growth), growthProblems(growth)...)
}

func growthProblems(growth storagegrowth.View) (list []Problem) {
	for _, g := range growth.Growths {
		switch g.State {
		case model.GrowthOpen:
			if disks := disksWanted(g); len(disks) > 0 {
				list = append(list, Problem{
					What: "Growth " + g.ID + " of " + g.Pool + " waits for empty disks", Why: "wanted are " + strings.Join(disks, ", "),
					Remedy: "add them, nothing else is to be done", Commands: []string{"scaleioctl growth show " + quoted(g.ID)},
				})
			}
		case model.GrowthAwaiting:
			list = append(list, Problem{
				What: "Growth " + g.ID + " of " + g.Pool + " awaits approval", Why: g.Reason,
				Commands: []string{"scaleioctl growth show " + quoted(g.ID), "scaleioctl growth approve " + quoted(g.ID), "scaleioctl growth decline " + quoted(g.ID)},
			})
		case model.GrowthPartial:
			list = append(list, Problem{
				What: "Growth " + g.ID + " of " + g.Pool + " ended without all of its volumes", Remedy: "see why, mend that, then retry",
				Commands: []string{"scaleioctl growth show " + quoted(g.ID), "scaleioctl growth retry " + quoted(g.ID)},
			})
		}
	}
	if growth.Provider != "" {
		list = append(list, Problem{What: "The provider of volumes", Why: growth.Provider})
	}
	if n := len(growth.Orphans); n > 0 {
		list = append(list, Problem{What: fmt.Sprintf("%d orphaned volumes", n), Why: "they belong to nobody and cost money", Commands: []string{"scaleioctl growth orphans"}})
	}
	return list
}
