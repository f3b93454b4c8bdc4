package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"scaleio-framework/internal/nodeproto"
)

// Version is the layout of entries.
const Version = 1

// State is how far the highest attempt of a step has come.
type State string

const (
	// Started: the attempt may have had any effect.
	Started State = "started"
	// Cancelling: a tombstone stands; the attempt was running when it came.
	Cancelling State = "cancelling"
	// Cancelled: the attempt was stopped or never began, and never will.
	Cancelled State = "cancelled"
	// Done: the result was verified.
	Done State = "done"
	// Failed: the attempt ended without its result.
	Failed State = "failed"
)

// Entry is the highest attempt of one step.
type Entry struct {
	V       int    `json:"v"`
	Step    string `json:"step"`
	Attempt int    `json:"attempt"`
	// Digest ties the attempt to its parameters; empty in a tombstone that
	// came before the command.
	Digest string          `json:"digest,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	State  State           `json:"state"`
	// The outcome, as reports carry it.
	Error       string          `json:"error,omitempty"`
	Interrupted bool            `json:"interrupted,omitempty"`
	Misplaced   bool            `json:"misplaced,omitempty"`
	Hopeless    bool            `json:"hopeless,omitempty"`
	Changed     bool            `json:"changed,omitempty"`
	Result      json.RawMessage `json:"result,omitempty"`
}

// Ended reports whether the attempt has its outcome.
func (e Entry) Ended() bool { return e.State != Started && e.State != Cancelling }

// Report is the entry as the leader is told of it.
func (e Entry) Report() nodeproto.Report {
	r := nodeproto.Report{
		Step: e.Step, Attempt: e.Attempt,
		Error: e.Error, Interrupted: e.Interrupted, Misplaced: e.Misplaced, Hopeless: e.Hopeless,
		Changed: e.Changed, Result: e.Result,
	}
	switch e.State {
	case Done:
		r.State = nodeproto.Done
	case Failed:
		r.State = nodeproto.Failed
	case Cancelled:
		r.State = nodeproto.Cancelled
	default:
		r.State = nodeproto.Started
	}
	return r
}

// ParseEntry decodes and checks an entry.
func ParseEntry(data []byte) (Entry, error) {
	var e Entry
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&e); err != nil {
		return e, fmt.Errorf("not a valid journal entry: %w", err)
	}
	if decoder.More() {
		return e, errors.New("not a valid journal entry: something follows it")
	}
	switch e.State {
	case Started, Cancelling, Cancelled, Done, Failed:
	default:
		return e, fmt.Errorf("state %q is none of started, cancelling, cancelled, done, failed", e.State)
	}
	switch {
	case e.V != Version:
		return e, fmt.Errorf("entry has layout %d, this node agent knows %d", e.V, Version)
	case e.Step == "":
		return e, errors.New("entry names no step")
	case e.Attempt < 1:
		return e, fmt.Errorf("entry of step %q has attempt %d, want 1 or more", e.Step, e.Attempt)
	}
	return e, nil
}

func encode(v any) ([]byte, error) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return append(data, '\n'), nil
}
