package mesosapi

import "errors"

// errAnew is why a stream ends that its own side gave up for a fresh one.
var errAnew = errors.New("subscribing anew")

// Resubscribe ends the present subscription, so that Run makes a new one: the
// master then sends every outstanding offer and unacknowledged update again.
// Without a subscription it does nothing: Run is about to make one.
func (c *Client) Resubscribe() {
	if s := c.subscribed(); s != nil {
		s.cancel(errAnew)
	}
}
