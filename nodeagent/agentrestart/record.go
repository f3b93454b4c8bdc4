package agentrestart

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// version is the layout of the record.
const version = 1

// Phase is how far a restart has come.
type Phase string

const (
	// Armed: flags are changed, or about to be; no restart was ordered.
	Armed Phase = "armed"
	// Ordered: the agent is to be restarted with its new flags.
	Ordered Phase = "ordered"
	// Reverting: the agent did not start; the files are being put back.
	Reverting Phase = "reverting"
	// Reverted: the files are as they were; the agent is to be started with them.
	Reverted Phase = "reverted"
	// Done: the agent runs with what the files say now.
	Done Phase = "done"
	// TakenBack: the agent runs with what the files said before.
	TakenBack Phase = "taken-back"
)

// Record is one change of the Mesos agent's flags, from before the first file
// is touched to the proof that the agent runs.
type Record struct {
	V     int   `json:"v"`
	Phase Phase `json:"phase"`
	// Service is the agent's, without ".service".
	Service string `json:"service"`
	// Agent is where the agent answers.
	Agent Endpoint `json:"agent"`
	// Isolators are those that the agent must have loaded; none when it is given
	// the flags back that it had before the framework's.
	Isolators []string `json:"isolators,omitempty"`
	// Files are those that were changed, as they were before.
	Files []File `json:"files,omitempty"`
	// Before is the run of the agent that is to end.
	Before Run `json:"before"`
	// Reason says why the flags were taken back, and Log holds the last lines
	// that the agent wrote then.
	Reason string `json:"reason,omitempty"`
	Log    string `json:"log,omitempty"`
	// Isolation is what the agent says it runs with; empty when it tells nobody.
	Isolation string `json:"isolation,omitempty"`
}

// File is a file as it was.
type File struct {
	Path  string `json:"path"`
	There bool   `json:"there"`
	Mode  uint32 `json:"mode,omitempty"`
	Data  []byte `json:"data,omitempty"`
}

// Run names one run of the agent, by what could be found out.
type Run struct {
	// Boot is the kernel's id of the boot.
	Boot string `json:"boot,omitempty"`
	// Unit is what the service's manager says, see services.Generation.
	Unit string `json:"unit,omitempty"`
	// Started is the agent's own start time, in seconds since 1970.
	Started float64 `json:"started,omitempty"`
}

// comparable reports whether anything that both runs know is told of a run, not
// of the host.
func (r Run) comparable(other Run) bool {
	return r.Unit != "" && other.Unit != "" || r.Started != 0 && other.Started != 0
}

// differs reports whether the other is certainly another run.
func (r Run) differs(other Run) bool {
	return r.Boot != "" && other.Boot != "" && r.Boot != other.Boot ||
		r.Unit != "" && other.Unit != "" && r.Unit != other.Unit ||
		r.Started != 0 && other.Started != 0 && r.Started != other.Started
}

// restores reports whether the change gives the agent back what it had before.
func (r Record) restores() bool { return len(r.Isolators) == 0 }

// Ended reports whether nothing is left to do for a guard.
func (r Record) Ended() bool { return r.Phase == Done || r.Phase == TakenBack }

// keeps reports whether a file is in the record as it was.
func (r Record) keeps(path string) bool {
	return slices.ContainsFunc(r.Files, func(f File) bool { return f.Path == path })
}

// ParseRecord decodes and checks a record.
func ParseRecord(data []byte) (Record, error) {
	var r Record
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&r); err != nil {
		return r, fmt.Errorf("not a valid record: %w", err)
	}
	if decoder.More() {
		return r, errors.New("not a valid record: something follows it")
	}
	switch r.Phase {
	case Armed, Ordered, Reverting, Reverted, Done, TakenBack:
	default:
		return r, fmt.Errorf("phase %q is not known", r.Phase)
	}
	switch {
	case r.V != version:
		return r, fmt.Errorf("the record has layout %d, this node agent knows %d", r.V, version)
	case r.Service == "":
		return r, errors.New("the record names no service")
	}
	for _, f := range r.Files {
		if f.Path == "" || f.Path[0] != '/' {
			return r, fmt.Errorf("the record keeps a file %q, want a path from the root", f.Path)
		}
	}
	return r, nil
}
