package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// Verb is what an operator asks for.
type Verb string

const (
	// Pause stops the start of new steps; what runs ends.
	Pause Verb = "pause"
	// Resume takes Pause back.
	Resume Verb = "resume"
	// Retry starts a failed or stuck step anew, at once.
	Retry Verb = "retry"
	// ForceComplete marks a step done without running it.
	ForceComplete Verb = "force-complete"
)

// Order is /orders/<seq>: what an operator asks of the leader. It is removed in
// the commit that applies it; one that cannot be applied moves to
// /orders-refused with the reason.
type Order struct {
	Verb Verb `json:"verb"`
	// Host is the node whose step is meant; empty for a cluster step.
	Host string    `json:"host,omitempty"`
	Step string    `json:"step,omitempty"`
	By   string    `json:"by,omitempty"`
	At   time.Time `json:"at,omitzero"`
}

// RefusedOrder is what stands in /orders-refused/<seq>.
type RefusedOrder struct {
	Order  json.RawMessage `json:"order,omitempty"`
	Raw    string          `json:"raw,omitempty"` // when it is not JSON
	Reason string          `json:"reason"`
	At     time.Time       `json:"at"`
}

// ParseOrder decodes and checks an order.
func ParseOrder(data []byte) (Order, error) {
	var o Order
	if err := json.Unmarshal(data, &o); err != nil {
		return o, fmt.Errorf("order is not valid JSON: %w", err)
	}
	switch o.Verb {
	case Pause, Resume:
	case Retry, ForceComplete:
		if o.Step == "" {
			return o, fmt.Errorf("order %q names no step: give \"step\", and \"host\" for a step of a node", o.Verb)
		}
	default:
		return o, fmt.Errorf("order has unknown verb %q, want pause, resume, retry or force-complete", o.Verb)
	}
	return o, nil
}
