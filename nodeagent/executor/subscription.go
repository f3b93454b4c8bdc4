package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/executor"
	"github.com/mesos/mesos-go/api/v1/lib/executor/calls"

	"scaleio-framework/internal/recordio"
)

var (
	errSilent = errors.New("the agent does not answer SUBSCRIBE")
	errEnded  = errors.New("the agent ended the event stream")
)

// subscription is one SUBSCRIBE and its event stream.
type subscription struct {
	work     *work
	shutdown func() // what SHUTDOWN begins
	cancel   context.CancelCauseFunc
	began    bool
}

// run subscribes and reads the stream to its end. It always returns an error.
func (s *subscription) run(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	s.cancel = cancel
	defer cancel(nil)
	// Agents send no heartbeats (recorded): only the beginning is timed. A
	// connection within the host does not break silently.
	patience := time.AfterFunc(s.work.executor.callTimeout, func() { cancel(errSilent) })
	defer patience.Stop()
	defer func() {
		e := s.work.executor
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.current == s {
			e.current = nil
			e.ledger.untold()
		}
	}()
	err := s.stream(ctx, patience)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (s *subscription) stream(ctx context.Context, patience *time.Timer) error {
	e := s.work.executor
	e.mu.Lock()
	tasks, updates := e.ledger.open()
	e.mu.Unlock()
	call := calls.Subscribe(tasks, updates)
	res, err := e.send(ctx, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return ofSubscribe(failure(call, res))
	}
	records := recordio.NewReader(res.Body)
	for {
		record, err := records.Next()
		if errors.Is(err, io.EOF) {
			return errEnded
		}
		if err != nil {
			return fmt.Errorf("event stream: %w", err)
		}
		var event executor.Event
		if err := recordio.Decode(record, &event); err != nil {
			return fmt.Errorf("event stream: %w", err)
		}
		if event.Type == executor.Event_SUBSCRIBED && !s.began {
			patience.Stop()
			s.begin(updates)
			continue
		}
		if err := s.take(&event); err != nil {
			return err
		}
	}
}

// begin opens the way for calls. What the SUBSCRIBE carried is told.
func (s *subscription) begin(told []executor.Call_Update) {
	e := s.work.executor
	s.began = true
	e.mu.Lock()
	e.ledger.told(told...)
	e.current = s
	e.mu.Unlock()
	signal(e.news)
	e.log.Info("subscribed", "agent", e.config.Endpoint, "executor_id", e.config.ExecutorID, "updates_told_again", len(told))
}

func (s *subscription) take(event *executor.Event) error {
	if event.Type == executor.Event_ERROR && event.Error != nil {
		return &AgentError{Text: event.Error.Message}
	}
	if !s.began {
		return fmt.Errorf("event stream: %w: %s before SUBSCRIBED", recordio.ErrMalformed, event.Type)
	}
	switch {
	case event.Type == executor.Event_SHUTDOWN:
		s.shutdown()
	case event.Type == executor.Event_LAUNCH && event.Launch != nil:
		s.work.launch(event.Launch.Task)
	case event.Type == executor.Event_ACKNOWLEDGED && event.Acknowledged != nil:
		s.work.executor.acknowledged(event.Acknowledged.TaskID.Value, event.Acknowledged.UUID)
	case event.Type == executor.Event_KILL && event.Kill != nil:
		id := event.Kill.TaskID.Value
		s.work.put(job{do: func(ctx context.Context) { s.work.handler.Kill(ctx, id) }})
	case event.Type == executor.Event_MESSAGE && event.Message != nil:
		data := event.Message.Data
		s.work.put(job{message: true, do: func(ctx context.Context) { s.work.handler.Message(ctx, data) }})
	case event.Type == executor.Event_SUBSCRIBED, event.Type == executor.Event_LAUNCH,
		event.Type == executor.Event_ACKNOWLEDGED, event.Type == executor.Event_KILL,
		event.Type == executor.Event_MESSAGE, event.Type == executor.Event_ERROR:
		return fmt.Errorf("event stream: %w: %s comes twice or without its contents", recordio.ErrMalformed, event.Type)
	}
	return nil // HEARTBEAT, LAUNCH_GROUP (never ours), and what a newer Mesos may send
}

// acknowledged notes that the agent has an update on its disk.
func (e *Executor) acknowledged(taskID string, uuid []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ledger.acknowledged(taskID, uuid)
	e.settle()
}

// settle tells those who wait for the last acknowledgement. It is called with
// the lock held.
func (e *Executor) settle() {
	if !e.ledger.empty() {
		return
	}
	select {
	case <-e.settled:
	default:
		close(e.settled)
	}
}

// tell sends one update; false when it must be tried again.
func (e *Executor) tell(ctx context.Context, s *subscription, call *executor.Call, status mesos.TaskStatus) bool {
	err := e.call(ctx, call)
	if s.lost(err) {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var refusal *statusError
	switch {
	case err == nil:
		// The subscription may have changed meanwhile; then it was untold, and
		// telling it again is harmless: the uuid is the same.
		if e.current == s {
			e.ledger.told(*call.Update)
		}
	case errors.As(err, &refusal) && refusal.refused():
		// It would be refused for ever and would hold up all that follow.
		e.log.Error("status update refused by the agent and dropped", "task", status.TaskID.Value, "state", status.GetState().String(), "error", err)
		e.ledger.drop(status.UUID)
		e.settle()
	default:
		return false
	}
	return true
}

// lost ends the subscription when an answer says that the agent has none.
func (s *subscription) lost(err error) bool {
	var answer *statusError
	if !errors.As(err, &answer) || (answer.status != http.StatusForbidden && !answer.unknown()) {
		return false
	}
	s.cancel(answer)
	return true
}
