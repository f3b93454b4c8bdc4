package zkmodel

import (
	"container/heap"
	"time"
)

// agenda holds what happens later. Each event gets an instant of its own:
// whatever it sets going in other goroutines of a synctest bubble has come to
// rest before the next one, so the history depends on the seed alone. Instants
// are odd numbers of nanoseconds: a world that shares the bubble, and takes even
// ones, never does something at the same instant.
type agenda struct {
	events eventHeap
	added  int
	last   time.Time // of the latest event
	timer  *time.Timer
}

// event runs under the ensemble's lock.
type event struct {
	at    time.Time
	key   string // orders events that were planned for the same instant
	added int
	run   func()
}

// plan puts an event on the agenda. The key matters only for events that
// callers' goroutines plan; those that follow from an event are in order.
func (a *agenda) plan(at time.Time, key string, run func(), fire func()) {
	a.added++
	heap.Push(&a.events, event{odd(at), key, a.added, run})
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Hour, fire)
	}
	a.arm()
}

// due takes the next event if its time has come.
func (a *agenda) due(now time.Time) (event, bool) {
	if len(a.events) == 0 || a.events[0].at.After(now) || !now.After(a.last) {
		return event{}, false
	}
	a.last = now
	return heap.Pop(&a.events).(event), true
}

// odd is the first instant of ours that is not before at.
func odd(at time.Time) time.Time { return at.Add(time.Duration(1 - at.UnixNano()&1)) }

// arm sets the timer to the next event, behind the last.
func (a *agenda) arm() {
	if len(a.events) == 0 {
		a.timer.Stop()
		return
	}
	next := a.events[0].at
	if !next.After(a.last) {
		next = odd(a.last.Add(time.Nanosecond))
	}
	a.timer.Reset(time.Until(next))
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }

func (h eventHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	if !a.at.Equal(b.at) {
		return a.at.Before(b.at)
	}
	if a.key != b.key {
		return a.key < b.key
	}
	return a.added < b.added
}

func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

func (h *eventHeap) Push(x any) { *h = append(*h, x.(event)) }

func (h *eventHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	old[len(old)-1] = event{}
	*h = old[:len(old)-1]
	return x
}
