package ui

import (
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

// Source is what the page is made of.
type Source struct {
	View engine.View
	// Subscribed tells whether the leader is connected to Mesos.
	Subscribed bool
	// Candidates are all running instances, the leader among them.
	Candidates []leader.Card
	// Version is the leader's.
	Version string
	Now     time.Time
}

// Page is everything that the page shows.
type Page struct {
	// Error says why there is nothing to show; the rest is then empty.
	Error string

	State     State
	Paused    bool
	Epoch     state.Epoch
	Standbys  []leader.Card
	Framework string
	Mesos     string
	System    *model.Cluster
	Problems  []Problem
	Phases    []bootstrap.PhaseView
	Cluster   []Cell
	Hosts     Matrix
	Pools     []Pool
	Growths   []storagegrowth.GrowthView // newest first, the last 20
	Version   string
	Now       time.Time
}

// State is the answer to the first question.
type State struct {
	Class string // good, busy or bad
	Text  string
}

// maxGrowths is how many growths are shown.
const maxGrowths = 20

// Describe makes the page of a leader.
func Describe(from Source) Page {
	records := state.Decode(from.View.Records)
	plan := bootstrap.Describe(records.Cluster, records.Plans)
	growth := storagegrowth.Describe(from.View.Records)
	p := Page{
		State: stateOf(plan), Paused: plan.Paused, Epoch: records.Epoch, System: records.Cluster, Phases: plan.Phases,
		Hosts: matrixOf(plan.Steps, records.Nodes, records.Plans), Pools: poolsOf(growth), Version: from.Version, Now: from.Now.UTC(),
	}
	p.Epoch.Epoch = from.View.Epoch
	for _, card := range from.Candidates {
		if card.Instance != records.Epoch.Instance {
			p.Standbys = append(p.Standbys, card)
		}
	}
	if records.Framework != nil {
		p.Framework = records.Framework.ID
	}
	p.Mesos = mesosOf(records.Framework, from.Subscribed)
	for _, step := range plan.Steps {
		if step.Host == "" {
			p.Cluster = append(p.Cluster, cellOf(step))
		}
	}
	p.Growths = growth.Growths[:min(len(growth.Growths), maxGrowths)]
	p.Problems = problemsOf(from, records, plan, growth)
	return p
}

// stateOf says whether volumes can be used, too: that was proven once verify is
// done, and a host that joins later takes nothing back.
func stateOf(plan bootstrap.View) State {
	usable := "volumes cannot be used yet"
	for _, s := range plan.Steps {
		if s.Step == core.StepVerify && (s.State == model.Done || s.State == model.Skipped) {
			usable = "volumes can be used"
		}
	}
	switch {
	case plan.Uninstall.Over():
		return State{"good", "Uninstalled: nothing of the system is left"}
	case plan.Uninstall != nil && plan.Counts[model.Stuck] > 0:
		return State{"bad", "Uninstalling, and stuck: an operator is needed"}
	case plan.Uninstall != nil && plan.Uninstall.Begun == nil:
		return State{"busy", "Uninstalling: nothing was changed yet, the order can be cancelled"}
	case plan.Uninstall != nil:
		return State{"busy", "Uninstalling"}
	case plan.Counts[model.Stuck] > 0:
		return State{"bad", "Stuck, an operator is needed: " + usable}
	case plan.Complete:
		return State{"good", "Complete: " + usable}
	default:
		return State{"busy", "Installing: " + usable}
	}
}

func mesosOf(framework *model.Framework, subscribed bool) string {
	switch {
	case subscribed:
		return "subscribed"
	case framework == nil || framework.ID == "":
		return "no id drawn yet"
	case framework.Registered == nil:
		return "never taken by a master"
	default:
		return "NOT subscribed"
	}
}
