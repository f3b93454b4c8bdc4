package agentrestart

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/clock"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/runner"
	"scaleio-framework/nodeagent/services"
)

// Options of a Restart.
type Options struct {
	// Dir is the directory of the record. Required.
	Dir string
	// Root is the host whose files are kept and put back.
	Root hostfs.Root
	// Services and Runner are the host's. Required.
	Services services.Services
	Runner   *runner.Runner
	// Agent is where the agent answers.
	Agent Endpoint
	// Program is this node agent's own file, which the guard runs; empty makes
	// Start do the guard's work itself, for a host that is a directory.
	Program string
	Logger  hclog.Logger
	// pace is changed by tests.
	pace pace
}

// Restart is the host's one change of the Mesos agent's flags.
type Restart struct {
	opt   Options
	state hostfs.Root
	log   hclog.Logger
}

// New wires a restart and looks at nothing.
func New(o Options) (*Restart, error) {
	switch {
	case o.Dir == "":
		return nil, errors.New("agent restart: option Dir is missing")
	case o.Runner == nil:
		return nil, errors.New("agent restart: option Runner is missing")
	case o.Logger == nil:
		return nil, errors.New("agent restart: option Logger is missing")
	}
	if o.pace == (pace{}) {
		o.pace = defaultPace
	}
	return &Restart{opt: o, state: hostfs.New(o.Dir), log: o.Logger.Named("agent-restart")}, nil
}

// Open wires a guard for the restart of a directory: it knows what the record
// says, and works on the machine itself.
func Open(dir string, logger hclog.Logger) (*Restart, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	root, run := hostfs.New("/"), runner.New(runner.Options{})
	r, err := New(Options{Dir: dir, Root: root, Services: services.New(run, root), Runner: run, Program: self, Logger: logger})
	if err != nil {
		return nil, err
	}
	rec, _, err := r.Load()
	r.opt.Agent = rec.Agent
	return r, err
}

const recordFile = "/record.json"

// Load reads the record; there is none when no restart is due.
func (r *Restart) Load() (rec Record, there bool, err error) {
	data, there, err := r.state.ReadIfThere(recordFile)
	if err != nil || !there {
		return rec, false, err
	}
	if rec, err = ParseRecord(data); err != nil {
		return rec, false, fmt.Errorf("%s cannot be read: %w: look at it, then move it away; see that the Mesos agent's flags are what they should be, and restart it by hand",
			filepath.Join(r.opt.Dir, recordFile), err)
	}
	return rec, true, nil
}

func (r *Restart) save(rec Record) error {
	rec.V = version
	data, err := json.MarshalIndent(rec, "", "  ")
	if err != nil {
		return fmt.Errorf("encode the record of the agent's restart: %w", err)
	}
	if err := r.state.Write(recordFile, append(data, '\n'), 0o600); err != nil {
		return fmt.Errorf("store the record of the agent's restart: %w", err)
	}
	return nil
}

// Arm stores that the flags of a service's agent are about to change, and that
// it must have loaded isolators afterwards. What a record without outcome keeps
// already stays: it is what the agent ran with last.
func (r *Restart) Arm(ctx context.Context, service string, isolators []string) error {
	return r.held(ctx, func(rec Record, there bool) (err error) {
		if !there || rec.Ended() {
			rec = Record{Phase: Armed}
		}
		rec.Service, rec.Agent, rec.Isolators = service, r.opt.Agent, isolators
		if rec.Phase == Armed {
			if rec.Before, err = r.now(ctx, service, r.ask(ctx)); err != nil {
				return err
			}
		}
		if err := r.save(rec); err != nil {
			return err
		}
		return r.install(ctx, service)
	})
}

// Keep stores a file of the host as it is, once, before it is changed.
func (r *Restart) Keep(ctx context.Context, path string) error {
	return r.held(ctx, func(rec Record, there bool) error {
		if !there || rec.Ended() {
			return fmt.Errorf("%s is about to change, and no restart was armed", path)
		}
		if rec.keeps(path) {
			return nil
		}
		data, there, err := r.opt.Root.ReadIfThere(path)
		if err != nil {
			return err
		}
		rec.Files = append(rec.Files, File{Path: path, There: there, Mode: uint32(r.opt.Root.Mode(path)), Data: data})
		return r.save(rec)
	})
}

// Order stores that the armed restart is wanted now. One that is ordered, or
// has its outcome, stays as it is.
func (r *Restart) Order(ctx context.Context, service string) error {
	return r.held(ctx, func(rec Record, there bool) (err error) {
		if !there || rec.Phase != Armed {
			return nil
		}
		rec.Phase, rec.Service, rec.Agent = Ordered, service, r.opt.Agent
		if rec.Before, err = r.now(ctx, service, r.ask(ctx)); err != nil {
			return err
		}
		return r.save(rec)
	})
}

// Forget removes a record whose phase is Done.
func (r *Restart) Forget(ctx context.Context) error {
	return r.held(ctx, func(rec Record, there bool) error {
		if !there || rec.Phase != Done {
			return nil
		}
		return r.state.Remove(recordFile)
	})
}

// Untried reports whether no run of the agent was started with the framework's
// flags, or it runs with its own again.
func (r *Restart) Untried(ctx context.Context) (bool, error) {
	rec, there, err := r.Load()
	switch {
	case err != nil || !there:
		return false, err
	case rec.Phase == Armed:
		now, err := r.now(ctx, rec.Service, r.ask(ctx))
		return err == nil && !rec.Before.differs(now), err
	}
	return rec.Phase == TakenBack && !rec.restores(), nil
}

// Cancel forgets a restart that is not needed any more: the files are what the
// agent runs with.
func (r *Restart) Cancel(ctx context.Context) error {
	return r.held(ctx, func(rec Record, there bool) error {
		if !there || rec.Phase != Armed && rec.Phase != TakenBack {
			return nil
		}
		if err := r.state.Remove(recordFile); err != nil {
			return err
		}
		return r.remove(ctx)
	})
}

// now is the present run of a service whose agent was looked at.
func (r *Restart) now(ctx context.Context, service string, look seen) (Run, error) {
	unit, err := r.opt.Services.Generation(ctx, service)
	if err != nil {
		return Run{}, err
	}
	boot, _, err := r.opt.Root.ReadIfThere("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Run{}, err
	}
	return Run{Boot: string(trimmed(boot)), Unit: unit, Started: look.started}, nil
}

// held does something with the record while nobody else has it.
func (r *Restart) held(ctx context.Context, do func(rec Record, there bool) error) error {
	unlock, err := r.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	rec, there, err := r.Load()
	if err != nil {
		return err
	}
	return do(rec, there)
}

// hold takes the lock, and waits for a guard that has it.
func (r *Restart) hold(ctx context.Context) (unlock func(), err error) {
	if err := os.MkdirAll(r.opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("lock of the agent's restart: %w", err)
	}
	for {
		unlock, err = r.tryLock()
		if err != nil || unlock != nil {
			return unlock, err
		}
		if err := clock.Sleep(ctx, r.opt.pace.poll); err != nil {
			return nil, fmt.Errorf("wait for the guard of the agent's restart: %w", err)
		}
	}
}

// Working reports whether a guard, or somebody else, holds the record.
func (r *Restart) Working() (bool, error) {
	unlock, err := r.tryLock()
	if unlock != nil {
		unlock()
	}
	return unlock == nil && err == nil, err
}
