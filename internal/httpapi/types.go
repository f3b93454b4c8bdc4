package httpapi

import (
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
	"scaleio-framework/scheduler/bootstrap"
)

// Leader is the answer of GET /v1/leader.
type Leader struct {
	Epoch    uint64    `json:"epoch"`
	Instance string    `json:"instance"`
	URL      string    `json:"url"`
	Since    time.Time `json:"since,omitzero"`
	// Candidates are all running instances, the leader among them.
	Candidates []leader.Card `json:"candidates,omitempty"`
}

// Status is the answer of GET /v1/status.
type Status struct {
	Leader      Leader `json:"leader"`
	FrameworkID string `json:"framework_id"`
	// Registered tells whether a Mesos master ever took the framework.
	Registered bool `json:"registered"`
	// Subscribed tells whether the leader is connected to Mesos at the moment.
	Subscribed bool   `json:"subscribed"`
	System     System `json:"system"`
	Nodes      Counts `json:"nodes"`
	Steps      Counts `json:"steps"`
	Complete   bool   `json:"complete"`
	Paused     bool   `json:"paused,omitempty"`
	// Uninstall is the order to remove the system; Steps are those of the removal
	// then, and Complete says that nothing is left.
	Uninstall *model.Uninstall `json:"uninstall,omitempty"`
	Problems  []string         `json:"problems,omitempty"`
	// Growth is what pools and growths want of an operator.
	Growth     []string     `json:"growth,omitempty"`
	Unreadable []Unreadable `json:"unreadable,omitempty"`
	Version    string       `json:"version"`
}

// System is the ScaleIO system in short.
type System struct {
	Name     string          `json:"name,omitempty"`
	ID       string          `json:"id,omitempty"`
	UUID     string          `json:"uuid,omitempty"`
	Version  string          `json:"version,omitempty"`
	Members  []model.Member  `json:"members,omitempty"`
	Gateways []model.Gateway `json:"gateways,omitempty"`
	// MDMCertificates are those that the gateways trust, in PEM by address.
	MDMCertificates map[string]string `json:"mdm_certificates,omitempty"`
}

// Counts are numbers by state.
type Counts map[string]int

// Unreadable is a record that is left alone, and why.
type Unreadable struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Node is one element of GET /v1/nodes.
type Node struct {
	model.Node
	Plan *model.NodePlan `json:"plan,omitempty"`
	// PlanUnreadable says why the plan is left alone, and not here.
	PlanUnreadable string `json:"plan_unreadable,omitempty"`
}

// Plan is the answer of GET /v1/plan.
type Plan = bootstrap.View

// OrderRequest is the body of POST /v1/plan/{verb} and /v1/growth/{verb}; the
// fields mean what they mean in model.Order, and each verb takes its own only.
type OrderRequest struct {
	Host    string `json:"host,omitempty"`
	Step    string `json:"step,omitempty"`
	Growth  string `json:"growth,omitempty"`
	Pool    string `json:"pool,omitempty"`
	SizeGiB int    `json:"size_gib,omitempty"`
	Volume  string `json:"volume,omitempty"`
	// System, KeepData and RemoveVolumes belong to POST /v1/uninstall.
	System        string `json:"system,omitempty"`
	KeepData      bool   `json:"keep_data,omitempty"`
	RemoveVolumes bool   `json:"remove_volumes,omitempty"`
	By            string `json:"by,omitempty"`
}

// OrderAnswer says what became of an order.
type OrderAnswer struct {
	Order string `json:"order"` // its znode
	// State is applied, refused or waiting (for a leader to take it).
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Problem is the body of every error answer.
type Problem struct {
	Error string `json:"error"`
}
