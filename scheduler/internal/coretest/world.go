package coretest

import (
	"bytes"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// maxTold stops cores that tell each other events for ever.
const maxTold = 10_000

// T is what a World needs of a test: *testing.T and *rapid.T have it.
type T = require.TestingT

// World applies events to cores and stores what they decide, in memory.
type World struct {
	// Now is the clock that the cores see.
	Now time.Time

	t          T
	make       func() []core.Core
	cores      []core.Core
	stored     leader.Snapshot
	owners     map[string]string // path -> name of the core that writes it
	byHand     map[string]bool   // paths whose records may hold fields that no core knows
	unreadable map[string]error
	timers     map[string]time.Time
	epoch      uint64
}

// Unit is what came of one event: its changes are committed together, its
// effects released after that.
type Unit struct {
	Event   core.Event
	Told    []core.Event
	Changes []Change
	Effects []core.Effect
}

// Change is a record before and after a unit; nil is none.
type Change struct {
	Path          string
	Before, After []byte
}

// NewWorld makes a world with nothing stored. The function makes the cores, in
// the order in which they see each event; it is called at each start and crash.
func NewWorld(t T, cores func() []core.Core) *World {
	return &World{
		Now:    time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		t:      t,
		make:   cores,
		stored: make(leader.Snapshot),
		owners: make(map[string]string),
		byHand: make(map[string]bool),
		timers: make(map[string]time.Time),
	}
}

// Start begins the next term: the cores are made anew, loaded from what is
// stored and told so. The same serves as the first start and as a crash.
func (w *World) Start() Unit {
	w.epoch++
	return w.load(false)
}

// Reload does what the engine does after a commit that did not plainly
// succeed: same leader, same epoch, new cores.
func (w *World) Reload() Unit { return w.load(true) }

func (w *World) load(again bool) Unit {
	w.cores = w.make()
	w.timers = make(map[string]time.Time)
	w.unreadable = make(map[string]error)
	for _, c := range w.cores {
		unreadable, err := c.Load(w.Stored())
		require.NoError(w.t, err, "load %s", c.Name())
		for path, err := range unreadable {
			w.unreadable[path] = err
		}
	}
	return w.Apply(core.TermStarted{Epoch: w.epoch, Entropy: fmt.Sprintf("entropy-%d", w.epoch), Again: again})
}

// Apply gives one event to the cores and stores what they decide on it.
func (w *World) Apply(event core.Event) Unit {
	unit := Unit{Event: event}
	before := make(map[string][]byte)
	queue := []core.Event{event}
	for i := 0; i < len(queue); i++ {
		require.Less(w.t, i, maxTold, "the cores tell each other events for ever, last: %s", queue[i])
		for _, c := range w.cores {
			var out core.Output
			c.Apply(w.Now, queue[i], &out)
			w.write(c.Name(), out.Changes, before)
			unit.Effects = append(unit.Effects, out.Effects...)
			queue = append(queue, out.Events...)
		}
	}
	unit.Told = queue[1:]
	unit.Changes = w.changes(before)
	for _, effect := range unit.Effects {
		if timer, ok := effect.(core.Timer); ok {
			w.timers[timer.Key] = w.Now.Add(timer.After)
		}
	}
	return unit
}

func (w *World) write(name string, changes []core.Change, before map[string][]byte) {
	for _, change := range changes {
		require.True(w.t, strings.HasPrefix(change.Path, "/"), "path %q of core %s", change.Path, name)
		require.NotContains(w.t, w.unreadable, change.Path, "core %s writes a record it could not read", name)
		if owner, ok := w.owners[change.Path]; ok {
			require.Equal(w.t, owner, name, "two cores write %s", change.Path)
		}
		entry, exists := w.stored[change.Path]
		if _, ok := before[change.Path]; !ok {
			before[change.Path] = entry.Data
		}
		if change.Record == nil {
			delete(w.stored, change.Path)
			delete(w.byHand, change.Path)
			continue
		}
		var old []byte
		if w.byHand[change.Path] {
			old = entry.Data
		}
		data, err := model.Encode(change.Record, old)
		require.NoError(w.t, err, "core %s puts %s", name, change.Path)
		version := entry.Version
		if exists {
			version++
		}
		w.owners[change.Path] = name
		w.stored[change.Path] = leader.Entry{Data: data, Version: version}
	}
}

func (w *World) changes(before map[string][]byte) []Change {
	var changes []Change
	for _, path := range sortedKeys(before) {
		changes = append(changes, Change{Path: path, Before: before[path], After: w.stored[path].Data})
	}
	return changes
}

// Advance moves the clock, applying TimerFired for each timer that comes due
// on the way, in the order of their times.
func (w *World) Advance(d time.Duration) []Unit {
	end := w.Now.Add(d)
	var units []Unit
	for {
		key, due, ok := w.NextTimer()
		if !ok || due.After(end) {
			w.Now = end
			return units
		}
		w.Now = due
		units = append(units, w.Fire(key))
	}
}

// NextTimer is the timer that comes due first.
func (w *World) NextTimer() (key string, due time.Time, ok bool) {
	for _, k := range sortedKeys(w.timers) {
		if !ok || w.timers[k].Before(due) {
			key, due, ok = k, w.timers[k], true
		}
	}
	if due.Before(w.Now) {
		due = w.Now
	}
	return key, due, ok
}

// Timers are the keys of the armed timers, sorted.
func (w *World) Timers() []string { return sortedKeys(w.timers) }

// Fire lets one timer come due now.
func (w *World) Fire(key string) Unit {
	delete(w.timers, key)
	return w.Apply(core.TimerFired{Key: key})
}

// Put writes a record by hand; the cores see it at the next start.
func (w *World) Put(path string, data []byte) {
	w.stored[path] = leader.Entry{Data: data, Version: w.stored[path].Version + 1}
	w.byHand[path] = true
}

// Remove removes a record by hand.
func (w *World) Remove(path string) {
	delete(w.stored, path)
	delete(w.byHand, path)
}

// Epoch is the epoch of the present term.
func (w *World) Epoch() uint64 { return w.epoch }

// Unreadable are the records that no core could read at the last load.
func (w *World) Unreadable() map[string]error { return w.unreadable }

// Stored is a copy of what is stored.
func (w *World) Stored() leader.Snapshot {
	snapshot := make(leader.Snapshot, len(w.stored))
	for path, entry := range w.stored {
		snapshot[path] = leader.Entry{Data: bytes.Clone(entry.Data), Version: entry.Version}
	}
	return snapshot
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
