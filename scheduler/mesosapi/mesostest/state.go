package mesostest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// The operator's endpoints are for people and for sanity checks; they show the main fields of the real ones.

func writeJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	// A reader that has gone away cannot be told anything.
	_ = json.NewEncoder(w).Encode(body)
}

func writeVersion(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]any{
		"build_date": "2026-11-23 00:00:00 UTC", "build_time": 1795392000.0, "build_user": "mesostest", "git_sha": "0", "version": version,
	})
}

func (c *Cluster) writeState(m *master, w http.ResponseWriter) {
	c.mu.Lock()
	agents := c.agentsStateLocked(m)
	active := 0
	for _, record := range m.agents {
		if record.active {
			active++
		}
	}
	pid := m.info.GetPID()
	body := map[string]any{
		"version": version, "id": m.id, "pid": pid, "hostname": m.info.GetHostname(), "leader": pid,
		"elected_time": float64(m.elected.UnixNano()) / 1e9, "start_time": float64(m.elected.UnixNano()) / 1e9,
		"activated_slaves": active, "slaves": agents, "frameworks": c.frameworksStateLocked(m),
		"completed_frameworks": completed(m), "leader_info": map[string]any{
			"id": m.id, "pid": pid, "port": m.info.GetPort(), "hostname": m.info.GetHostname(),
		},
	}
	c.mu.Unlock()
	writeJSON(w, body)
}

func (c *Cluster) writeFrameworks(m *master, w http.ResponseWriter) {
	c.mu.Lock()
	body := map[string]any{
		"frameworks": c.frameworksStateLocked(m), "completed_frameworks": completed(m), "unregistered_frameworks": []string{},
	}
	c.mu.Unlock()
	writeJSON(w, body)
}

func (c *Cluster) writeAgents(m *master, w http.ResponseWriter) {
	c.mu.Lock()
	body := map[string]any{"slaves": c.agentsStateLocked(m), "recovered_slaves": []string{}}
	c.mu.Unlock()
	writeJSON(w, body)
}

func completed(m *master) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(m.removed)) {
		list = append(list, map[string]any{"id": id})
	}
	return list
}

func (c *Cluster) frameworksStateLocked(m *master) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(m.frameworks)) {
		f := m.frameworks[id]
		tasks := []map[string]any{}
		for agentID, record := range m.agents {
			for key, task := range record.tasks {
				if key.framework == id {
					tasks = append(tasks, map[string]any{
						"id": key.task, "name": task.info.Name, "slave_id": agentID, "executor_id": task.executor,
						"framework_id": id, "state": task.status.State.String(), "resources": amounts(task.info.Resources),
					})
				}
			}
		}
		offers := []string{}
		for _, o := range m.offers {
			if o.framework == id {
				offers = append(offers, o.id)
			}
		}
		list = append(list, map[string]any{
			"id": id, "name": f.info.Name, "user": f.info.User, "active": f.stream != nil, "connected": f.stream != nil,
			"recovered": f.stream == nil && f.removal == nil, "checkpoint": f.info.GetCheckpoint(), "roles": f.roles(),
			"failover_timeout": f.info.GetFailoverTimeout(), "tasks": tasks, "offers": offers,
		})
	}
	return list
}

func (c *Cluster) agentsStateLocked(m *master) []map[string]any {
	list := []map[string]any{}
	for _, id := range slices.Sorted(maps.Keys(m.agents)) {
		record := m.agents[id]
		attributes := record.agent.opts.Attributes
		if attributes == nil {
			attributes = map[string]string{}
		}
		list = append(list, map[string]any{
			"id": id, "hostname": record.agent.opts.Hostname, "port": record.agent.port(), "active": record.active,
			"pid": "slave(1)@" + record.agent.addr, "attributes": attributes, "version": version,
			"resources": amounts(record.agent.resources), "used_resources": amounts(record.agent.usedLocked()),
		})
	}
	return list
}

func amounts(list []mesos.Resource) map[string]any {
	out := map[string]any{"cpus": 0.0, "mem": 0.0, "disk": 0.0, "gpus": 0.0}
	for _, r := range list {
		if r.Scalar != nil {
			out[r.Name] = r.Scalar.Value
		}
	}
	return out
}

// handleTeardown is the operator's way to remove a framework.
func (c *Cluster) handleTeardown(m *master, w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("frameworkId")
	c.mu.Lock()
	defer c.mu.Unlock()
	f := m.frameworks[id]
	if f == nil || c.master != m {
		badRequest("No framework found with specified ID").write(w)
		return
	}
	c.removeFrameworkLocked(m, f)
	w.WriteHeader(http.StatusOK)
}

// handleOperator knows GET_HEALTH and MARK_AGENT_GONE of the operator API, in JSON.
func (c *Cluster) handleOperator(m *master, w http.ResponseWriter, r *http.Request) {
	var call struct {
		Type          string `json:"type"`
		MarkAgentGone struct {
			AgentID mesos.AgentID `json:"agent_id"`
		} `json:"mark_agent_gone"`
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil && strings.TrimSpace(string(body)) != "" {
		err = json.Unmarshal(body, &call)
	}
	switch {
	case err != nil:
		badRequest("Failed to parse body into JSON: %v", err).write(w)
	case call.Type == "GET_HEALTH":
		writeJSON(w, map[string]any{"type": "GET_HEALTH", "get_health": map[string]bool{"healthy": true}})
	case call.Type == "MARK_AGENT_GONE":
		c.mu.Lock()
		var agent *Agent
		if record := m.agents[call.MarkAgentGone.AgentID.Value]; record != nil {
			agent = record.agent
		}
		c.mu.Unlock()
		if agent == nil {
			(&refusal{status: http.StatusNotFound, text: "Agent not found"}).write(w)
		} else if err := agent.MarkGone(); err != nil {
			badRequest("%v", err).write(w)
		}
	default:
		badRequest("Failed to validate master::Call: Expecting 'type' to be present").write(w)
	}
}
