package httpapi

import (
	"sync"

	"scaleio-framework/internal/events"
)

// board holds the facts of the present term, so that they are made once for
// all listeners, and numbers them.
type board struct {
	mu         sync.Mutex
	term       Term
	view       uint64 // number of the view that the facts were made of
	subscribed bool
	number     uint64
	facts      events.Facts
}

// look returns the facts of the term as they are now, and their number, which
// is another one whenever they are others. Facts are replaced, never changed.
func (b *board) look(term Term) (facts events.Facts, epoch, number uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	view, subscribed := term.View(), term.Subscribed()
	if b.number > 0 && b.term == term && b.view == view.Number && b.subscribed == subscribed {
		return b.facts, view.Epoch, b.number
	}
	now := events.Of(view, subscribed)
	if b.number == 0 || b.term != term || len(events.Diff(b.facts, now)) > 0 {
		b.facts = now
		b.number++
	}
	b.term, b.view, b.subscribed = term, view.Number, subscribed
	return b.facts, view.Epoch, b.number
}
