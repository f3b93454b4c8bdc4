package executor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
)

// work is one Run.
type work struct {
	executor     *Executor
	handler      Handler
	jobs         *dispatcher
	cancel       context.CancelFunc // ends the Run
	stopHandling context.CancelFunc // ends Launch, Message and Kill
	owned        sync.WaitGroup
	logged       string // the last error of an attempt
	stopping     bool   // SHUTDOWN has come
}

// keep makes one subscription after the other.
func (w *work) keep(ctx context.Context) error {
	e := w.executor
	patience := e.config.RecoveryTimeout
	if !e.config.Checkpoint {
		patience = min(patience, registrationPatience)
	}
	lost, failures := time.Now(), 0
	for {
		s := &subscription{work: w, shutdown: func() { w.shutdown(ctx) }}
		err := s.run(ctx)
		if w.stopping && ctx.Err() == nil {
			// Whatever became of the agent: the end is near.
			pause(ctx, backoff(failures, e.config.BackoffMax))
			failures++
			continue
		}
		if ctx.Err() != nil {
			return nil
		}
		var refused *AgentError
		if errors.Is(err, ErrUnknown) || errors.As(err, &refused) {
			return fmt.Errorf("executor: %w", err)
		}
		if s.began {
			lost, failures, w.logged = time.Now(), 0, ""
			if !e.config.Checkpoint {
				return fmt.Errorf("executor: %w: %w: the framework does not checkpoint, so a restarted agent would not know us", ErrAgentLost, err)
			}
		}
		w.complain(err)
		left := patience - time.Since(lost)
		if left <= 0 {
			return fmt.Errorf("executor: %w: not back within %s: %w", ErrAgentLost, patience, err)
		}
		pause(ctx, min(left, backoff(failures, e.config.BackoffMax)))
		failures++
	}
}

// complain logs an error once, not at each attempt.
func (w *work) complain(err error) {
	if w.logged == err.Error() {
		return
	}
	w.logged = err.Error()
	w.executor.log.Warn("not subscribed, trying again", "agent", w.executor.config.Endpoint, "error", err)
}

func (w *work) launch(info mesos.TaskInfo) {
	e := w.executor
	e.mu.Lock()
	isNew := e.ledger.launched(info)
	e.mu.Unlock()
	if !isNew {
		return
	}
	task := Task{ID: info.TaskID.Value, Name: info.Name, AgentID: info.AgentID.Value, Data: info.Data}
	w.put(job{do: func(ctx context.Context) { w.handler.Launch(ctx, task) }})
}

func (w *work) put(j job) {
	if !w.jobs.put(j) {
		w.executor.log.Warn("message dropped, too many wait", "waiting", maxMessages)
	}
}

// shutdown lets the handler end its tasks while the stream is still read, so
// that their last updates are acknowledged, and then ends the Run. A fifth of
// the grace period is left for the way out.
func (w *work) shutdown(ctx context.Context) {
	if w.stopping {
		return
	}
	w.stopping = true
	e := w.executor
	e.log.Info("shutdown asked by the agent", "grace", e.config.ShutdownGrace)
	w.stopHandling()
	w.owned.Go(func() {
		defer w.cancel()
		ctx, cancel := context.WithTimeout(ctx, e.config.ShutdownGrace*4/5)
		defer cancel()
		w.handler.Shutdown(ctx)
		e.mu.Lock()
		settled := e.settled
		e.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			e.log.Warn("shutdown before every update was acknowledged")
		}
	})
}
