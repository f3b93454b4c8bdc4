package core

import (
	"encoding/json"
	"fmt"
	"time"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// Lanes that have a fixed name. Commands to a node go by "node/<host>",
// gateway calls by "gateway/<object>".
const (
	LaneMesos        = "mesos"
	LaneSubscription = "mesos-subscription"
	LaneTimer        = "timer"
	LaneEpoch        = "epoch"
	LaneHandOver     = "hand-over"
)

// Timer asks for TimerFired after a while. A timer with the same key replaces
// the one before; timers are dropped at a reload.
type Timer struct {
	Key   string
	After time.Duration
}

// Subscribe asks for a subscription under the committed framework id, kept
// over every disconnection until the term ends. Repeating it is harmless.
type Subscribe struct{ FrameworkID string }

// Accept launches a node agent on an offer, exactly as the committed intent
// says.
type Accept struct {
	Host   string
	Launch model.Launch
}

// Decline gives offers back with a filter. CallRefused tells that it was not
// taken.
type Decline struct {
	OfferIDs []string
	Refuse   time.Duration
}

// Revive clears all filters; it is a desired state: several at once are one.
type Revive struct{}

// Suppress stops offers; Revive is its opposite.
type Suppress struct{}

// TaskRef names a task for reconciliation.
type TaskRef struct{ TaskID, AgentID string }

// Reconcile asks for the states of tasks; of all, when Tasks is empty.
type Reconcile struct{ Tasks []TaskRef }

// Acknowledge confirms a status update whose contents are committed.
type Acknowledge struct {
	TaskID  string
	AgentID string
	UUID    []byte
}

// Kill ends a task, for example one that belongs to no record.
type Kill struct{ TaskID, AgentID string }

// SendCommand sends a command to a node agent. The performer fills in epoch,
// secrets and sources, none of which belongs to the intent.
type SendCommand struct {
	Host    string
	Address NodeAddress
	Command nodeproto.Command
	// Secrets are the names of the secrets to seal into it.
	Secrets []string
	// Sealed is a box that another node agent made for this one, in the place
	// of Secrets. It is passed on, and never stored.
	Sealed []byte
}

// GatewayCall asks for one object to be as the committed intent says, through
// any of the gateways. The performer asks by name before it creates.
type GatewayCall struct {
	Host     string // empty for a cluster step
	Step     string
	Attempt  int
	Gateways []model.Gateway
	Params   json.RawMessage
	// Object is what the call works on: calls on one object keep their order.
	Object string
}

// RaiseEpoch asks for an epoch above the one that a node has seen (R6): the
// ZooKeeper behind us was restored or rebuilt.
type RaiseEpoch struct{ Above uint64 }

// HandOver ends this term so that another scheduler may lead.
type HandOver struct{ Reason string }

// Lane implements Effect.
func (Timer) Lane() string         { return LaneTimer }
func (Subscribe) Lane() string     { return LaneSubscription }
func (Accept) Lane() string        { return LaneMesos }
func (Decline) Lane() string       { return LaneMesos }
func (Revive) Lane() string        { return LaneMesos }
func (Suppress) Lane() string      { return LaneMesos }
func (Reconcile) Lane() string     { return LaneMesos }
func (Acknowledge) Lane() string   { return LaneMesos }
func (Kill) Lane() string          { return LaneMesos }
func (e SendCommand) Lane() string { return "node/" + e.Host }
func (e GatewayCall) Lane() string { return "gateway/" + e.Object }
func (RaiseEpoch) Lane() string    { return LaneEpoch }
func (HandOver) Lane() string      { return LaneHandOver }

func (e Timer) String() string     { return fmt.Sprintf("timer %s in %s", e.Key, e.After) }
func (e Subscribe) String() string { return "subscribe as " + e.FrameworkID }
func (e Accept) String() string {
	return fmt.Sprintf("launch %s on %s", e.Launch.TaskID, e.Host)
}

func (e Decline) String() string {
	return fmt.Sprintf("decline %d offers for %s", len(e.OfferIDs), e.Refuse)
}
func (Revive) String() string   { return "revive offers" }
func (Suppress) String() string { return "suppress offers" }
func (e Reconcile) String() string {
	if len(e.Tasks) == 0 {
		return "reconcile all tasks"
	}
	return fmt.Sprintf("reconcile %d tasks", len(e.Tasks))
}
func (e Acknowledge) String() string { return "acknowledge update of " + e.TaskID }
func (e Kill) String() string        { return "kill " + e.TaskID }
func (e SendCommand) String() string {
	return fmt.Sprintf("send %s %s attempt %d to %s", e.Command.Kind, e.Command.Step, e.Command.Attempt, e.Host)
}

func (e GatewayCall) String() string {
	return fmt.Sprintf("gateway %s %s attempt %d", e.Host, e.Step, e.Attempt)
}
func (e HandOver) String() string   { return "hand over: " + e.Reason }
func (e RaiseEpoch) String() string { return fmt.Sprintf("raise the epoch above %d", e.Above) }
