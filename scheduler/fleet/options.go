package fleet

import (
	"fmt"
	"time"
)

// Artifact is where the Mesos fetcher gets the node agent program.
type Artifact struct {
	// URI is the full address below the present leader's /artifacts/.
	URI string
	// SHA256 is the program's checksum in hexadecimal; it may be empty.
	SHA256 string
}

// Backoff doubles a delay from First up to Max.
type Backoff struct{ First, Max time.Duration }

// after is the delay after a number of failures before this one.
func (b Backoff) after(failures int) time.Duration {
	delay := b.First
	for ; failures > 0 && delay < b.Max; failures-- {
		delay *= 2
	}
	return min(delay, b.Max)
}

// Options configure a Fleet.
type Options struct {
	// NodeAgent is what a launch fetches and runs. Its URI is required.
	NodeAgent Artifact
	// DeclineServed is the filter on offers that we have no use for, with up
	// to a quarter more or less by host and epoch, so that the offers of all
	// hosts do not come back at once.
	DeclineServed time.Duration
	// DeclineUnusable is the filter on offers that may be of use soon: too
	// small, under maintenance, or nobody decided about the host in time.
	DeclineUnusable time.Duration
	// HoldOffers is how long an offer is kept unanswered for a host about
	// which nothing is decided. It must be longer than placement settles.
	HoldOffers time.Duration
	// LaunchTimeout is how long a launch may stay without an answer before
	// Mesos is asked what became of it.
	LaunchTimeout time.Duration
	// Relaunch delays the launch after a node agent that ended. A program
	// that could not be fetched does not count as a failure.
	Relaunch Backoff
	// Reconcile delays the next question about tasks that Mesos has not
	// answered: after its own failover it stays silent for a while.
	Reconcile Backoff
	// ImplicitReconcile is the interval of questions about all tasks.
	ImplicitReconcile time.Duration
	// ReviveInterval is the mean interval between revivals of offers, of
	// which ReviveBurst may come at once.
	ReviveInterval time.Duration
	ReviveBurst    int
	// MessageSilence is how long a node agent may be silent before its record
	// says so: four times the 15 s at which node agents send a sign of life.
	MessageSilence time.Duration
}

// DefaultOptions are the options without a node agent's address.
func DefaultOptions() Options {
	return Options{
		DeclineServed:     time.Hour,
		DeclineUnusable:   30 * time.Second,
		HoldOffers:        15 * time.Second,
		LaunchTimeout:     30 * time.Second,
		Relaunch:          Backoff{First: time.Second, Max: time.Minute},
		Reconcile:         Backoff{First: time.Second, Max: 30 * time.Second},
		ImplicitReconcile: time.Hour,
		ReviveInterval:    2 * time.Second,
		ReviveBurst:       3,
		MessageSilence:    time.Minute,
	}
}

func (o Options) validate() error {
	if o.NodeAgent.URI == "" {
		return fmt.Errorf("fleet options: NodeAgent.URI is empty")
	}
	if o.ReviveBurst < 1 {
		return fmt.Errorf("fleet options: ReviveBurst is %d, want 1 or more", o.ReviveBurst)
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"DeclineServed", o.DeclineServed},
		{"DeclineUnusable", o.DeclineUnusable},
		{"HoldOffers", o.HoldOffers},
		{"LaunchTimeout", o.LaunchTimeout},
		{"Relaunch.First", o.Relaunch.First},
		{"Reconcile.First", o.Reconcile.First},
		{"ImplicitReconcile", o.ImplicitReconcile},
		{"ReviveInterval", o.ReviveInterval},
		{"MessageSilence", o.MessageSilence},
	} {
		if d.value <= 0 {
			return fmt.Errorf("fleet options: %s is %s, want more than 0", d.name, d.value)
		}
	}
	for name, b := range map[string]Backoff{"Relaunch": o.Relaunch, "Reconcile": o.Reconcile} {
		if b.Max < b.First {
			return fmt.Errorf("fleet options: %s.Max %s is below %s.First %s", name, b.Max, name, b.First)
		}
	}
	return nil
}
