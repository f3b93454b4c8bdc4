package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"sort"
	"strings"
	"time"

	"scaleio-framework/internal/engine"
	"scaleio-framework/internal/model"
	"scaleio-framework/internal/version"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// records are the typed records of a view. What is unreadable is left out; the
// view says so.
type records struct {
	epoch     epochRecord
	framework *model.Framework
	cluster   *model.Cluster
	nodes     map[string]*model.Node
	plans     map[string]*model.NodePlan
}

// epochRecord is what is shown of /epoch.
type epochRecord struct {
	Instance string    `json:"instance"`
	URL      string    `json:"url"`
	Since    time.Time `json:"since"`
}

func read(view engine.View) records {
	r := records{nodes: make(map[string]*model.Node), plans: make(map[string]*model.NodePlan)}
	for path, entry := range view.Records {
		switch {
		case path == leader.PathEpoch:
			// Written by the elector; unreadable is not possible while we lead.
			_ = json.Unmarshal(entry.Data, &r.epoch)
		case path == leader.PathFramework:
			r.framework, _ = model.Decode[model.Framework](entry.Data)
		case path == leader.PathCluster:
			r.cluster, _ = model.Decode[model.Cluster](entry.Data)
		case strings.HasPrefix(path, leader.PathNodes+"/"):
			host, rest, isPlan := strings.Cut(strings.TrimPrefix(path, leader.PathNodes+"/"), "/")
			if !isPlan {
				if node, err := model.Decode[model.Node](entry.Data); err == nil {
					r.nodes[host] = node
				}
			} else if rest == "plan" {
				if plan, err := model.Decode[model.NodePlan](entry.Data); err == nil {
					r.plans[host] = plan
				}
			}
		}
	}
	return r
}

func (s *Server) leaderOf(ctx context.Context, view engine.View, r records) Leader {
	answer := Leader{Epoch: view.Epoch, Instance: r.epoch.Instance, URL: r.epoch.URL, Since: r.epoch.Since}
	if candidates, err := s.opts.Election.Candidates(ctx); err == nil {
		answer.Candidates = candidates
	}
	return answer
}

func (s *Server) getLeader(w http.ResponseWriter, r *http.Request, term Term) {
	view := term.View()
	reply(w, http.StatusOK, s.leaderOf(r.Context(), view, read(view)))
}

func (s *Server) abdicate(w http.ResponseWriter, _ *http.Request, term Term) {
	s.opts.Logger.Info("asked to abdicate")
	reply(w, http.StatusAccepted, map[string]string{"state": "handing over"})
	term.Abdicate()
}

func (s *Server) status(w http.ResponseWriter, req *http.Request, term Term) {
	view := term.View()
	r := read(view)
	plan := bootstrap.Describe(r.cluster, r.plans)
	status := Status{
		Leader:     s.leaderOf(req.Context(), view, r),
		Subscribed: term.Subscribed(),
		Nodes:      Counts{},
		Steps:      Counts{},
		Complete:   plan.Complete,
		Problems:   plan.Problems,
		Version:    version.String(),
	}
	if f := r.framework; f != nil {
		status.FrameworkID, status.Registered = f.ID, f.Registered != nil
	}
	if c := r.cluster; c != nil {
		status.Paused = c.Paused
		status.System = System{Name: c.SystemName, ID: c.SystemID, UUID: c.UUID, Version: c.Version, Members: c.Members, Gateways: c.Gateways}
		countSteps(status.Steps, c.Steps)
	}
	for _, node := range r.nodes {
		status.Nodes[string(node.State)]++
	}
	for _, p := range r.plans {
		countSteps(status.Steps, p.Steps)
	}
	for path, reason := range view.Unreadable {
		status.Unreadable = append(status.Unreadable, Unreadable{Path: path, Reason: reason})
	}
	sort.Slice(status.Unreadable, func(i, j int) bool { return status.Unreadable[i].Path < status.Unreadable[j].Path })
	reply(w, http.StatusOK, status)
}

func countSteps(counts Counts, steps map[string]model.Step) {
	for _, step := range steps {
		counts[string(step.State)]++
	}
}

func (s *Server) plan(w http.ResponseWriter, _ *http.Request, term Term) {
	r := read(term.View())
	reply(w, http.StatusOK, bootstrap.Describe(r.cluster, r.plans))
}

func (s *Server) nodes(w http.ResponseWriter, _ *http.Request, term Term) {
	r := read(term.View())
	list := make([]Node, 0, len(r.nodes))
	for host, node := range r.nodes {
		list = append(list, Node{Node: *node, Plan: r.plans[host]})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Hostname < list[j].Hostname })
	reply(w, http.StatusOK, list)
}

func (s *Server) node(w http.ResponseWriter, req *http.Request, term Term) {
	view := term.View()
	r := read(view)
	host := req.PathValue("host")
	node, ok := r.nodes[host]
	if reason := view.Unreadable[leader.PathNodes+"/"+host]; !ok && reason != "" {
		fail(w, http.StatusInternalServerError, "the record of node "+host+" is left alone: "+reason)
		return
	}
	if !ok {
		fail(w, http.StatusNotFound, "no node "+host+": /v1/nodes lists them")
		return
	}
	reply(w, http.StatusOK, Node{Node: *node, Plan: r.plans[host]})
}
