package bootstrap

import (
	"fmt"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
)

// RemovalPreview is a dry run: what a removal ordered now would do.
type RemovalPreview struct {
	System string `json:"system"`
	// Steps are those that have something left to take away, in the order of the
	// table; each begins when its own edges are met.
	Steps []PlannedRemoval `json:"steps"`
	// Blocked is what would hold the removal up, as far as records tell.
	Blocked []string `json:"blocked,omitempty"`
	// Volumes says that there may be volumes, which a gateway knows.
	Volumes bool `json:"volumes,omitempty"`
}

// PlannedRemoval is one step of a dry run.
type PlannedRemoval struct {
	Host string `json:"host,omitempty"` // empty: of the cluster
	Step string `json:"step"`
	Text string `json:"text"`
}

// PreviewRemoval decides from committed records what a removal would do.
// cluster is nil before the first term.
func PreviewRemoval(cluster *model.Cluster, plans map[string]*model.NodePlan, nodes map[string]*model.Node, keepData bool) RemovalPreview {
	if cluster == nil {
		return RemovalPreview{}
	}
	p := previewer{records: newRecords(cluster, plans), keepData: keepData}
	p.view.System = cluster.SystemName
	p.view.Volumes = (&Bootstrap{records: p.records}).begun()
	for _, s := range removalTable() {
		p.add(s)
	}
	p.block(nodes)
	return p.view
}

type previewer struct {
	records
	keepData bool
	view     RemovalPreview
}

func (p *previewer) add(s *spec) {
	switch {
	case p.keepData && s.Runner == ByGateway && s.Name != core.StepRemovalCheck:
	case s.Scope == PerNode:
		for _, host := range sortedKeys(p.plans) {
			if onboarded(p.plans[host]) && (s.undoes == "" || p.attempted(ref{host, s.undoes})) {
				p.plan(host, s.Name, s)
			}
		}
	case !p.view.Volumes:
	case s.Scope == PerCluster:
		p.plan("", s.Name, s)
	case s.undoes == "":
		for _, m := range p.cluster.Members {
			p.plan("", s.Name+"/"+m.Name, s)
		}
	default:
		for _, key := range sortedKeys(p.cluster.Steps) {
			if at := (ref{"", key}); at.name() == s.undoes && p.attempted(at) {
				p.plan("", s.Name+"/"+at.object(), s)
			}
		}
	}
}

func (p *previewer) plan(host, step string, s *spec) {
	if done, has := p.step(ref{host, step}); has && p.removing() && done.Over() {
		return
	}
	p.view.Steps = append(p.view.Steps, PlannedRemoval{Host: host, Step: step, Text: s.Text})
}

// block names what would hold a removal up.
func (p *previewer) block(nodes map[string]*model.Node) {
	say := func(format string, args ...any) {
		p.view.Blocked = append(p.view.Blocked, fmt.Sprintf(format, args...))
	}
	if reason := irremovable(p.cluster); reason != "" && !p.removing() {
		say("%s", reason)
		return
	}
	if p.busy > 0 && !p.removing() {
		say("%s is waited for", p.installing())
	}
	if p.cluster.Paused {
		say("the plan is paused: nothing begins before scaleioctl plan resume")
	}
	if p.view.Volumes && len(p.cluster.Gateways) == 0 && !p.removing() {
		say("there is no gateway yet, so whether there are volumes cannot be read")
	}
	for _, host := range sortedKeys(p.plans) {
		node := nodes[host]
		if !onboarded(p.plans[host]) || p.plans[host].Forgotten != "" || p.released(host) {
			continue
		}
		if node == nil || node.State != model.TaskRunning {
			say("host %s is out of reach: bring it back; during the removal, forget-host gives up a host that is gone for good", host)
		}
	}
}
