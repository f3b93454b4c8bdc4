package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/core"
	"scaleio-framework/leader"
)

// Store is the leader's term, as the engine needs it.
type Store interface {
	// Commit applies all ops or none, under the fence. The error is
	// leader.ErrDeposed, a *leader.ConflictError, or anything else when the
	// outcome is unknown.
	Commit(ctx context.Context, ops ...leader.Op) ([]leader.Result, error)
	// Recover waits for the session within the lease rules and verifies the
	// fence; an error is final.
	Recover(ctx context.Context) error
	// Tree reads every record, not older than the last commit. After
	// leader.ErrSuspended it may be tried again behind Recover.
	Tree(ctx context.Context) (leader.Snapshot, error)
	// Held reports whether the lease is valid now.
	Held() bool
	// AwaitHeld blocks until the lease is valid, or ctx or the term ends.
	AwaitHeld(ctx context.Context) error
	Epoch() uint64
}

// Perform does one effect against the real thing and posts what came of it. It
// never decides. ctx ends with the engine.
type Perform func(ctx context.Context, effect core.Effect, post func(core.Event))

// AfterFunc runs f after a while, unless it is stopped before.
type AfterFunc func(key string, after time.Duration, f func()) (stop func() bool)

// Options configure an Engine. All but MaxBatch, InboxSize, AfterFunc, Now and
// Published are required.
type Options struct {
	Store Store
	// Cores makes fresh cores, in the order in which they are given events.
	Cores   func() []core.Core
	Perform Perform
	// Entropy draws the UUID of each TermStarted.
	Entropy func() string
	Logger  hclog.Logger
	// MaxBatch is how many events are applied before a commit; default 256.
	MaxBatch int
	// InboxSize is how many outside events may wait; default 1024.
	InboxSize int
	// AfterFunc runs the cores' timers; default time.AfterFunc. A simulation
	// gives each an instant of its own.
	AfterFunc AfterFunc
	// Now is the clock of the term, which no set wall clock moves; default
	// clock.Start().
	Now func() time.Time
	// Published is called behind each new view, by the engine's goroutine: it
	// must not block. May be nil.
	Published func()
}

func (o *Options) validate() error {
	if o.MaxBatch == 0 {
		o.MaxBatch = 256
	}
	if o.InboxSize == 0 {
		o.InboxSize = 1024
	}
	if o.AfterFunc == nil {
		o.AfterFunc = func(_ string, after time.Duration, f func()) func() bool { return time.AfterFunc(after, f).Stop }
	}
	if o.Now == nil {
		o.Now = clock.Start()
	}
	if o.Published == nil {
		o.Published = func() {}
	}
	switch {
	case o.Store == nil, o.Cores == nil, o.Perform == nil, o.Entropy == nil, o.Logger == nil:
		return errors.New("engine: Store, Cores, Perform, Entropy and Logger are required")
	case o.MaxBatch < 0, o.InboxSize < 0:
		return errors.New("engine: MaxBatch and InboxSize must not be negative")
	}
	return nil
}

// Engine drives the cores for one term of leadership.
type Engine struct {
	opts   Options
	logger hclog.Logger
	inbox  *inbox
	lanes  *lanes
	timers *timers
	views  *views

	cores      []core.Core
	stored     leader.Snapshot
	unreadable map[string]string // by path, why
	conflicts  map[string]int    // by path
	quarantine map[string]string // by path, why
	// plain are texts that this engine wrote and that hold no field which their
	// record's type does not know, by path. Where one is what is stored, nothing
	// has to be kept of it, and nothing looked at.
	plain map[string][]byte
	// unrecorded counts the refusals in a row that could not be stored.
	unrecorded int
	taken      []TakenOrder
}

// New wires an engine; nothing runs before Run.
func New(opts Options) (*Engine, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	e := &Engine{
		opts:       opts,
		logger:     opts.Logger.Named("engine"),
		inbox:      newInbox(opts.InboxSize),
		views:      newViews(),
		conflicts:  make(map[string]int),
		quarantine: make(map[string]string),
		plain:      make(map[string][]byte),
	}
	e.timers = newTimers(e.inbox.post, opts.AfterFunc)
	e.lanes = newLanes(opts.Store, e.perform)
	return e, nil
}

// Offer gives the engine an event from an outside source. It blocks while the
// inbox is full, which is the back-pressure that sources meet.
func (e *Engine) Offer(ctx context.Context, event core.Event) error {
	return e.inbox.offer(ctx, event)
}

