package core

import (
	"fmt"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// TermStarted is the first event of a core's life: after winning, and after
// each reload. For every open intent the core now emits the question.
type TermStarted struct {
	Epoch uint64
	// Entropy is a fresh UUID: the only source of identities for the cores.
	Entropy string
	// Again says that the same process led before the reload: subscriptions
	// and other performers are still at work.
	Again bool
}

// TimerFired answers a Timer. Timers do not survive a reload.
type TimerFired struct{ Key string }

// MesosSubscribed says that a master took our SUBSCRIBE. It also comes after a
// failover of the master, and again and again.
type MesosSubscribed struct {
	FrameworkID string
	Master      string // host:port
}

// MesosDisconnected says that the event stream ended; offers are void.
type MesosDisconnected struct{ Reason string }

// Offer is one offer of a Mesos agent, reduced to what we use.
type Offer struct {
	ID         string
	AgentID    string
	Hostname   string
	CPUs       float64
	MemoryMB   float64 // MiB
	Attributes map[string]string
	// Unavailable says that maintenance is scheduled for the agent.
	Unavailable bool
}

// OffersReceived carries the offers of one OFFERS event.
type OffersReceived struct{ Offers []Offer }

// OfferRescinded withdraws one offer.
type OfferRescinded struct{ OfferID string }

// TaskUpdated is a task status. UUID is empty when the master made it; such an
// update is not acknowledged.
type TaskUpdated struct {
	TaskID     string
	AgentID    string
	ExecutorID string
	State      string // TASK_RUNNING ...
	Source     string // SOURCE_MASTER ...
	Reason     string // REASON_RECONCILIATION ...
	Message    string
	UUID       []byte
	Data       []byte
}

// MessageReceived is an executor message.
type MessageReceived struct {
	AgentID    string
	ExecutorID string
	Data       []byte
}

// AgentFailed says that Mesos removed an agent, or that one of its executors
// ended (ExecutorID set, Status is the raw wait status).
type AgentFailed struct {
	AgentID    string
	ExecutorID string
	Status     int
}

// CallRefused says that the master refused a call that a core made.
type CallRefused struct {
	Effect Effect
	Err    string
}

// HostSeen is told by fleet when a host is offered: bootstrap may place it.
type HostSeen struct {
	Host       string
	CPUs       float64
	MemoryMB   float64
	Attributes map[string]string
	// Served says that its node agent was launched already.
	Served bool
}

// HostWanted is told by bootstrap: a node agent shall run on the host, with
// these resources. It is told for each planned host after TermStarted too.
type HostWanted struct {
	Host     string
	Persona  model.Persona
	CPUs     float64
	MemoryMB float64
}

// NodeUp is told by fleet when a node agent can be spoken to: after its first
// inventory, after each new one, and after TermStarted for those that run.
type NodeUp struct {
	Host       string
	Address    NodeAddress
	Inventory  *model.Inventory
	Attributes map[string]string
}

// NodeAddress is how a node agent is reached through Mesos.
type NodeAddress struct {
	AgentID    string
	ExecutorID string
	// PublicKey is what secrets are sealed to.
	PublicKey string
}

// NodeDown is told by fleet when a node agent cannot be spoken to: its task
// ended, or Mesos lost its agent. NodeUp follows when it is back.
type NodeDown struct {
	Host   string
	Reason string
}

// NodeUnusable is told by fleet of a host whose node agent never described it
// in a way that could be used: once a term, and when the reason changes. NodeUp
// follows when it does.
type NodeUnusable struct {
	Host   string
	Reason string
}

// NodeReported is told by fleet: the state of one attempt on a node. It comes
// from status updates and from messages, so it may come twice.
type NodeReported struct {
	Host   string
	Report nodeproto.Report
}

// NodeRefused is told by fleet: a command was not taken.
type NodeRefused struct {
	Host string
	// Highest is the highest epoch that the node has seen.
	Highest uint64
	Refusal nodeproto.Refusal
}

// GatewayAnswered is the outcome of a GatewayCall.
type GatewayAnswered struct {
	Host    string // empty for a cluster step
	Step    string
	Attempt int
	Result  []byte // JSON, when Err is empty
	Err     string
	// Interrupted says that nothing is known to be wrong with the request: no
	// gateway could be reached, or the lease lapsed. It does not count.
	Interrupted bool
	// Hopeless says that a retry cannot help.
	Hopeless bool
}

// OrderReceived is an operator's order, read from /orders.
type OrderReceived struct {
	Path    string // below the root
	Version int32  // of the znode
	Raw     []byte
}

// Poisoned replaces an event that twice made a commit fail. What carries a
// uuid is acknowledged all the same.
type Poisoned struct {
	Event  Event
	Reason string
}

func (e TermStarted) String() string     { return fmt.Sprintf("term %d started", e.Epoch) }
func (e TimerFired) String() string      { return "timer " + e.Key }
func (e MesosSubscribed) String() string { return "subscribed as " + e.FrameworkID }
func (e MesosDisconnected) String() string {
	return "disconnected from Mesos: " + e.Reason
}
func (e OffersReceived) String() string { return fmt.Sprintf("%d offers", len(e.Offers)) }
func (e OfferRescinded) String() string { return "offer " + e.OfferID + " rescinded" }
func (e TaskUpdated) String() string {
	return fmt.Sprintf("task %s is %s (%s)", e.TaskID, e.State, e.Reason)
}
func (e MessageReceived) String() string { return "message from " + e.ExecutorID }
func (e AgentFailed) String() string {
	return fmt.Sprintf("failure of agent %s executor %q status %d", e.AgentID, e.ExecutorID, e.Status)
}
func (e CallRefused) String() string { return fmt.Sprintf("refused: %s: %s", e.Effect, e.Err) }
func (e HostSeen) String() string    { return "host " + e.Host + " seen" }
func (e HostWanted) String() string {
	return fmt.Sprintf("host %s wanted as %s", e.Host, e.Persona)
}
func (e NodeUp) String() string   { return "node " + e.Host + " up" }
func (e NodeDown) String() string { return "node " + e.Host + " down: " + e.Reason }
func (e NodeReported) String() string {
	return fmt.Sprintf("node %s: %s attempt %d %s %s", e.Host, e.Report.Step, e.Report.Attempt, e.Report.State, e.Report.Error)
}

func (e NodeUnusable) String() string { return "node " + e.Host + " unusable: " + e.Reason }

func (e NodeRefused) String() string {
	return fmt.Sprintf("node %s refused %s attempt %d: %s", e.Host, e.Refusal.Step, e.Refusal.Attempt, e.Refusal.Reason)
}

func (e GatewayAnswered) String() string {
	return fmt.Sprintf("gateway answered %s %s attempt %d %s", e.Host, e.Step, e.Attempt, e.Err)
}
func (e OrderReceived) String() string { return "order " + e.Path }
func (e Poisoned) String() string      { return fmt.Sprintf("poisoned: %s: %s", e.Event, e.Reason) }
