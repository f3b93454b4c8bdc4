package httpapi

import (
	"context"
	"net/http"
	"sort"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/state"
	"scaleio-framework/internal/ui"
	"scaleio-framework/internal/version"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
	"scaleio-framework/storagegrowth"
)

func (s *Server) leaderOf(ctx context.Context, view engine.View, epoch state.Epoch) Leader {
	answer := Leader{Epoch: view.Epoch, Instance: epoch.Instance, URL: epoch.URL, Since: epoch.Since}
	if candidates, err := s.opts.Election.Candidates(ctx); err == nil {
		answer.Candidates = candidates
	}
	return answer
}

func (s *Server) getLeader(w http.ResponseWriter, r *http.Request, term Term) {
	view := term.View()
	reply(w, http.StatusOK, s.leaderOf(r.Context(), view, state.Decode(view.Records).Epoch))
}

func (s *Server) abdicate(w http.ResponseWriter, _ *http.Request, term Term) {
	s.opts.Logger.Info("asked to abdicate")
	reply(w, http.StatusAccepted, map[string]string{"state": "handing over"})
	term.Abdicate()
}

func (s *Server) status(w http.ResponseWriter, req *http.Request, term Term) {
	view := term.View()
	r := state.Decode(view.Records)
	plan := describe(r)
	status := Status{
		Leader:     s.leaderOf(req.Context(), view, r.Epoch),
		Subscribed: term.Subscribed(),
		Nodes:      Counts{},
		Steps:      Counts{},
		Complete:   plan.Complete,
		Problems:   plan.Problems,
		Version:    version.String(),
	}
	if f := r.Framework; f != nil {
		status.FrameworkID, status.Registered = f.ID, f.Registered != nil
	}
	if c := r.Cluster; c != nil {
		status.Paused = c.Paused
		status.System = System{Name: c.SystemName, ID: c.SystemID, UUID: c.UUID, Version: c.Version, Members: c.Members, Gateways: c.Gateways, MDMCertificates: c.MDMCertificates}
		countSteps(status.Steps, c.Steps)
	}
	for _, node := range r.Nodes {
		status.Nodes[string(node.State)]++
	}
	for _, p := range r.Plans {
		countSteps(status.Steps, p.Steps)
	}
	for _, problem := range ui.GrowthProblems(storagegrowth.Describe(view.Records)) {
		status.Growth = append(status.Growth, problem.String())
	}
	for path, reason := range view.Unreadable {
		status.Unreadable = append(status.Unreadable, Unreadable{Path: path, Reason: reason})
	}
	sort.Slice(status.Unreadable, func(i, j int) bool { return status.Unreadable[i].Path < status.Unreadable[j].Path })
	if plan.Uninstall != nil {
		status.Uninstall, status.Steps = plan.Uninstall, Counts{}
		for state, n := range plan.Counts {
			status.Steps[string(state)] = n
		}
	}
	reply(w, http.StatusOK, status)
}

// describe is the plan, with what keeps hosts out of it.
func describe(r state.State) bootstrap.View {
	view := bootstrap.Describe(r.Cluster, r.Plans)
	view.Problems = append(view.Problems, bootstrap.Unusable(r.Nodes, r.Plans)...)
	return view
}

func countSteps(counts Counts, steps map[string]model.Step) {
	for _, step := range steps {
		counts[string(step.State)]++
	}
}

func (s *Server) plan(w http.ResponseWriter, _ *http.Request, term Term) {
	r := state.Decode(term.View().Records)
	reply(w, http.StatusOK, describe(r))
}

func (s *Server) nodes(w http.ResponseWriter, _ *http.Request, term Term) {
	view := term.View()
	r := state.Decode(view.Records)
	list := make([]Node, 0, len(r.Nodes))
	for host, node := range r.Nodes {
		list = append(list, nodeOf(view, r, host, node))
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Hostname < list[j].Hostname })
	reply(w, http.StatusOK, list)
}

func (s *Server) node(w http.ResponseWriter, req *http.Request, term Term) {
	view := term.View()
	r := state.Decode(view.Records)
	host := req.PathValue("host")
	node, ok := r.Nodes[host]
	if reason := view.Unreadable[leader.PathNodes+"/"+host]; !ok && reason != "" {
		fail(w, http.StatusInternalServerError, "the record of node "+host+" is left alone: "+reason)
		return
	}
	if !ok {
		fail(w, http.StatusNotFound, "no node "+host+": /v1/nodes lists them")
		return
	}
	reply(w, http.StatusOK, nodeOf(view, r, host, node))
}

func nodeOf(view engine.View, r state.State, host string, node *model.Node) Node {
	return Node{Node: *node, Plan: r.Plans[host], PlanUnreadable: view.Unreadable[leader.PathNodes+"/"+host+"/plan"]}
}