// View returns what is committed, as of the last commit.
func (e *Engine) View() View { return e.views.latest() }

// Run leads until ctx ends (nil), the term is lost (leader.ErrDeposed and its
// kin) or the stored state cannot be used. When it returns, nothing more is
// committed and no effect is released; those under way are cancelled, and
// Close waits for them.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer e.timers.stop()
	defer e.lanes.close()
	if err := e.begin(ctx); err != nil {
		return e.ended(ctx, err)
	}
	batch := []core.Event{e.termStarted(false)}
	for {
		if err := e.process(ctx, batch); err != nil {
			return e.ended(ctx, err)
		}
		var err error
		if batch, err = e.inbox.drain(ctx, e.opts.MaxBatch); err != nil {
			return e.ended(ctx, err)
		}
	}
}

// begin makes the first commit of the term, which changes nothing, so that
// everything behind it stands on a fence that was tried; then it loads.
func (e *Engine) begin(ctx context.Context) error {
	_, err := e.opts.Store.Commit(ctx)
	if errors.Is(err, leader.ErrDeposed) {
		return err
	}
	if err == nil {
		if err = e.load(ctx); !errors.Is(err, leader.ErrSuspended) {
			return err
		}
	}
	return e.regain(ctx)
}

// regain waits for the session and loads. ZooKeeper may be lost again between
// the two: that is waited for like any other lapse.
func (e *Engine) regain(ctx context.Context) error {
	for {
		if err := e.opts.Store.Recover(ctx); err != nil {
			return err
		}
		err := e.load(ctx)
		if !errors.Is(err, leader.ErrSuspended) || ctx.Err() != nil {
			return err
		}
		e.logger.Warn("stored state not read, waiting for ZooKeeper again", "cause", err)
	}
}

// ended tells a stop on request from a failure.
func (e *Engine) ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, leader.ErrDeposed) {
		return nil
	}
	return err
}

// Close waits until the effects under way have ended, or ctx does.
func (e *Engine) Close(ctx context.Context) error { return e.lanes.wait(ctx) }

func (e *Engine) termStarted(again bool) core.Event {
	return core.TermStarted{Epoch: e.opts.Store.Epoch(), Entropy: e.opts.Entropy(), Again: again}
}

// load makes fresh cores from what is stored.
func (e *Engine) load(ctx context.Context) error {
	stored, err := e.opts.Store.Tree(ctx)
	if err != nil {
		return fmt.Errorf("read the stored state: %w", err)
	}
	e.timers.reset()
	e.stored = stored
	shown := leader.Snapshot{}
	for path, entry := range stored {
		if _, bad := e.quarantine[path]; bad {
			entry.Data = nil // no core can read this, so each leaves it alone
		}
		shown[path] = entry
	}
	e.cores = e.opts.Cores()
	e.unreadable = make(map[string]string)
	for _, c := range e.cores {
		unreadable, err := c.Load(shown)
		if err != nil {
			return &UnreadableError{Core: c.Name(), Err: err}
		}
		for path, reason := range unreadable {
			e.unreadable[path] = reason.Error()
			if why, ok := e.quarantine[path]; ok {
				e.unreadable[path] = why
			}
			e.logger.Error("record left alone", "path", path, "reason", e.unreadable[path])
		}
	}
	e.publish()
	return nil
}

// UnreadableError says that a record without which nothing can be decided is
// unreadable (exit code 6).
type UnreadableError struct {
	Core string
	Err  error
}

// Error names the core and the record.
func (e *UnreadableError) Error() string {
	return fmt.Sprintf("%s cannot use the stored state: %s", e.Core, e.Err)
}

// Unwrap gives the cause.
func (e *UnreadableError) Unwrap() error { return e.Err }

func (e *Engine) publish() {
	e.views.publish(View{Epoch: e.opts.Store.Epoch(), Records: e.stored, Unreadable: e.unreadable, Taken: e.taken})
	e.opts.Published()
}

// perform is what a lane does with one effect.
func (e *Engine) perform(ctx context.Context, effect core.Effect) {
	e.opts.Perform(ctx, effect, e.inbox.post)
}

// release hands effects to timers and lanes. It never blocks.
func (e *Engine) release(ctx context.Context, effects []core.Effect) {
	for _, effect := range effects {
		if timer, ok := effect.(core.Timer); ok {
			e.timers.set(timer.Key, timer.After)
			continue
		}
		e.lanes.release(ctx, effect)
	}
}
