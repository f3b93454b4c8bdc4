package core

import (
	"time"

	"scaleio-framework/leader"
)

// Event is a fact from outside or from another core.
type Event interface{ String() string }

// Effect is an order to the world. Effects of one lane are performed in the
// order of their release, lanes side by side.
type Effect interface {
	String() string
	Lane() string
}

// Change is one record to store, or to delete when Record is nil. Path is
// relative to the framework's root, as in leader.Op.
type Change struct {
	Path   string
	Record any
}

// Core decides. It owns the records below certain paths and mutates nothing
// but itself.
type Core interface {
	Name() string
	// Load rebuilds the core from what is stored. Records that cannot be read
	// are returned by path; the core goes on without them and never writes
	// them. An error means that a record without which nothing can be decided
	// is unreadable (exit 6).
	Load(stored leader.Snapshot) (unreadable map[string]error, err error)
	// Apply decides on one event. now is for arithmetic and for records.
	Apply(now time.Time, event Event, out *Output)
}

// Output gathers what one call of Apply decided.
type Output struct {
	Changes []Change
	Effects []Effect
	Events  []Event
}

// Put stores a record. The record is encoded before Apply of the next event,
// so it may be the core's own mutable value.
func (o *Output) Put(path string, record any) {
	o.Changes = append(o.Changes, Change{Path: path, Record: record})
}

// Delete removes a record.
func (o *Output) Delete(path string) {
	o.Changes = append(o.Changes, Change{Path: path})
}

// Do releases effects after the commit.
func (o *Output) Do(effects ...Effect) { o.Effects = append(o.Effects, effects...) }

// Tell gives events to all cores, in the same unit.
func (o *Output) Tell(events ...Event) { o.Events = append(o.Events, events...) }
