package engine

import (
	"context"
	"sync"

	"scaleio-framework/internal/core"
)

// inbox holds what the engine has not applied yet. Outside sources wait when
// their part is full; results and timers never wait, since their number is
// bounded by the open intents.
type inbox struct {
	outside chan core.Event

	mu      sync.Mutex
	results []core.Event
	ready   chan struct{} // holds a token while results is not empty
}

func newInbox(size int) *inbox {
	return &inbox{outside: make(chan core.Event, size), ready: make(chan struct{}, 1)}
}

func (b *inbox) offer(ctx context.Context, event core.Event) error {
	select {
	case b.outside <- event:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *inbox) post(event core.Event) {
	b.mu.Lock()
	b.results = append(b.results, event)
	b.mu.Unlock()
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// drain waits for an event and returns it with those that wait behind it, at
// most limit.
func (b *inbox) drain(ctx context.Context, limit int) ([]core.Event, error) {
	var batch []core.Event
	select {
	case <-b.ready: // before what waits outside, so that no chance decides
	default:
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case event := <-b.outside:
			batch = append(batch, event)
		case <-b.ready:
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	batch = append(batch, b.takeResults(limit-len(batch))...)
	for len(batch) < limit {
		select {
		case event := <-b.outside:
			batch = append(batch, event)
		default:
			return batch, nil
		}
	}
	return batch, nil
}

func (b *inbox) takeResults(limit int) []core.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(limit, len(b.results))
	taken := b.results[:n:n]
	b.results = b.results[n:]
	if len(b.results) > 0 {
		select {
		case b.ready <- struct{}{}:
		default:
		}
	}
	return taken
}
