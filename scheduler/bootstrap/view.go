package bootstrap

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// View is the install plan as operators see it.
type View struct {
	// Complete says that every step is done or skipped, verify among them; of a
	// removal, that nothing is left.
	Complete bool `json:"complete"`
	Paused   bool `json:"paused,omitempty"`
	// Uninstall is the order to remove the system. Once it is given, the steps are
	// those of the removal, and those of the installation that still run.
	Uninstall *model.Uninstall `json:"uninstall,omitempty"`
	// Problems are what an operator should know or do, most general first.
	Problems []string                `json:"problems,omitempty"`
	Counts   map[model.StepState]int `json:"counts"`
	Phases   []PhaseView             `json:"phases"`
	Steps    []StepView              `json:"steps"`
}

// PhaseView sums up the steps of a phase.
type PhaseView struct {
	Name  string          `json:"name"`
	State model.StepState `json:"state"` // pending, running, stuck or done
	Total int             `json:"total"`
	Over  int             `json:"over"` // done or skipped
}

// StepView is one step of the plan.
type StepView struct {
	Host    string          `json:"host,omitempty"` // empty: of the cluster
	Step    string          `json:"step"`
	Phase   string          `json:"phase"`
	State   model.StepState `json:"state"`
	Attempt int             `json:"attempt,omitempty"`
	// Failures counts towards stuck.
	Failures int    `json:"failures,omitempty"`
	Runner   string `json:"runner,omitempty"`
	Error    string `json:"error,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// WaitsFor names what is missing before a pending step may start.
	WaitsFor  []string   `json:"waits_for,omitempty"`
	Started   *time.Time `json:"started,omitempty"`
	Finished  *time.Time `json:"finished,omitempty"`
	NotBefore *time.Time `json:"not_before,omitempty"`
}

// Describe turns committed records into a view. cluster is nil before the
// first term; plans are by host.
func Describe(cluster *model.Cluster, plans map[string]*model.NodePlan) View {
	d := describer{graph: newGraph(), view: View{Counts: make(map[model.StepState]int)}}
	if cluster == nil {
		d.view.Problems = []string{"no scheduler has led yet"}
		return d.view
	}
	d.records = newRecords(cluster, plans)
	d.view.Paused, d.view.Uninstall = cluster.Paused, cluster.Uninstall
	for _, key := range sortedKeys(cluster.Steps) {
		d.add(ref{"", key}, cluster.Steps[key])
	}
	for _, host := range sortedKeys(plans) {
		for _, key := range sortedKeys(plans[host].Steps) {
			d.add(ref{host, key}, plans[host].Steps[key])
		}
	}
	slices.SortStableFunc(d.view.Steps, func(a, b StepView) int {
		return cmp.Or(
			cmp.Compare(d.order(a.Step), d.order(b.Step)),
			strings.Compare(a.Host, b.Host),
			strings.Compare(a.Step, b.Step),
		)
	})
	d.sumUp()
	d.problems()
	return d.view
}

type describer struct {
	records
	graph *graph
	view  View
}

// order is the place of a step in the graph; steps of a newer release come
// last.
func (d *describer) order(key string) int {
	if rank, ok := d.graph.rank[nodeproto.Name(key)]; ok {
		return rank
	}
	return len(d.graph.specs)
}

func (d *describer) add(at ref, step model.Step) {
	if s := d.graph.byName[at.name()]; s != nil && s.removal != d.removing() && (s.removal || step.State != model.Running) {
		return
	}
	v := StepView{
		Host: at.host, Step: at.key, State: step.State, Attempt: step.Attempt, Failures: step.Failures,
		Runner: step.Runner, Error: step.Error, Reason: step.Reason,
		Started: step.Started, Finished: step.Finished, NotBefore: step.NotBefore,
	}
	if s := d.graph.byName[at.name()]; s != nil {
		v.Phase = s.Phase
		if step.State == model.Pending {
			v.WaitsFor = d.waitsFor(s, at)
		}
	}
	d.view.Counts[step.State]++
	d.view.Steps = append(d.view.Steps, v)
}

func (d *describer) sumUp() {
	byName := make(map[string]*PhaseView)
	phases := Phases()
	if d.removing() {
		phases = []string{PhaseRemoval}
	}
	for _, name := range phases {
		d.view.Phases = append(d.view.Phases, PhaseView{Name: name, State: model.Pending})
	}
	for i := range d.view.Phases {
		byName[d.view.Phases[i].Name] = &d.view.Phases[i]
	}
	verified, all := false, true
	for _, s := range d.view.Steps {
		over := s.State == model.Done || s.State == model.Skipped
		all = all && over
		if s.Step == core.StepVerify {
			verified = over
		}
		p := byName[s.Phase]
		if p == nil {
			continue
		}
		p.Total++
		switch {
		case over:
			p.Over++
			if p.State == model.Pending {
				p.State = model.Running
			}
		case s.State == model.Stuck:
			p.State = model.Stuck
		case s.Attempt > 0 && p.State == model.Pending:
			p.State = model.Running
		}
	}
	for i, p := range d.view.Phases {
		if p.Total > 0 && p.Over == p.Total {
			d.view.Phases[i].State = model.Done
		}
	}
	d.view.Complete = verified && all
	if d.removing() {
		d.view.Complete = d.cluster.Uninstall.Over()
	}
}

func (d *describer) problems() {
	if text := d.cluster.Problem; text != "" {
		d.view.Problems = append(d.view.Problems, text)
	}
	for _, host := range sortedKeys(d.plans) {
		if text := d.plans[host].Problem; text != "" {
			d.view.Problems = append(d.view.Problems, "host "+host+": "+text)
		}
	}
	for _, s := range d.view.Steps {
		if s.State == model.Stuck {
			d.view.Problems = append(d.view.Problems, fmt.Sprintf("step %s is stuck: %s (mend it and order retry, or force-complete)", ref{s.Host, s.Step}, s.Error))
		}
	}
}
