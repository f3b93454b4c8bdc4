package steps

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/agentflags"
	"scaleio-framework/nodeagent/agentrestart"
	"scaleio-framework/nodeagent/failure"
)

// agentRestart restarts the Mesos agent, so that it takes its new flags. The
// work is a guard's, which outlives this process; the step orders it, waits,
// and tells what came of it.
type agentRestart struct {
	h       *Host
	service string // as the parameters name it
}

func (h *Host) agentRestart(p nodeproto.AgentRestartParams, _ Request) (Step, error) {
	if p.Service == "" {
		return nil, errors.New("parameters name no service")
	}
	if p.Service == nodeproto.AgentServiceAuto {
		if _, err := agentflags.Find(h.root); err != nil {
			return nil, err
		}
	}
	return &agentRestart{h: h, service: p.Service}, nil
}

// agentService settles which service is the agent's: the one that runs.
func (h *Host) agentService(ctx context.Context, named string) (string, error) {
	if named != "" && named != nodeproto.AgentServiceAuto {
		return named, nil
	}
	layout, err := agentflags.Find(h.root)
	if err != nil {
		return "", err
	}
	for _, service := range layout.Services {
		active, err := h.services.IsActive(ctx, service)
		if err != nil {
			return "", err
		}
		if active {
			return service, nil
		}
	}
	return layout.Services[0], nil
}

// Detect is satisfied when no restart is due, or the one that was is done. It
// waits for a guard that is at work.
func (s *agentRestart) Detect(ctx context.Context) (bool, error) {
	rec, due, err := s.await(ctx, func(agentrestart.Record) error { return nil })
	if err != nil || !due {
		return !due, err
	}
	return rec.Ended(), s.judge(rec)
}

// Apply orders the restart and waits for its end.
func (s *agentRestart) Apply(ctx context.Context) error {
	service, err := s.h.agentService(ctx, s.service)
	if err != nil {
		return err
	}
	if err := s.h.restart.Order(ctx, service); err != nil {
		return err
	}
	started := time.Time{}
	rec, _, err := s.await(ctx, func(agentrestart.Record) error {
		if time.Since(started) < startGuardEvery {
			return errGuardWorks
		}
		started = time.Now()
		return errors.Join(s.h.restart.Start(ctx), errGuardWorks)
	})
	if err != nil {
		return err
	}
	return s.judge(rec)
}

// startGuardEvery is the pause between two orders to start the guard. One is
// enough, unless somebody ends it.
const startGuardEvery = 5 * time.Second

var errGuardWorks = errors.New("the Mesos agent's restart is under way")

// await waits for the end of the record, and asks idle what to do while no
// guard is at work: nil ends the wait.
func (s *agentRestart) await(ctx context.Context, idle func(agentrestart.Record) error) (rec agentrestart.Record, due bool, err error) {
	err = until(ctx, func(context.Context) error {
		working, err := s.h.restart.Working()
		if err != nil {
			return failure.Hopeless(err)
		}
		if rec, due, err = s.h.restart.Load(); err != nil {
			return failure.Hopeless(err)
		}
		if !due || rec.Ended() {
			return nil
		}
		if working {
			return errGuardWorks
		}
		return idle(rec)
	})
	return rec, due, err
}

// judge tells what is wrong with a restart that has ended. No retry mends it.
func (s *agentRestart) judge(rec agentrestart.Record) error {
	if !rec.Ended() {
		return nil
	}
	return failure.Hopeless(rec.Outcome())
}

// Verify looks that the agent runs, and forgets the restart.
func (s *agentRestart) Verify(ctx context.Context) (any, error) {
	service, err := s.h.agentService(ctx, s.service)
	if err != nil {
		return nil, err
	}
	if err := s.h.active(ctx, service); err != nil {
		return nil, err
	}
	if err := s.h.restart.Forget(ctx); err != nil {
		return nil, fmt.Errorf("the Mesos agent runs with its new flags: %w", err)
	}
	return nil, nil
}
