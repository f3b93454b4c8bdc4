package scaleioctl

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"scaleio-framework/internal/httpapi"
)

func (p *program) statusCommand(ctx context.Context, _ []string) error {
	var s httpapi.Status
	if _, err := p.ask(ctx, http.MethodGet, "/v1/status", nil, &s); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(s)
	}
	t := p.table()
	t.row("state", stateOf(s))
	t.row("leader", fmt.Sprintf("%s at %s, epoch %d", s.Leader.Instance, s.Leader.URL, s.Leader.Epoch))
	t.row("standby", fmt.Sprintf("%d", max(len(s.Leader.Candidates)-1, 0)))
	t.row("framework", s.FrameworkID+map[bool]string{true: ", subscribed to Mesos", false: ", NOT SUBSCRIBED to Mesos"}[s.Subscribed])
	t.row("system", strings.TrimSpace(s.System.Name+" "+s.System.ID))
	for _, m := range s.System.Members {
		t.row("", fmt.Sprintf("%s (%s) on %s", m.Name, m.Persona, m.Host))
	}
	for _, g := range s.System.Gateways {
		t.row("gateway", g.URL)
	}
	t.row("hosts", counts(s.Nodes))
	t.row("steps", counts(s.Steps))
	for _, problem := range s.Problems {
		t.row("problem", problem)
	}
	for _, u := range s.Unreadable {
		t.row("left alone", u.Path+": "+u.Reason)
	}
	return t.flush()
}

func stateOf(s httpapi.Status) string {
	switch {
	case s.Paused:
		return "paused"
	case s.Steps["stuck"] > 0:
		return "stuck: an operator is needed"
	case s.Complete:
		return "complete: volumes can be used"
	default:
		return "installing"
	}
}

func counts(c httpapi.Counts) string {
	parts := make([]string, 0, len(c))
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, fmt.Sprintf("%d %s", c[name], name))
	}
	if len(parts) == 0 {
		return "none yet"
	}
	return strings.Join(parts, ", ")
}

func (p *program) nodesCommand(ctx context.Context, _ []string) error {
	var nodes []httpapi.Node
	if _, err := p.ask(ctx, http.MethodGet, "/v1/nodes", nil, &nodes); err != nil {
		return err
	}
	if p.json {
		return p.printJSON(nodes)
	}
	t := p.table("HOST", "STATE", "PERSONA", "ADDRESS", "FAULT SET", "STEPS", "DEVICES", "REMARK")
	for _, n := range nodes {
		address, persona, set, steps, devices, remark := "", "", "", "", "", n.Reason
		if n.Inventory != nil {
			address = n.Inventory.Address
		}
		if n.Plan != nil {
			persona, set = string(n.Plan.Persona), n.Plan.FaultSet
			over := 0
			for _, step := range n.Plan.Steps {
				if step.Over() {
					over++
				}
			}
			steps = fmt.Sprintf("%d/%d", over, len(n.Plan.Steps))
			devices = fmt.Sprintf("%d", len(n.Plan.Devices))
			if n.Plan.Problem != "" {
				remark = n.Plan.Problem
			}
		}
		t.row(n.Hostname, string(n.State), persona, address, set, steps, devices, remark)
	}
	return t.flush()
}
