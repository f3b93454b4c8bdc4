package engine

import (
	"encoding/json"
	"strings"
	"time"

	"scaleio-framework/internal/core"
	"scaleio-framework/leader"
)

// poisonRecord is what stands beside the refused orders for an event that could
// not be stored.
type poisonRecord struct {
	Event  string    `json:"event"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// poisonPrefix is where those records stand.
const poisonPrefix = leader.PathOrdersRefused + "/poison-"

// poison is the unit of an event that cannot be stored: it is recorded, and
// the cores answer for it, with an acknowledgement or a declined offer, else it
// would block its task or hold its offers for ever. Where not even the record
// can be stored (somebody has locked its parent), the log has to do:
// everything else must go on.
func (e *Engine) poison(event core.Event, cause error) unit {
	e.logger.Error("event cannot be stored and is set aside", "event", event.String(), "error", cause)
	at := e.opts.Now()
	record := poisonRecord{Event: shorten(event.String()), Reason: shorten(cause.Error()), At: at}
	u := unit{event: event, changes: make(map[string][]byte)}
	if data, err := json.MarshalIndent(record, "", "  "); err == nil && e.unrecorded < conflictsBeforeQuarantine {
		name := strings.NewReplacer(":", "", "-", "", ".", "").Replace(at.Format("2006-01-02T15:04:05.000"))
		path := poisonPrefix + name
		if order, ok := event.(core.OrderReceived); ok && e.quarantine[order.Path] == "" {
			// Whoever ordered it waits for the znode to go, and looks there why.
			path = refusedPath(order)
			u.changes[order.Path] = nil
		}
		u.changes[path] = data
		u.size = len(path) + len(data)
	}
	for _, c := range e.cores {
		var out core.Output
		c.Apply(at, core.Poisoned{Event: event, Reason: record.Reason}, &out)
		u.effects = append(u.effects, out.Effects...)
	}
	return u
}

// refusedPath is where a refused order is told of.
func refusedPath(order core.OrderReceived) string {
	return leader.PathOrdersRefused + strings.TrimPrefix(order.Path, leader.PathOrders)
}

func isRefusal(path string) bool { return strings.HasPrefix(path, leader.PathOrdersRefused+"/") }

func shorten(text string) string {
	const limit = 2 << 10
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + " [cut]"
}
