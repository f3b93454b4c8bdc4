package nodeproto

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
)

// Version is the protocol version that this program speaks.
const Version = 1

// MaxData is the largest envelope or command, in bytes: the size that
// architecture section 6 allows a report.
const MaxData = 64 << 10

// MaxStep is the longest step key, in bytes, its special characters escaped as
// in a URL: a node agent's journal has a file of that name for it.
const MaxStep = 230

// MaxError is the longest error text in a report, in bytes.
const MaxError = 2 << 10

// Kind says what a command asks for.
type Kind string

const (
	// Run asks for a step to be run, or for its state when it was journaled.
	Run Kind = "run"
	// Cancel leaves a tombstone, so that the attempt can never start later.
	Cancel Kind = "cancel"
	// Ask is a question without a journal entry: nothing on the host changes.
	Ask Kind = "ask"
)

// Command is one framework message to a node agent.
type Command struct {
	V     int    `json:"v"`
	Epoch uint64 `json:"epoch"`
	Kind  Kind   `json:"kind"`
	// Step is the key of the step: its name, and for cluster steps of which
	// there are several, a slash and the object: "add-standby-mdm/mdm2".
	Step    string `json:"step"`
	Attempt int    `json:"attempt"`
	// Params is the step's parameter struct as JSON, exactly as committed.
	Params json.RawMessage `json:"params,omitempty"`
	// Digest is DigestOf(Step, Params); it ties a repeated (step, attempt) to
	// the same parameters.
	Digest string `json:"digest"`
	// Sealed is an anonymous nacl box of a JSON object of secrets by name.
	Sealed []byte `json:"sealed,omitempty"`
	// Sources are base URLs of live schedulers that serve artifacts. They are
	// transport, not parameters, and stay outside the digest: another leader
	// repeats the same intent with its own URL.
	Sources []string `json:"sources,omitempty"`
}

// DigestOf is the identity of a step's parameters: the SHA-256 of the step key
// and the compacted JSON, in hexadecimal.
func DigestOf(step string, params json.RawMessage) string {
	var compact bytes.Buffer
	if err := json.Compact(&compact, params); err != nil {
		compact.Reset()
		compact.Write(params)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n", step)
	h.Write(compact.Bytes())
	return hex.EncodeToString(h.Sum(nil))
}

// ParseCommand decodes and checks a command. The error names what is wrong; a
// node agent answers it with a Refusal.
func ParseCommand(data []byte) (Command, error) {
	var c Command
	if len(data) > MaxData {
		return c, fmt.Errorf("command of %d bytes is larger than %d", len(data), MaxData)
	}
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("command is not valid JSON: %w", err)
	}
	switch {
	case c.V != Version:
		return c, fmt.Errorf("command has protocol version %d, this node agent speaks %d: run schedulers and node agents of one release", c.V, Version)
	case c.Kind != Run && c.Kind != Cancel && c.Kind != Ask:
		return c, fmt.Errorf("command has unknown kind %q", c.Kind)
	case c.Step == "":
		return c, fmt.Errorf("command names no step")
	case len(url.QueryEscape(c.Step)) > MaxStep:
		return c, fmt.Errorf("command names a step %.40q... that is longer than %d bytes: give its object a shorter name", c.Step, MaxStep)
	case c.Kind != Ask && c.Attempt < 1:
		return c, fmt.Errorf("command for step %q has attempt %d, want 1 or more", c.Step, c.Attempt)
	case c.Kind == Run && c.Digest != DigestOf(c.Step, c.Params):
		return c, fmt.Errorf("command for step %q carries a digest that does not fit its parameters", c.Step)
	}
	return c, nil
}

// Name is the part of a step key before the slash: which step it is.
func Name(step string) string {
	name, _, _ := bytes.Cut([]byte(step), []byte("/"))
	return string(name)
}
