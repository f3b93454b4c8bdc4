package engine

import (
	"sync"
	"time"

	"scaleio-framework/internal/core"
)

// timers turn core.Timer effects into core.TimerFired events.
type timers struct {
	post      func(core.Event)
	afterFunc AfterFunc

	mu      sync.Mutex
	pending map[string]*pendingTimer
	stopped bool
}

type pendingTimer struct{ stop func() bool }

func newTimers(post func(core.Event), afterFunc AfterFunc) *timers {
	return &timers{post: post, afterFunc: afterFunc, pending: make(map[string]*pendingTimer)}
}

// set starts a timer, in the place of one with the same key.
func (t *timers) set(key string, after time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	if old, ok := t.pending[key]; ok {
		old.stop()
	}
	timer := &pendingTimer{}
	timer.stop = t.afterFunc(key, after, func() {
		t.mu.Lock()
		current := t.pending[key] == timer
		if current {
			delete(t.pending, key)
		}
		t.mu.Unlock()
		if current {
			t.post(core.TimerFired{Key: key})
		}
	})
	t.pending[key] = timer
}

// reset drops all timers: the cores that set them are gone.
func (t *timers) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, timer := range t.pending {
		timer.stop()
		delete(t.pending, key)
	}
}

func (t *timers) stop() {
	t.reset()
	t.mu.Lock()
	t.stopped = true
	t.mu.Unlock()
}
