package steps

import (
	"context"
	"errors"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/failure"
)

// restoreMark stands while flags are restored. Its note says whether the agent
// had ever run with the changed ones.
const (
	restoreMark = "mesos-agent-flags"
	ranWith     = "the agent ran with the changed flags"
	neverRan    = "the agent was never restarted with the changed flags"
)

// restoreFlags gives the Mesos agent the flags that it had before isolator.
type restoreFlags struct {
	h     *Host
	flags agentflags.Flags
}

func (h *Host) restoreFlags(nodeproto.RestoreAgentFlagsParams, Request) (Step, error) {
	layout, err := agentflags.Find(h.root)
	if err != nil {
		return nil, err
	}
	return &restoreFlags{h: h, flags: agentflags.New(h.root, layout)}, nil
}

// Detect asks whether anything is left that was changed.
func (s *restoreFlags) Detect(context.Context) (bool, error) {
	if begun, err := s.h.marked(restoreMark); err != nil || begun {
		return false, err
	}
	return s.flags.Restored()
}

// Apply restores the files. The agent must restart after it, unless it never
// did after the change.
func (s *restoreFlags) Apply(ctx context.Context) error {
	note, begun, err := s.h.pending.Note(restoreMark)
	if err != nil {
		return err
	}
	if !begun {
		note = ranWith
		untried, err := s.h.restart.Untried(ctx)
		if err != nil {
			return failure.Hopeless(err)
		}
		if untried {
			note = neverRan
		}
		if err := s.h.pending.Mark(restoreMark, note); err != nil {
			return err
		}
	}
	flags := s.flags
	if note == ranWith {
		if flags, err = s.h.arm(ctx, s.flags, nodeproto.AgentServiceAuto, nil); err != nil {
			return err
		}
	}
	if err := flags.Restore(dvdiName); err != nil {
		return failure.Hopeless(err)
	}
	if note == neverRan {
		if err := s.h.restart.Cancel(ctx); err != nil {
			return err
		}
	}
	return s.h.pending.Clear(restoreMark)
}

// Verify tells whether the agent must restart.
func (s *restoreFlags) Verify(ctx context.Context) (any, error) {
	ok, err := s.Detect(ctx)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errors.New("the Mesos agent's flags are not what they were: something else writes them")
	}
	_, due, err := s.h.restart.Load()
	return nodeproto.IsolatorResult{RestartNeeded: due}, err
}
