package app

import (
	"context"
	"sync"

	"scaleio-framework/internal/core"
	"scaleio-framework/scheduler/mesosapi"
)

// subscriber keeps the subscription of one term. The first core.Subscribe
// starts it; a later one, after a reload of the cores, makes it subscribe
// again, since the fresh cores know nothing of the offers that are out.
type subscriber struct {
	mesos *mesosapi.Client
	offer func(ctx context.Context, event core.Event) error
	asked chan string // holds the framework id of the first Subscribe

	once sync.Once
}

func newSubscriber(mesos *mesosapi.Client) *subscriber {
	return &subscriber{mesos: mesos, asked: make(chan string, 1)}
}

// subscribe performs core.Subscribe.
func (s *subscriber) subscribe(e core.Subscribe) {
	first := false
	s.once.Do(func() {
		first = true
		s.asked <- e.FrameworkID
	})
	if !first {
		s.mesos.Resubscribe()
	}
}

// run waits for the first Subscribe and keeps the subscription until ctx ends
// (nil) or the master's refusal is final.
func (s *subscriber) run(ctx context.Context) error {
	var id string
	select {
	case <-ctx.Done():
		return nil
	case id = <-s.asked:
	}
	err := s.mesos.Run(ctx, id, func(event core.Event) {
		// It fails only when the term ends; then nobody waits for the event.
		_ = s.offer(ctx, event)
	})
	if ctx.Err() != nil {
		return nil
	}
	return err
}
