package engine

import (
	"context"
	"errors"
	"sync"

	"scaleio-framework/internal/core"
)

// lanes perform effects: those of one lane in the order of their release,
// lanes side by side. A lane has a goroutine only while it has work.
type lanes struct {
	store   Store
	perform func(context.Context, core.Effect)
	running sync.WaitGroup

	mu     sync.Mutex
	queues map[string][]core.Effect
	closed bool
}

func newLanes(store Store, perform func(context.Context, core.Effect)) *lanes {
	return &lanes{store: store, perform: perform, queues: make(map[string][]core.Effect)}
}

// release queues an effect. It never blocks. The effect is cancelled when ctx
// ends.
func (l *lanes) release(ctx context.Context, effect core.Effect) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	lane := effect.Lane()
	queue, busy := l.queues[lane]
	l.queues[lane] = append(queue, effect)
	if !busy {
		l.running.Go(func() { l.work(ctx, lane) })
	}
}

// work performs a lane's effects until none is left.
func (l *lanes) work(ctx context.Context, lane string) {
	for {
		effect, ok := l.next(lane)
		if !ok {
			return
		}
		// A lapsed lease holds the effect back. R3 and R10 make it safe that
		// the lease may lapse right behind this check.
		if err := l.store.AwaitHeld(ctx); err != nil {
			l.close()
			return
		}
		l.perform(ctx, effect)
	}
}

func (l *lanes) next(lane string) (core.Effect, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.queues[lane]) == 0 {
		delete(l.queues, lane)
		return nil, false
	}
	effect := l.queues[lane][0]
	l.queues[lane] = l.queues[lane][1:]
	return effect, true
}

// close keeps every effect that has not started from starting.
func (l *lanes) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
}

// wait blocks until all effects under way have ended.
func (l *lanes) wait(ctx context.Context) error {
	ended := make(chan struct{})
	go func() {
		l.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return errors.New("effects were still under way at the end: the next leader asks what came of them")
	}
}
