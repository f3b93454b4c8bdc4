package sandbox

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/leader"
)

// State is what stands in ZooKeeper, decoded.
type State struct {
	Epoch     uint64
	Instance  string // of the last leader
	Framework *model.Framework
	Cluster   *model.Cluster
	Nodes     map[string]*model.Node
	Plans     map[string]*model.NodePlan
}

// State reads everything that is stored.
func (w *World) State(ctx context.Context) (State, error) {
	tree, err := w.client.Tree(ctx)
	if err != nil {
		return State{}, err
	}
	return Decode(tree)
}

// Decode reads what one framework has stored.
func Decode(tree leader.Snapshot) (State, error) {
	s := state.Decode(tree)
	return State{
		Epoch: s.Epoch.Epoch, Instance: s.Epoch.Instance,
		Framework: s.Framework, Cluster: s.Cluster, Nodes: s.Nodes, Plans: s.Plans,
	}, s.Err()
}

// Steps lists every step as "host/step" or "cluster/step".
func (s State) Steps() map[string]model.Step {
	all := make(map[string]model.Step)
	if s.Cluster != nil {
		for key, step := range s.Cluster.Steps {
			all["cluster/"+key] = step
		}
	}
	for host, plan := range s.Plans {
		for key, step := range plan.Steps {
			all[host+"/"+key] = step
		}
	}
	return all
}

// Over counts the steps that are done or skipped.
func (s State) Over() int {
	n := 0
	for _, step := range s.Steps() {
		if step.Over() {
			n++
		}
	}
	return n
}

// Complete reports whether that many hosts are fully served and a volume was
// proven to work.
func (s State) Complete(hosts int) bool {
	if s.Cluster == nil || len(s.Plans) < hosts {
		return false
	}
	if verify, ok := s.Cluster.Steps[core.StepVerify]; !ok || verify.State != model.Done {
		return false
	}
	steps := s.Steps()
	for _, step := range steps {
		if !step.Over() {
			return false
		}
	}
	for host, plan := range s.Plans {
		if add, ok := plan.Steps[core.StepAddDevices]; !ok || !add.Over() || s.Nodes[host] == nil {
			return false
		}
	}
	return true
}

// Stuck names the steps that wait for an operator, with their errors.
func (s State) Stuck() []string {
	var list []string
	steps := s.Steps()
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		if step := steps[key]; step.State == model.Stuck {
			list = append(list, key+": "+step.Error)
		}
	}
	return list
}

// Repeated counts the attempts beyond the first of all steps.
func (s State) Repeated() int {
	n := 0
	for _, step := range s.Steps() {
		n += max(step.Attempt-1, 0)
	}
	return n
}

// Bootstrap is the time from the registration with Mesos to the proof that a
// volume works, by the leaders' clocks; zero before both are there.
func (s State) Bootstrap() time.Duration {
	if s.Framework == nil || s.Framework.Registered == nil || s.Cluster == nil {
		return 0
	}
	verify, ok := s.Cluster.Steps[core.StepVerify]
	if !ok || verify.Finished == nil {
		return 0
	}
	return verify.Finished.Sub(*s.Framework.Registered)
}

// pollInterval is how often a waiting scenario looks into ZooKeeper.
const pollInterval = 20 * time.Millisecond

// await polls the state until ok is true. onState sees each state.
func (w *World) await(ctx context.Context, what string, limit time.Duration, onState func(State), ok func(State) bool) (State, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	var last State
	for {
		state, err := w.State(ctx)
		if err == nil {
			last = state
			if onState != nil {
				onState(state)
			}
			if ok(state) {
				return state, nil
			}
			if stuck := state.Stuck(); len(stuck) > 0 {
				return state, fmt.Errorf("while waiting for %s a step is stuck: %s", what, strings.Join(stuck, "; "))
			}
		}
		select {
		case <-ctx.Done():
			return last, fmt.Errorf("%s did not happen within %s; %s; the logs are in %s", what, limit, last.unfinished(), w.dir)
		case <-ticker.C:
		}
	}
}

// unfinished says what is still to do, for the error of a scenario.
func (s State) unfinished() string {
	steps := s.Steps()
	var open []string
	for _, key := range slices.Sorted(maps.Keys(steps)) {
		if step := steps[key]; !step.Over() {
			open = append(open, strings.TrimSpace(fmt.Sprintf("%s is %s %s", key, step.State, step.Error)))
		}
	}
	if len(open) == 0 {
		return fmt.Sprintf("%d steps are over, none is open", s.Over())
	}
	return "open: " + strings.Join(open, ", ")
}
