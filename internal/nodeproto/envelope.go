package nodeproto

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"scaleio-framework/internal/model"
)

// Envelope is what a node agent sends up, in a status update or a message.
// Exactly one of its parts is set.
type Envelope struct {
	V int `json:"v"`
	// Epoch is the highest epoch the node agent has seen.
	Epoch uint64 `json:"epoch"`
	// Seq grows with each envelope of one node agent process.
	Seq       uint64           `json:"seq"`
	Report    *Report          `json:"report,omitempty"`
	Inventory *model.Inventory `json:"inventory,omitempty"`
	Refusal   *Refusal         `json:"refusal,omitempty"`
	Alive     *Alive           `json:"alive,omitempty"`
}

// ReportState is how far an attempt of a step has come on the node.
type ReportState string

const (
	// Started: journaled and running.
	Started ReportState = "started"
	// Done: the step's result was verified on the host.
	Done ReportState = "done"
	// Failed: the attempt ended without its result; Error says why.
	Failed ReportState = "failed"
	// Cancelled: a tombstone stands in the journal; the attempt never runs.
	Cancelled ReportState = "cancelled"
)

// Report is the state of one attempt of one step.
type Report struct {
	Step    string      `json:"step"`
	Attempt int         `json:"attempt"`
	State   ReportState `json:"state"`
	// Error is at most MaxError bytes, with secrets masked.
	Error string `json:"error,omitempty"`
	// Interrupted is set on a failure that is nobody's fault (the node agent
	// was restarted, an artifact could not be fetched): it does not count
	// towards stuck.
	Interrupted bool `json:"interrupted,omitempty"`
	// Misplaced is set beside it where another host may succeed: the MDM of
	// this one is not the primary.
	Misplaced bool `json:"misplaced,omitempty"`
	// Hopeless is set on a failure that a retry cannot mend (a wrong
	// password, no module for the kernel): the step is stuck at once.
	Hopeless bool `json:"hopeless,omitempty"`
	// Changed tells whether the attempt changed anything on the host.
	Changed bool            `json:"changed,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
}

// RefusalReason says why a command was not taken.
type RefusalReason string

const (
	// StaleEpoch: the command's epoch is below the highest one seen.
	StaleEpoch RefusalReason = "stale-epoch"
	// OtherParams: the (step, attempt) is journaled with another digest.
	OtherParams RefusalReason = "other-params"
	// OldAttempt: a higher attempt of the step is journaled.
	OldAttempt RefusalReason = "old-attempt"
	// Unsealable: the secrets were sealed to another key; Inventory follows.
	Unsealable RefusalReason = "unsealable"
	// Malformed: the command could not be parsed.
	Malformed RefusalReason = "malformed"
)

// Refusal answers a command that was not taken. It is never a step's result.
type Refusal struct {
	Reason  RefusalReason `json:"reason"`
	Step    string        `json:"step,omitempty"`
	Attempt int           `json:"attempt,omitempty"`
	// Epoch is the command's epoch; Envelope.Epoch is the highest seen.
	Epoch uint64 `json:"epoch,omitempty"`
	Text  string `json:"text"`
}

// Alive tells that the node agent works, and what it runs at the moment.
type Alive struct {
	Running []string `json:"running,omitempty"`
}

// ParseEnvelope decodes and checks what a node agent sent.
func ParseEnvelope(data []byte) (Envelope, error) {
	var e Envelope
	if len(data) > MaxData {
		return e, fmt.Errorf("report of %d bytes is larger than %d", len(data), MaxData)
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return e, fmt.Errorf("report is not valid JSON: %w", err)
	}
	if e.V != Version {
		return e, fmt.Errorf("report has protocol version %d, this scheduler speaks %d", e.V, Version)
	}
	parts := 0
	for _, set := range []bool{e.Report != nil, e.Inventory != nil, e.Refusal != nil, e.Alive != nil} {
		if set {
			parts++
		}
	}
	if parts != 1 {
		return e, fmt.Errorf("report has %d parts, want exactly one of report, inventory, refusal, alive", parts)
	}
	if r := e.Report; r != nil {
		switch {
		case r.Step == "":
			return e, fmt.Errorf("report names no step")
		case r.Attempt < 1:
			return e, fmt.Errorf("report of step %q has attempt %d, want 1 or more", r.Step, r.Attempt)
		case r.State != Started && r.State != Done && r.State != Failed && r.State != Cancelled:
			return e, fmt.Errorf("report of step %q has unknown state %q", r.Step, r.State)
		}
		r.Error = Shorten(r.Error)
	}
	if e.Inventory != nil {
		if err := e.Inventory.Validate(); err != nil {
			return e, fmt.Errorf("inventory: %w", err)
		}
	}
	return e, nil
}

// Shorten cuts an error text to MaxError bytes at a rune boundary and says so.
func Shorten(text string) string {
	const mark = " [cut]"
	if len(text) <= MaxError {
		return text
	}
	cut := text[:MaxError-len(mark)]
	for len(cut) > 0 && !utf8.ValidString(cut[max(0, len(cut)-utf8.UTFMax):]) {
		cut = cut[:len(cut)-1]
	}
	return cut + mark
}
