package model

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Verb is what an operator asks for.
type Verb string

const (
	// Pause stops the start of new steps; what runs ends.
	Pause Verb = "pause"
	// Resume takes Pause back.
	Resume Verb = "resume"
	// Retry starts a failed or stuck step anew, at once, and does a step that
	// is done again.
	Retry Verb = "retry"
	// ForceComplete marks a step done without running it.
	ForceComplete Verb = "force-complete"
	// UninstallOrder asks for everything to be removed; UninstallCancel takes it
	// back while nothing was changed.
	UninstallOrder  Verb = "uninstall"
	UninstallCancel Verb = "uninstall-cancel"
	// ForgetHost gives a host up that is gone for good, so that the removal can
	// go on without it.
	ForgetHost Verb = "forget-host"
	// GrowthRequest asks for a growth of a pool by hand.
	GrowthRequest Verb = "growth-request"
	// GrowthApprove and GrowthDecline answer a growth that awaits approval.
	GrowthApprove Verb = "growth-approve"
	// GrowthDecline closes it; nothing is made.
	GrowthDecline Verb = "growth-decline"
	// GrowthDeleteOrphan removes a volume that is ours by tag and in no growth.
	GrowthDeleteOrphan Verb = "growth-delete-orphan"
	// GrowthRetry lets failed slots of a growth be tried again.
	GrowthRetry Verb = "growth-retry"
)

// IsGrowth reports whether the growth core applies the verb.
func (v Verb) IsGrowth() bool { return strings.HasPrefix(string(v), "growth-") }

// Order is /orders/<seq>: what an operator asks of the leader. It is removed in
// the commit that applies it; one that cannot be applied moves to
// /orders-refused with the reason.
type Order struct {
	Verb Verb `json:"verb"`
	// Host is the node whose step is meant; empty for a cluster step.
	Host string `json:"host,omitempty"`
	Step string `json:"step,omitempty"`
	// Growth is the id that growth-approve, -decline and -retry are about.
	Growth string `json:"growth,omitempty"`
	// Pool is "protection domain/pool" of growth-request; SizeGiB is the least
	// that is to be added, 0 for what the policy says.
	Pool    string `json:"pool,omitempty"`
	SizeGiB int    `json:"size_gib,omitempty"`
	// Volume is the id that growth-delete-orphan is about.
	Volume string `json:"volume,omitempty"`
	// System is the name of the system that uninstall is about, given again so
	// that nobody removes another one. KeepData and RemoveVolumes are its options.
	System        string    `json:"system,omitempty"`
	KeepData      bool      `json:"keep_data,omitempty"`
	RemoveVolumes bool      `json:"remove_volumes,omitempty"`
	By            string    `json:"by,omitempty"`
	At            time.Time `json:"at,omitzero"`
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
	case Pause, Resume, UninstallCancel:
	case UninstallOrder:
		switch {
		case o.System == "":
			return o, fmt.Errorf("order %q names no system: give the system's name in \"system\", as a confirmation", o.Verb)
		case o.KeepData && o.RemoveVolumes:
			return o, fmt.Errorf("order %q has both keep_data and remove_volumes: give one of them", o.Verb)
		}
	case ForgetHost:
		if o.Host == "" {
			return o, fmt.Errorf("order %q names no host: give \"host\"", o.Verb)
		}
	case Retry, ForceComplete:
		if o.Step == "" {
			return o, fmt.Errorf("order %q names no step: give \"step\", and \"host\" for a step of a node", o.Verb)
		}
	case GrowthApprove, GrowthDecline, GrowthRetry:
		if o.Growth == "" {
			return o, fmt.Errorf("order %q names no growth: give its id in \"growth\"", o.Verb)
		}
	case GrowthRequest:
		if d, p, ok := strings.Cut(o.Pool, "/"); !ok || d == "" || p == "" || o.SizeGiB < 0 {
			return o, fmt.Errorf("order %q has pool %q and size %d, want \"protection domain/pool\" and 0 or more GiB", o.Verb, o.Pool, o.SizeGiB)
		}
	case GrowthDeleteOrphan:
		if o.Volume == "" {
			return o, fmt.Errorf("order %q names no volume: give its id in \"volume\"", o.Verb)
		}
	default:
		if o.Verb.IsGrowth() {
			return o, fmt.Errorf("order has unknown verb %q, want growth-request, growth-approve, growth-decline, growth-retry or growth-delete-orphan", o.Verb)
		}
		return o, fmt.Errorf("order has unknown verb %q, want pause, resume, retry, force-complete, uninstall, uninstall-cancel or forget-host", o.Verb)
	}
	return o, o.onlyOwnFields()
}

// onlyOwnFields refuses a field that the verb does not look at: who gave it
// meant something else than what would be done.
func (o Order) onlyOwnFields() error {
	step := o.Verb == Retry || o.Verb == ForceComplete
	growth := o.Verb == GrowthApprove || o.Verb == GrowthDecline || o.Verb == GrowthRetry
	for _, f := range []struct {
		name       string
		given, own bool
	}{
		{"host", o.Host != "", step || o.Verb == ForgetHost},
		{"step", o.Step != "", step},
		{"growth", o.Growth != "", growth},
		{"pool", o.Pool != "", o.Verb == GrowthRequest},
		{"size_gib", o.SizeGiB != 0, o.Verb == GrowthRequest},
		{"volume", o.Volume != "", o.Verb == GrowthDeleteOrphan},
		{"system", o.System != "", o.Verb == UninstallOrder},
		{"keep_data", o.KeepData, o.Verb == UninstallOrder},
		{"remove_volumes", o.RemoveVolumes, o.Verb == UninstallOrder},
	} {
		if f.given && !f.own {
			return fmt.Errorf("order %q takes no %q: leave it out", o.Verb, f.name)
		}
	}
	return nil
}
