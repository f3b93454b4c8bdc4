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

// poison is the unit of an event that cannot be stored: it is recorded, and
// acknowledged when it is an update, else it would block its task for ever.
func (e *Engine) poison(event core.Event, cause error) unit {
	e.logger.Error("event cannot be stored and is set aside", "event", event.String(), "error", cause)
	at := now()
	record := poisonRecord{Event: shorten(event.String()), Reason: shorten(cause.Error()), At: at}
	u := unit{event: event, changes: make(map[string][]byte)}
	if data, err := json.MarshalIndent(record, "", "  "); err == nil {
		name := strings.NewReplacer(":", "", "-", "", ".", "").Replace(at.Format("2006-01-02T15:04:05.000"))
		u.changes[leader.PathOrdersRefused+"/poison-"+name] = data
		u.size = len(data)
	}
	if update, ok := event.(core.TaskUpdated); ok && len(update.UUID) > 0 {
		u.effects = append(u.effects, core.Acknowledge{TaskID: update.TaskID, AgentID: update.AgentID, UUID: update.UUID})
	}
	return u
}

func shorten(text string) string {
	const limit = 2 << 10
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + " [cut]"
}
