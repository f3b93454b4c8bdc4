package steps

import (
	"context"
	"errors"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
)

// agentRestart restarts the Mesos agent, so that it takes its new flags.
//
// The agent's framework checkpoints, so this very process survives the restart;
// and where it does not (a unit that kills its whole control group), systemd
// finishes the restart, and the next node agent sees that the unit's generation
// is another one than the mark noted.
type agentRestart struct {
	h    *Host
	unit string
	auto []string // the services among which is the agent's; empty when unit is known
}

func (h *Host) agentRestart(p nodeproto.AgentRestartParams, _ Request) (Step, error) {
	if p.Service == "" {
		return nil, errors.New("parameters name no service")
	}
	s := &agentRestart{h: h, unit: p.Service}
	if p.Service == nodeproto.AgentServiceAuto {
		layout, err := agentflags.Find(h.root)
		if err != nil {
			return nil, err
		}
		s.auto = layout.Services
	}
	return s, nil
}

// find settles which service is the agent's: the one that runs.
func (s *agentRestart) find(ctx context.Context) error {
	for i, unit := range s.auto {
		active, err := s.h.services.IsActive(ctx, unit)
		if err != nil {
			return err
		}
		if active || i == 0 {
			s.unit = unit
		}
		if active {
			break
		}
	}
	return nil
}

// Detect is satisfied when no restart is due, or when it has happened since it
// was ordered.
func (s *agentRestart) Detect(ctx context.Context) (bool, error) {
	if err := s.find(ctx); err != nil {
		return false, err
	}
	before, due, err := s.h.pending.Note(agentMark)
	if err != nil || !due {
		return !due, err
	}
	if before == "" {
		return false, nil
	}
	now, err := s.generation(ctx)
	return now != "" && now != before, err
}

// Apply notes which run of the agent is to end, then orders the restart.
func (s *agentRestart) Apply(ctx context.Context) error {
	now, err := s.generation(ctx)
	if err != nil {
		return err
	}
	if err := s.h.pending.Mark(agentMark, now); err != nil {
		return err
	}
	return s.h.services.Restart(ctx, s.unit)
}

// Verify waits for the agent to run.
func (s *agentRestart) Verify(ctx context.Context) (any, error) {
	if err := s.h.active(ctx, s.unit); err != nil {
		return nil, err
	}
	return nil, s.h.pending.Clear(agentMark)
}

// generation names the present run of the agent. The boot is part of it, since
// the unit's own time counts from there.
func (s *agentRestart) generation(ctx context.Context) (string, error) {
	now, err := s.h.services.Generation(ctx, s.unit)
	if err != nil || now == "" {
		return "", err
	}
	boot, _, err := s.h.root.ReadIfThere("/proc/sys/kernel/random/boot_id")
	return string(boot) + "/" + now, err
}
