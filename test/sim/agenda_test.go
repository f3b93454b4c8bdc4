package sim_test

import (
	"container/heap"
	"time"
)

// agenda is what happens later in a world. Each entry gets an instant of its
// own: whatever it sets going has come to rest before the next one, so a run is
// the same each time. Instants are even numbers of nanoseconds: the modelled
// ZooKeeper takes the odd ones. The world's lock guards it.
type agenda struct {
	entries entries
	added   int
	last    time.Time // when the latest entry was due
	timer   *time.Timer
	fire    func()
}

// entry is one thing that will happen.
type entry struct {
	at time.Time
	// key orders entries of one instant that goroutines planned side by side.
	key   string
	added int
	do    func()
}

func (a *agenda) plan(after time.Duration, key string, do func()) {
	a.added++
	heap.Push(&a.entries, entry{even(time.Now().Add(after)), key, a.added, do})
	if a.timer == nil {
		a.timer = time.AfterFunc(time.Hour, a.fire)
	}
	a.arm()
}

// next takes the entry that is due now, if one is.
func (a *agenda) next() (do func(), due bool) {
	now := time.Now()
	if len(a.entries) == 0 || a.entries[0].at.After(now) || !now.After(a.last) {
		return nil, false
	}
	a.last = now
	return heap.Pop(&a.entries).(entry).do, true
}

// even is the first instant of ours that is not before at.
func even(at time.Time) time.Time { return at.Add(time.Duration(at.UnixNano() & 1)) }

// arm sets the timer to the next entry, and behind the instant of the last.
func (a *agenda) arm() {
	if len(a.entries) == 0 {
		return
	}
	at := a.entries[0].at
	if !at.After(a.last) {
		at = even(a.last.Add(time.Nanosecond))
	}
	a.timer.Reset(time.Until(at))
}

type entries []entry

func (e entries) Len() int { return len(e) }
func (e entries) Less(i, j int) bool {
	if !e[i].at.Equal(e[j].at) {
		return e[i].at.Before(e[j].at)
	}
	if e[i].key != e[j].key {
		return e[i].key < e[j].key
	}
	return e[i].added < e[j].added
}
func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)   { *e = append(*e, x.(entry)) }

func (e *entries) Pop() any {
	last := len(*e) - 1
	popped := (*e)[last]
	(*e)[last] = entry{}
	*e = (*e)[:last]
	return popped
}
