package app

import (
	"context"
	"strconv"
	"sync"
	"time"

	"scaleio-framework/internal/core"
)

// previews are the questions for a dry run that HTTP waits for, in one term.
type previews struct {
	offer func(ctx context.Context, event core.Event) error

	mu      sync.Mutex
	last    int
	waiting map[string]chan core.TellPreview
}

func newPreviews() *previews { return &previews{waiting: make(map[string]chan core.TellPreview)} }

// askAgain is when a question is repeated: a reload of the cores drops it.
const askAgain = 2 * time.Second

// ask waits for an answer until ctx ends.
func (p *previews) ask(ctx context.Context, pool string, sizeGiB int) (core.TellPreview, error) {
	id, told := p.register()
	defer p.forget(id)
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for {
		if err := p.offer(ctx, core.PreviewAsked{ID: id, Pool: pool, SizeGiB: sizeGiB}); err != nil {
			return core.TellPreview{}, err
		}
		select {
		case answer := <-told:
			return answer, nil
		case <-ctx.Done():
			return core.TellPreview{}, ctx.Err()
		case <-ticker.C:
		}
	}
}

func (p *previews) register() (string, <-chan core.TellPreview) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	id, told := strconv.Itoa(p.last), make(chan core.TellPreview, 1)
	p.waiting[id] = told
	return id, told
}

func (p *previews) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.waiting, id)
}

// tell performs core.TellPreview; an answer that nobody waits for any more is
// dropped.
func (p *previews) tell(e core.TellPreview) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if told := p.waiting[e.ID]; told != nil {
		told <- e
		delete(p.waiting, e.ID)
	}
}
