package agentrestart

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/nodeagent/agentflags"
)

// pace is how long things may take.
type pace struct {
	poll, slowest time.Duration // between two looks, at first and at last
	// dead is how long the agent may be down in one piece. Below what lies
	// between two starts of its service (20 s with Mesosphere's), so that the
	// second start is seen; far below the 75 s after which masters give up the
	// agent's tasks.
	dead time.Duration
	// doomed is how long an agent that ended twice is given at least.
	doomed time.Duration
	// settled is how long a run that says nothing must last to count as well.
	settled time.Duration
	// patience bounds a run that lasts and does not serve: recovery takes its
	// time where there are many containers.
	patience time.Duration
	// again lies between two starts of an agent that does not start with its old
	// flags, either.
	again time.Duration
}

var defaultPace = pace{
	poll: 50 * time.Millisecond, slowest: time.Second, dead: 30 * time.Second, doomed: 3 * time.Second,
	settled: 10 * time.Second, patience: 5 * time.Minute, again: 20 * time.Second,
}

// Guard does what the record says, to its end, and takes the guard's unit away
// then. It returns at once when another guard is at work.
func (r *Restart) Guard(ctx context.Context) error {
	unlock, err := r.tryLock()
	if err != nil || unlock == nil {
		return err
	}
	defer unlock()
	rec, there, err := r.Load()
	if err != nil {
		return err // the unit stays: nobody knows what is due
	}
	if there && !rec.Ended() {
		idle, err := r.work(ctx, &rec)
		if err != nil || idle {
			return err
		}
	}
	return r.remove(ctx)
}

// work brings a record to its end. idle says that nothing has happened to the
// agent since the record was armed, and that nobody wants anything to happen.
func (r *Restart) work(ctx context.Context, rec *Record) (idle bool, err error) {
	if rec.Phase == Armed || rec.Phase == Ordered {
		now, err := r.now(ctx, rec.Service, r.ask(ctx))
		if err != nil {
			return false, err
		}
		restarted := rec.Before.differs(now)
		if !restarted && rec.Phase == Armed {
			return true, nil
		}
		why, err := r.prove(ctx, *rec, restarted)
		if err != nil {
			return false, err
		}
		if why.reason == "" {
			rec.Phase, rec.Isolation = Done, why.seen.isolation
			r.log.Info("the Mesos agent runs with its new flags", "service", rec.Service, "isolation", rec.Isolation)
			return false, r.save(*rec)
		}
		rec.Phase, rec.Reason, rec.Log = Reverting, why.reason, r.lastWords(ctx, rec.Service)
		r.log.Error("the Mesos agent does not run with its new flags, they are taken back", "service", rec.Service, "reason", rec.Reason, "log", rec.Log)
		if err := r.save(*rec); err != nil {
			return false, err
		}
	}
	return false, r.revert(ctx, rec)
}

// verdict is what came of a start of the agent.
type verdict struct {
	reason string // empty when it runs
	seen   seen
}

// prove restarts the agent, unless that has happened, and waits until it runs.
func (r *Restart) prove(ctx context.Context, rec Record, restarted bool) (verdict, error) {
	if !restarted {
		r.log.Info("restarting the Mesos agent", "service", rec.Service, "phase", string(rec.Phase))
		// The order may fail just because the agent ends at once; what comes of
		// it is looked at.
		if err := r.opt.Services.Restart(ctx, rec.Service); err != nil {
			r.log.Warn("the restart was not taken well", "service", rec.Service, "error", err)
		}
	}
	return r.watch(ctx, rec)
}

// revert puts the files back and starts the agent with them, again and again:
// an agent that stays down is worse than anything else.
func (r *Restart) revert(ctx context.Context, rec *Record) error {
	var err error
	if rec.Phase == Reverting {
		if err := r.putBack(rec.Files); err != nil {
			return err
		}
		if rec.Before, err = r.now(ctx, rec.Service, r.ask(ctx)); err != nil {
			return err
		}
		rec.Phase = Reverted
		if err := r.save(*rec); err != nil {
			return err
		}
	}
	now, err := r.now(ctx, rec.Service, r.ask(ctx))
	if err != nil {
		return err
	}
	for restarted := rec.Before.differs(now); ; restarted = false {
		why, err := r.prove(ctx, *rec, restarted)
		if err != nil {
			return err
		}
		if why.reason == "" {
			rec.Phase, rec.Isolation = TakenBack, why.seen.isolation
			r.log.Info("the Mesos agent runs with its old flags", "service", rec.Service)
			return r.save(*rec)
		}
		r.log.Error("the Mesos agent does not run with its old flags, either", "service", rec.Service, "reason", why.reason, "log", r.lastWords(ctx, rec.Service))
		if err := clock.Sleep(ctx, r.opt.pace.again); err != nil {
			return err
		}
	}
}

// putBack makes the files what they were. What they held meanwhile is kept.
func (r *Restart) putBack(files []File) error {
	for _, f := range files {
		now, there, err := r.opt.Root.ReadIfThere(f.Path)
		if err != nil {
			return err
		}
		if there && (!f.There || string(now) != string(f.Data)) {
			if err := r.opt.Root.Write(agentflags.Refused(f.Path), now, 0o600); err != nil {
				return err
			}
		}
		if !f.There {
			err = r.opt.Root.Remove(f.Path)
		} else {
			_, err = r.opt.Root.WriteIfDifferent(f.Path, f.Data, fs.FileMode(f.Mode))
		}
		if err != nil {
			return fmt.Errorf("put back the Mesos agent's flags: %w", err)
		}
	}
	return nil
}

// Outcome is nil for a restart that is done, and says what is wrong with any
// other that has ended.
func (rec Record) Outcome() error {
	if rec.Phase == Done {
		have := strings.Split(rec.Isolation, ",")
		for _, name := range rec.Isolators {
			if rec.Isolation != "" && !holds(have, name) {
				return fmt.Errorf("the Mesos agent was restarted and runs, but with the isolators %s and without %s: something else sets this flag, look at systemctl cat %s and at the agent's arguments", rec.Isolation, name, rec.Service)
			}
		}
		return nil
	}
	if rec.Phase != TakenBack {
		return errors.New("the restart of the Mesos agent has not ended")
	}
	var files []string
	for _, f := range rec.Files {
		if !agentflags.IsNote(f.Path) {
			files = append(files, agentflags.Refused(f.Path))
		}
	}
	refused := "what it refused is kept in " + strings.Join(files, ", ")
	if rec.restores() {
		return fmt.Errorf("the Mesos agent did not run with the flags that it had before (%s), so it was given the framework's again, and runs; %s; mend the cause, then order retry of restore-agent-flags and of restore-agent; its last words: %s",
			rec.Reason, refused, rec.Log)
	}
	return fmt.Errorf("the Mesos agent did not run with its new flags (%s), so they were taken back, and it runs with the old ones; %s; mend the cause, then order retry of isolator and of agent-restart; its last words: %s",
		rec.Reason, refused, rec.Log)
}

func holds(list []string, name string) bool {
	for _, one := range list {
		if strings.TrimSpace(one) == name {
			return true
		}
	}
	return false
}
