package events

import (
	"cmp"
	"slices"
)

// Facts are all that is known at a moment.
type Facts struct{ by map[key]Event }

// With returns the facts that a complete list of events states.
func With(list []Event) Facts {
	f := Facts{by: make(map[key]Event, len(list))}
	for _, e := range list {
		f.Apply(e)
	}
	return f
}

// Apply takes an event over.
func (f *Facts) Apply(e Event) {
	if e.Gone {
		delete(f.by, e.key())
		return
	}
	if f.by == nil {
		f.by = make(map[key]Event)
	}
	f.by[e.key()] = e
}

// List returns the facts, the most general ones first.
func (f Facts) List() []Event {
	list := make([]Event, 0, len(f.by))
	for _, e := range f.by {
		list = append(list, e)
	}
	return sorted(list)
}

// Diff returns what leads from one set of facts to another, each fact at most
// once; nothing when they are equal.
func Diff(before, after Facts) []Event {
	var list []Event
	for k, e := range after.by {
		if old, was := before.by[k]; !was || old != e {
			list = append(list, e)
		}
	}
	for k, e := range before.by {
		if _, is := after.by[k]; !is {
			e.Gone = true
			list = append(list, e)
		}
	}
	return sorted(list)
}

// ranks is the order in which operators want to read.
var ranks = map[Type]int{
	Leader: 1, Mesos: 2, Order: 3, Unreadable: 4, Node: 5, Step: 6, Trouble: 7, Plan: 8, Pool: 9, Growth: 10, Volume: 11,
}

func sorted(list []Event) []Event {
	slices.SortFunc(list, func(a, b Event) int {
		x, y := a.key(), b.key()
		return cmp.Or(
			cmp.Compare(ranks[x.kind], ranks[y.kind]), cmp.Compare(x.kind, y.kind),
			cmp.Compare(x.host, y.host), cmp.Compare(x.step, y.step), cmp.Compare(x.subject, y.subject),
			cmp.Compare(x.pool, y.pool), cmp.Compare(x.growth, y.growth), cmp.Compare(x.slot, y.slot),
			cmp.Compare(x.order, y.order), cmp.Compare(x.path, y.path),
		)
	})
	return list
}
