package executor

import (
	"context"
	"sync"
)

// Task is a task that the scheduler launched.
type Task struct {
	ID      string
	Name    string
	AgentID string
	Data    []byte
}

// Handler does the work. See the package's contract for how it is called.
type Handler interface {
	// Launch begins a task; Update tells its states.
	Launch(ctx context.Context, task Task)
	// Message takes data that the scheduler sent.
	Message(ctx context.Context, data []byte)
	// Kill ends a task. Its terminal state is told by Update.
	Kill(ctx context.Context, taskID string)
	// Shutdown ends every task, before ctx ends.
	Shutdown(ctx context.Context)
}

// maxMessages bounds the messages that wait for a slow handler; what comes
// beyond is lost, as messages may be. Launches and kills are never dropped.
const maxMessages = 1000

// dispatcher calls a handler in the order of the events, beside their reading.
type dispatcher struct {
	mu       sync.Mutex
	queue    []job
	messages int
	wake     chan struct{}
}

type job struct {
	do      func(ctx context.Context)
	message bool
}

func newDispatcher() *dispatcher { return &dispatcher{wake: make(chan struct{}, 1)} }

// put queues a call of the handler; false when it was dropped.
func (d *dispatcher) put(j job) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if j.message {
		if d.messages >= maxMessages {
			return false
		}
		d.messages++
	}
	d.queue = append(d.queue, j)
	signal(d.wake)
	return true
}

// run calls the handler until ctx ends; what is queued then is dropped.
func (d *dispatcher) run(ctx context.Context) {
	for {
		d.mu.Lock()
		queue := d.queue
		d.queue, d.messages = nil, 0
		d.mu.Unlock()
		for _, j := range queue {
			if ctx.Err() != nil {
				return
			}
			j.do(ctx)
		}
		select {
		case <-d.wake:
		case <-ctx.Done():
			return
		}
	}
}

// signal wakes the reader of a channel of one, if it is not woken already.
func signal(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
