package model

import (
	"errors"
	"time"
)

// Framework is /framework: who we are to Mesos. The id is drawn by us and
// committed before the first SUBSCRIBE, and never changes by itself.
type Framework struct {
	ID    string    `json:"id"`
	Drawn time.Time `json:"drawn"`
	// Registered is when a master first accepted the id.
	Registered *time.Time `json:"registered,omitempty"`
	// Forgotten is the id that an operator gave up, in a record without an id:
	// the next leader draws a new one.
	Forgotten string `json:"forgotten,omitempty"`
}

// Validate checks a record that an operator may have edited.
func (f *Framework) Validate() error {
	if f.ID == "" && f.Forgotten == "" {
		return errors.New("id is empty")
	}
	return nil
}

// TaskState is where the node agent of a host stands.
type TaskState string

const (
	// TaskNone: the host was seen in an offer; nothing was launched yet.
	TaskNone TaskState = "none"
	// TaskLaunching: the launch is committed and has not been answered.
	TaskLaunching TaskState = "launching"
	// TaskRunning: the node agent runs.
	TaskRunning TaskState = "running"
	// TaskUnreachable: Mesos lost the agent; the task may come back alive.
	TaskUnreachable TaskState = "unreachable"
	// TaskEnded: the task is terminal; an offer of the host starts the next.
	TaskEnded TaskState = "ended"
)

// Node is /nodes/<hostname>: one agent host and its node agent.
type Node struct {
	Hostname string `json:"hostname"`
	AgentID  string `json:"agent_id"`
	// Attributes are the Mesos agent's, as last offered.
	Attributes map[string]string `json:"attributes,omitempty"`
	State      TaskState         `json:"state"`
	// Launch is the last launch intent, complete (R3); nil before the first.
	Launch *Launch `json:"launch,omitempty"`
	// Since is when State last changed.
	Since time.Time `json:"since"`
	// Reason is why the task is not running, in the words of Mesos.
	Reason      string     `json:"reason,omitempty"`
	Inventory   *Inventory `json:"inventory,omitempty"`
	LastContact *time.Time `json:"last_contact,omitempty"`
	// Refused is the last update of this node that could not be used; it was
	// acknowledged all the same, else it would block its task for ever.
	Refused *Refused `json:"refused,omitempty"`
}

// Launch is everything that an ACCEPT of a node agent says.
type Launch struct {
	Number     int     `json:"number"` // 1 for the first launch on this host
	TaskID     string  `json:"task_id"`
	ExecutorID string  `json:"executor_id"`
	AgentID    string  `json:"agent_id"`
	OfferID    string  `json:"offer_id"`
	Persona    Persona `json:"persona"`
	CPUs       float64 `json:"cpus"`
	MemoryMB   float64 `json:"memory_mb"` // MiB
	// URI is where the node agent program is fetched from.
	URI string `json:"uri"`
	// SHA256 is the program's checksum, part of the URI's path.
	SHA256 string    `json:"sha256,omitempty"`
	At     time.Time `json:"at"`
}

// Refused says what could not be used and why.
type Refused struct {
	What   string    `json:"what"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Validate checks a record that an operator may have edited.
func (n *Node) Validate() error {
	switch n.State {
	case TaskNone, TaskLaunching, TaskRunning, TaskUnreachable, TaskEnded:
	default:
		return errors.New("state is none of none, launching, running, unreachable, ended")
	}
	if n.Hostname == "" {
		return errors.New("hostname is empty")
	}
	if n.State != TaskNone && (n.Launch == nil || n.Launch.TaskID == "" || n.Launch.Number < 1) {
		return errors.New("a node that was launched has no launch with number and task_id")
	}
	return nil
}
