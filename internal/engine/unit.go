package engine

import (
	"fmt"
	"maps"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/model"
	"scaleio-framework/leader"
)

// unit is one outside event with everything that the cores made of it.
type unit struct {
	event   core.Event
	changes map[string][]byte // encoded record by path; nil deletes
	effects []core.Effect
	size    int // bytes of the changes and their paths
}

// Limits of one multi. They leave room below those of architecture section 5
// (512 KiB, 500 operations) for the fence check.
const (
	maxMultiBytes = 480 << 10
	maxMultiOps   = 450
)

// apply gives one event, and all those told because of it, to the cores.
func (e *Engine) apply(event core.Event) (unit, error) {
	u := unit{event: event, changes: make(map[string][]byte)}
	at := e.opts.Now()
	if order, ok := event.(core.OrderReceived); ok {
		// Orders are written by others, so the mirror learns of them here.
		e.stored = maps.Clone(e.stored)
		e.stored[order.Path] = leader.Entry{Data: order.Raw, Version: order.Version}
	}
	queue := []core.Event{event}
	for len(queue) > 0 {
		next := queue[0]
		queue = queue[1:]
		for _, c := range e.cores {
			var out core.Output
			c.Apply(at, next, &out)
			for _, change := range out.Changes {
				if err := e.encode(&u, change); err != nil {
					return u, fmt.Errorf("%s, on %q: %w", c.Name(), next, err)
				}
			}
			u.effects = append(u.effects, out.Effects...)
			queue = append(queue, out.Events...)
		}
	}
	if !fits(nil, u) {
		return u, fmt.Errorf("its %d changes of %d bytes do not fit into one multi", len(u.changes), u.size)
	}
	return u, nil
}

func (e *Engine) encode(u *unit, change core.Change) error {
	if why, bad := e.quarantine[change.Path]; bad {
		return fmt.Errorf("%s is quarantined: %s", change.Path, why)
	}
	var data []byte
	if change.Record != nil {
		prior := e.stored[change.Path].Data
		plain := len(prior) == 0 || same(prior, e.plain[change.Path]) || model.KnowsAll(change.Record, prior)
		if plain {
			prior = nil
		}
		var err error
		if data, err = model.Encode(change.Record, prior); err != nil {
			return fmt.Errorf("%s: %w", change.Path, err)
		}
		if plain {
			e.plain[change.Path] = data
		}
	}
	old, again := u.changes[change.Path]
	if !again {
		u.size += len(change.Path)
	}
	u.size += len(data) - len(old)
	u.changes[change.Path] = data
	return nil
}

// same reports whether two texts are one and the same in memory.
func same(a, b []byte) bool { return len(a) > 0 && len(a) == len(b) && &a[0] == &b[0] }

// fits reports whether u may join the group's multi, or have one of its own
// when the group is empty.
func fits(group []unit, u unit) bool {
	ops, size := len(u.changes), u.size
	for _, member := range group {
		ops += len(member.changes)
		size += member.size
	}
	return ops <= maxMultiOps && size <= maxMultiBytes
}
