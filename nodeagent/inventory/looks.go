package inventory

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"scaleio-framework/internal/model"
)

// looks lets one look at the disks happen at a time: who looks has a disk for
// himself for a moment, and another would find it taken. Everybody who waits
// meanwhile shares the next one, so however long a broken disk takes, looks do
// not pile up.
type looks struct {
	turn chan struct{} // full while somebody looks

	mu   sync.Mutex
	next *look // has not begun; nil while nobody waits
}

// look is one look, which somebody carries out for all who wait for it.
type look struct {
	done  chan struct{}
	disks []model.Disk
	err   error
	// givenUp says that nobody looked, since who was to was told to stop.
	givenUp bool
}

func newLooks() looks { return looks{turn: make(chan struct{}, 1)} }

// disks lists the whole disks of the host, by name, as they are now or later.
func (c *Collector) disks(ctx context.Context) ([]model.Disk, error) {
	for {
		l, mine := c.looks.join()
		if mine {
			c.carryOut(ctx, l)
			return l.disks, l.err
		}
		select {
		case <-l.done:
			if !l.givenUp {
				return slices.Clone(l.disks), l.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("disks: %w", context.Cause(ctx))
		}
	}
}

// join gives the next look, and whether the caller must carry it out.
func (w *looks) join() (l *look, mine bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.next == nil {
		w.next, mine = &look{done: make(chan struct{})}, true
	}
	return w.next, mine
}

// begun lets who comes from here on wait for another look.
func (w *looks) begun() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.next = nil
}

func (c *Collector) carryOut(ctx context.Context, l *look) {
	defer close(l.done)
	select {
	case c.looks.turn <- struct{}{}:
		defer func() { <-c.looks.turn }()
		c.looks.begun()
		l.disks, l.err = c.lookAtDisks(ctx)
	case <-ctx.Done():
		c.looks.begun()
		l.err = fmt.Errorf("disks: %w", context.Cause(ctx))
	}
	l.givenUp = ctx.Err() != nil
}
