package scaleio

import "context"

// Alert is something that the MDM wants an operator to know.
type Alert struct {
	ID       string `json:"id" need:"yes"`
	Type     string `json:"alertType"` // for example SDS_DISCONNECTED
	Severity string `json:"severity"`  // ALERT_LOW, ALERT_MEDIUM or ALERT_HIGH
	// Affected is the object; its type ends in the name of the type.
	Affected  AffectedObject `json:"affectedObject"`
	StartTime string         `json:"startTime"` // RFC 3339
}

// AffectedObject is what an alert is about.
type AffectedObject struct {
	Type string `json:"type"`
	ID   string `json:"objectId|id"`
}

// Alerts lists the active alerts.
func (c *Client) Alerts(ctx context.Context) ([]Alert, error) {
	return list[Alert](ctx, c, "list alerts", "/api/types/Alert/instances")
}
