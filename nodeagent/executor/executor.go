package executor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor/calls"
)

const (
	// defaultCallTimeout bounds calls: the agent is on the same host.
	defaultCallTimeout = 10 * time.Second
	// firstBackoff is the wait before the first attempt to subscribe again.
	firstBackoff = 50 * time.Millisecond
	// registrationPatience is how long the very first subscription is tried
	// without checkpoints; agents give up on an executor after the same time
	// (--executor_registration_timeout).
	registrationPatience = time.Minute
)

// TaskState is a state that an executor can tell.
type TaskState string

// The states, by their names in Mesos.
const (
	Starting TaskState = "TASK_STARTING"
	Running  TaskState = "TASK_RUNNING"
	Killing  TaskState = "TASK_KILLING"
	Finished TaskState = "TASK_FINISHED"
	Failed   TaskState = "TASK_FAILED"
	Killed   TaskState = "TASK_KILLED"
)

// Options configure an Executor.
type Options struct {
	// Config is what the agent said. Required.
	Config Config
	// CallTimeout bounds each call, 10 s by default.
	CallTimeout time.Duration
	// Logger gets state changes. Required.
	Logger hclog.Logger
}

// Executor is this process as its Mesos agent knows it.
type Executor struct {
	config      Config
	callTimeout time.Duration
	log         hclog.Logger
	http        *http.Client
	news        chan struct{} // there may be something for sendUpdates

	mu      sync.Mutex
	ledger  *ledger
	current *subscription // nil while not subscribed
	settled chan struct{} // closed when the ledger has no update any more
	running bool
	ended   bool
}

// New checks the options and connects to nothing.
func New(opts Options) (*Executor, error) {
	if opts.Logger == nil {
		return nil, errors.New("executor: Options.Logger is required")
	}
	if err := opts.Config.validate(); err != nil {
		return nil, err
	}
	if opts.CallTimeout == 0 {
		opts.CallTimeout = defaultCallTimeout
	}
	if opts.CallTimeout < 0 {
		return nil, errors.New("executor: Options.CallTimeout must not be negative")
	}
	settled := make(chan struct{})
	close(settled)
	return &Executor{
		config:      opts.Config,
		callTimeout: opts.CallTimeout,
		log:         opts.Logger.Named("executor"),
		http:        newHTTPClient(opts.Config, opts.CallTimeout),
		news:        make(chan struct{}, 1),
		ledger:      newLedger(),
		settled:     settled,
	}, nil
}

// Update queues a status update of a task and returns at once.
func (e *Executor) Update(ctx context.Context, taskID string, state TaskState, data []byte, message string) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("executor: update of %s: %w", taskID, err)
	}
	value, ok := mesos.TaskState_value[string(state)]
	if !ok || taskID == "" {
		return fmt.Errorf("executor: update of task %q to the state %q makes no sense", taskID, state)
	}
	id := uuid.New()
	number, source := mesos.TaskState(value), mesos.SOURCE_EXECUTOR
	now := float64(time.Now().UnixMicro()) / 1e6
	status := mesos.TaskStatus{
		TaskID:     mesos.TaskID{Value: taskID},
		State:      &number,
		Source:     &source,
		UUID:       id[:],
		Timestamp:  &now,
		ExecutorID: &mesos.ExecutorID{Value: e.config.ExecutorID},
		Data:       data,
	}
	if message != "" {
		status.Message = &message
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ended {
		return ErrEnded
	}
	if e.ledger.empty() {
		e.settled = make(chan struct{})
	}
	e.ledger.add(status)
	signal(e.news)
	return nil
}

// Send passes data on to the scheduler, best effort.
func (e *Executor) Send(ctx context.Context, data []byte) error {
	e.mu.Lock()
	s, ended := e.current, e.ended
	e.mu.Unlock()
	switch {
	case ended:
		return ErrEnded
	case s == nil:
		return ErrNotSubscribed
	}
	err := e.call(ctx, calls.Message(data))
	if s.lost(err) {
		return fmt.Errorf("executor: %w: %w", ErrNotSubscribed, err)
	}
	if err != nil {
		return fmt.Errorf("executor: %w", err)
	}
	return nil
}

// Run subscribes and works until the agent says SHUTDOWN or ctx ends (nil), or
// until there is no agent any more. It can be called once.
func (e *Executor) Run(ctx context.Context, handler Handler) error {
	e.mu.Lock()
	if e.running || e.ended {
		e.mu.Unlock()
		return errors.New("executor: Run can be called only once")
	}
	e.running = true
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.ended = true
		e.mu.Unlock()
		e.http.CloseIdleConnections()
	}()
	ctx, cancel := context.WithCancel(ctx)
	handling, stopHandling := context.WithCancel(ctx)
	w := &work{executor: e, handler: handler, jobs: newDispatcher(), cancel: cancel, stopHandling: stopHandling}
	w.owned.Go(func() { w.jobs.run(handling) })
	w.owned.Go(func() { e.sendUpdates(ctx) })
	defer w.owned.Wait()
	defer stopHandling()
	defer cancel()
	return w.keep(ctx)
}

// sendUpdates tells the agent each update in turn.
func (e *Executor) sendUpdates(ctx context.Context) {
	for {
		select {
		case <-e.news:
		case <-ctx.Done():
			return
		}
		failures := 0
		for {
			e.mu.Lock()
			s := e.current
			update, open := e.ledger.next()
			e.mu.Unlock()
			if s == nil || !open || ctx.Err() != nil {
				break // the next subscription wakes us again
			}
			if e.tell(ctx, s, calls.Update(update.Status), update.Status) {
				failures = 0
				continue
			}
			pause(ctx, backoff(failures, e.config.BackoffMax))
			failures++
		}
	}
}

// backoff doubles from firstBackoff to most and takes a random part of up to
// a half off.
func backoff(failures int, most time.Duration) time.Duration {
	d := firstBackoff
	for i := 0; i < failures && d < most; i++ {
		d *= 2
	}
	d = min(d, most)
	return d - rand.N(d/2+1)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
