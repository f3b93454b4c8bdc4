package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/nodeagent"
	"scaleio-framework/nodeagent/executor"
)

// farewell is how long a killed task's last update may take to be
// acknowledged before the process ends. Mesos reports a process that ends
// earlier as failed, which is terminal as well.
const farewell = time.Second

// link ties the Mesos executor to the node agent: the executor's task is what
// the agent's updates are about.
type link struct {
	executor *executor.Executor
	agent    *nodeagent.Agent
	log      hclog.Logger

	named      chan struct{} // closed when the first task is known
	stopAgent  chan struct{} // closed when the agent must end
	agentEnded chan struct{}
	killed     chan struct{} // closed when the last task was killed

	mu      sync.Mutex
	task    string
	stopped sync.Once
	done    sync.Once
}

// run runs both until one of them ends.
func (l *link) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	working, stopWorking := context.WithCancel(ctx)
	defer stopWorking()
	var owned sync.WaitGroup
	var agentErr error
	owned.Go(func() {
		select {
		case <-l.stopAgent:
			stopWorking()
		case <-working.Done():
		}
	})
	owned.Go(func() {
		defer close(l.agentEnded)
		agentErr = l.agent.Run(working)
		if agentErr != nil {
			cancel()
		}
	})
	owned.Go(func() {
		select {
		case <-l.killed:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(farewell)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	})
	err := l.executor.Run(ctx, l)
	cancel()
	owned.Wait()
	return errors.Join(agentErr, err)
}

// Launch makes a task the one that updates are about. A second task replaces
// the first: one node agent runs per host.
func (l *link) Launch(ctx context.Context, task executor.Task) {
	l.mu.Lock()
	before := l.task
	l.task = task.ID
	l.mu.Unlock()
	if before == "" {
		close(l.named)
	} else {
		l.tell(ctx, before, executor.Killed, "replaced by task "+task.ID)
		l.agent.Announce()
	}
	l.tell(ctx, task.ID, executor.Running, "")
}

// Message takes a command of the leader.
func (l *link) Message(_ context.Context, data []byte) { l.agent.HandleMessage(data) }

// Kill ends the node agent with its task. Its steps are stopped first.
func (l *link) Kill(ctx context.Context, taskID string) {
	l.log.Info("task is killed", "task", taskID)
	if current := l.current(); current != taskID {
		l.tell(ctx, taskID, executor.Killed, "")
		return
	}
	l.agent.Dismiss()
	l.end(ctx)
	l.tell(ctx, taskID, executor.Killed, "")
	l.done.Do(func() { close(l.killed) })
}

// Shutdown ends the node agent because the Mesos agent says so.
func (l *link) Shutdown(ctx context.Context) {
	l.end(ctx)
	if task := l.current(); task != "" {
		l.tell(ctx, task, executor.Killed, "")
	}
}

// end stops the node agent and waits for it.
func (l *link) end(ctx context.Context) {
	l.stopped.Do(func() { close(l.stopAgent) })
	select {
	case <-l.agentEnded:
	case <-ctx.Done():
	}
}

func (l *link) current() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.task
}

func (l *link) tell(ctx context.Context, task string, state executor.TaskState, message string) {
	if err := l.executor.Update(ctx, task, state, nil, message); err != nil {
		l.log.Warn("a task's state cannot be told", "task", task, "state", string(state), "error", err)
	}
}

// Update sends an envelope as a status update of the current task; before
// there is one it waits.
func (l *link) Update(ctx context.Context, data []byte) error {
	select {
	case <-l.named:
	case <-ctx.Done():
		return fmt.Errorf("no task was launched: %w", ctx.Err())
	}
	return l.executor.Update(ctx, l.current(), executor.Running, data, "")
}

// Send sends an envelope as a message.
func (l *link) Send(ctx context.Context, data []byte) error { return l.executor.Send(ctx, data) }
