package model

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Persona is what a host is to ScaleIO, which decides its resources.
type Persona string

const (
	// Manager hosts an MDM manager, a gateway, an SDS and an SDC.
	Manager Persona = "manager"
	// TieBreaker hosts an MDM tie-breaker, an SDS and an SDC.
	TieBreaker Persona = "tie-breaker"
	// Storage hosts an SDS and an SDC.
	Storage Persona = "storage"
)

// StepState is how far a step has come.
type StepState string

const (
	// Pending: its dependencies are not all done, or its back-off runs.
	Pending StepState = "pending"
	// Running: an attempt is committed; its outcome is not known yet.
	Running StepState = "running"
	// Done: its result was verified.
	Done StepState = "done"
	// Failed: the last attempt failed; another follows after the back-off.
	Failed StepState = "failed"
	// Stuck: the attempts are used up, or a retry cannot help: an operator
	// is needed (retry or force-complete).
	Stuck StepState = "stuck"
	// Skipped: not needed here; Reason says why.
	Skipped StepState = "skipped"
)

// Step is one step of the install plan. A running step is a complete intent:
// Runner, Attempt, Params and Digest are what any later leader repeats.
type Step struct {
	State StepState `json:"state"`
	// Attempt is the number of the last attempt committed; 0 before the first.
	Attempt int `json:"attempt,omitempty"`
	// Failures counts the failed attempts that count towards stuck.
	Failures int `json:"failures,omitempty"`
	// Runner is the host whose node agent runs the step, or "gateway" when the
	// leader performs it through a gateway's REST API.
	Runner string          `json:"runner,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Digest string          `json:"digest,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	// Error is the last failure, with secrets masked.
	Error string `json:"error,omitempty"`
	// Reason says why a step is skipped, or by whom it was forced complete.
	Reason   string     `json:"reason,omitempty"`
	Started  *time.Time `json:"started,omitempty"`
	Finished *time.Time `json:"finished,omitempty"`
	// NotBefore is when the next attempt may start.
	NotBefore *time.Time `json:"not_before,omitempty"`
}

// RunnerGateway is the Runner of steps that the leader performs itself.
const RunnerGateway = "gateway"

// Over reports whether dependents of the step may start.
func (s *Step) Over() bool { return s.State == Done || s.State == Skipped }

func (s *Step) validate() error {
	switch s.State {
	case Pending, Running, Done, Failed, Stuck, Skipped:
	default:
		return fmt.Errorf("state %q is none of pending, running, done, failed, stuck, skipped", s.State)
	}
	if s.State == Running && (s.Attempt < 1 || s.Runner == "") {
		return errors.New("a running step has no attempt or runner")
	}
	return nil
}

// NodePlan is /nodes/<hostname>/plan: what is done to one host.
type NodePlan struct {
	Hostname string  `json:"hostname"`
	Persona  Persona `json:"persona"`
	// ProtectionDomain, StoragePool and FaultSet are where its SDS belongs;
	// FaultSet is empty when the protection domain has no fault sets.
	ProtectionDomain string `json:"protection_domain"`
	StoragePool      string `json:"storage_pool"`
	FaultSet         string `json:"fault_set,omitempty"`
	// Problem says why nothing happens on this host, with the remedy.
	Problem string `json:"problem,omitempty"`
	// Address is frozen when the first step that names it is committed.
	Address string `json:"address,omitempty"`
	SDSID   string `json:"sds_id,omitempty"`
	// DevicesFrozen says that Devices was chosen; later disks enter only by a
	// growth or an order.
	DevicesFrozen bool     `json:"devices_frozen,omitempty"`
	Devices       []Device `json:"devices,omitempty"`
	// HandedOver is when the leading scheduler, which ran on this host, made
	// room for another one so that the Mesos agent could be restarted; nil once
	// that is over. It is done once, lest a scheduler without a standby hand over
	// for ever.
	HandedOver *time.Time `json:"handed_over,omitempty"`
	// Removal is the time of the order for which the host has its steps of the
	// removal.
	Removal time.Time `json:"removal,omitzero"`
	// Forgotten says who gave the host up while the system was removed: nothing
	// is done there any more.
	Forgotten string          `json:"forgotten,omitempty"`
	Steps     map[string]Step `json:"steps"`
}

// Device is a disk that was given to ScaleIO, or is about to be.
type Device struct {
	Name string `json:"name"` // the ScaleIO device name
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes
	ID   string `json:"id,omitempty"`
	// Found says that the host's SDS had it before this plan.
	Found bool `json:"found,omitempty"`
}

// Validate checks a record that an operator may have edited.
func (p *NodePlan) Validate() error {
	switch p.Persona {
	case Manager, TieBreaker, Storage:
	default:
		return fmt.Errorf("persona %q is none of manager, tie-breaker, storage", p.Persona)
	}
	if p.Hostname == "" {
		return errors.New("hostname is empty")
	}
	return validateSteps(p.Steps)
}

func validateSteps(steps map[string]Step) error {
	for key, step := range steps {
		if err := step.validate(); err != nil {
			return fmt.Errorf("step %s: %w", key, err)
		}
	}
	return nil
}
