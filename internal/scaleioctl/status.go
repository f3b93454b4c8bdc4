package scaleioctl

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
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
	standby := fmt.Sprintf("%d", max(len(s.Leader.Candidates)-1, 0))
	if len(s.Leader.Candidates) < 2 {
		standby = noStandby
	}
	t.row("standby", standby)
	t.row("framework", frameworkOf(s))
	t.row("system", strings.TrimSpace(s.System.Name+" "+s.System.ID))
	for _, m := range s.System.Members {
		t.row("", fmt.Sprintf("%s (%s) on %s", m.Name, m.Persona, m.Host))
	}
	for _, g := range s.System.Gateways {
		what := "gateway"
		if g.Platform() {
			what = "platform"
		}
		t.row(what, strings.TrimSpace(g.URL+" "+pinned(g.CertificatePEM)))
	}
	for _, address := range slices.Sorted(maps.Keys(s.System.MDMCertificates)) {
		t.row("MDM", address+" "+pinned(s.System.MDMCertificates[address]))
	}
	t.row("hosts", counts(s.Nodes))
	t.row("steps", counts(s.Steps))
	for _, problem := range s.Problems {
		t.row("problem", problem)
	}
	for _, attention := range s.Growth {
		t.row("growth", attention)
	}
	for _, u := range s.Unreadable {
		t.row("left alone", u.Path+": "+u.Reason)
	}
	return t.flush()
}

// pinned names a certificate that is trusted as it was first seen, as openssl
// x509 -fingerprint -sha256 does; empty for none.
func pinned(text string) string {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return ""
	}
	sum := sha256.Sum256(block.Bytes)
	digits := make([]string, len(sum))
	for i, b := range sum {
		digits[i] = fmt.Sprintf("%02X", b)
	}
	return "certificate SHA-256 " + strings.Join(digits, ":")
}

// frameworkOf says how we stand with Mesos.
func frameworkOf(s httpapi.Status) string {
	switch {
	case s.FrameworkID == "":
		return "no id drawn yet"
	case s.Subscribed:
		return s.FrameworkID + ", subscribed to Mesos"
	case s.Registered:
		return s.FrameworkID + ", NOT SUBSCRIBED to Mesos at the moment: look at the masters and the leader's log"
	default:
		return s.FrameworkID + ", NEVER TAKEN by a Mesos master: look at --mesos, the masters and the leader's log"
	}
}

// stuck is said of a plan that goes no further by itself.
const stuck = "stuck: an operator is needed, see the problems below (once mended: scaleioctl plan retry STEP [--host HOST])"

func stateOf(s httpapi.Status) string {
	state := "installing"
	switch {
	case s.Uninstall.Over():
		state = "uninstalled: nothing of the system is left, see scaleioctl uninstall --dry-run"
	case s.Uninstall != nil && s.Steps["stuck"] > 0:
		state = "uninstalling, and " + stuck
	case s.Uninstall != nil && s.Uninstall.Begun == nil:
		state = "uninstalling: nothing was changed yet (scaleioctl uninstall cancel)"
	case s.Uninstall != nil:
		state = "uninstalling"
	case s.Steps["stuck"] > 0:
		state = stuck
	case s.Complete:
		state = "complete: volumes can be used"
	}
	if s.Paused {
		state += "; PAUSED: no step is started (scaleioctl plan resume)"
	}
	if len(s.Unreadable) > 0 {
		state += "; some records are left alone, see below"
	}
	return state
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
	shown := 0
	for _, n := range nodes {
		if p.host != "" && n.Hostname != p.host {
			continue
		}
		shown++
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
		if n.PlanUnreadable != "" {
			remark = "its plan is left alone: " + n.PlanUnreadable
		}
		if r := n.Refused; r != nil {
			remark = strings.TrimPrefix(remark+"; "+fmt.Sprintf("its last %s could not be used: %s", r.What, r.Reason), "; ")
		}
		t.row(n.Hostname, string(n.State), persona, address, set, steps, devices, remark)
	}
	switch {
	case shown == 0 && p.host != "":
		return fmt.Errorf("no host %s is known: scaleioctl nodes lists them", p.host)
	case shown == 0:
		fmt.Fprintln(p.Out, "no host was seen in an offer yet: look whether Mesos agents run and offer to the role")
		return nil
	}
	return t.flush()
}
