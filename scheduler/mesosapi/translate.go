package mesosapi

import (
	"fmt"
	"strconv"
	"strings"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"

	"scaleio-framework/internal/core"
	"scaleio-framework/internal/recordio"
)

// translate turns an event of the stream into the core's. It is nil for those
// that concern nobody here: heartbeats, inverse offers, operations and kinds
// that a newer Mesos may have. SUBSCRIBED and ERROR are the subscription's.
func translate(e *scheduler.Event) (core.Event, error) {
	switch e.Type {
	case scheduler.Event_OFFERS:
		if e.Offers == nil {
			return nil, emptyEvent(e)
		}
		offers := make([]core.Offer, 0, len(e.Offers.Offers))
		for i := range e.Offers.Offers {
			offers = append(offers, offer(&e.Offers.Offers[i]))
		}
		return core.OffersReceived{Offers: offers}, nil
	case scheduler.Event_RESCIND:
		if e.Rescind == nil {
			return nil, emptyEvent(e)
		}
		return core.OfferRescinded{OfferID: e.Rescind.OfferID.Value}, nil
	case scheduler.Event_UPDATE:
		if e.Update == nil {
			return nil, emptyEvent(e)
		}
		return taskUpdated(&e.Update.Status), nil
	case scheduler.Event_MESSAGE:
		if e.Message == nil {
			return nil, emptyEvent(e)
		}
		return core.MessageReceived{
			AgentID:    e.Message.AgentID.Value,
			ExecutorID: e.Message.ExecutorID.Value,
			Data:       e.Message.Data,
		}, nil
	case scheduler.Event_FAILURE:
		if e.Failure == nil {
			return nil, emptyEvent(e)
		}
		failed := core.AgentFailed{
			AgentID:    e.Failure.GetAgentID().GetValue(),
			ExecutorID: e.Failure.GetExecutorID().GetValue(),
		}
		if e.Failure.Status != nil {
			failed.Status = int(*e.Failure.Status)
		}
		return failed, nil
	default:
		return nil, nil //nolint:nilnil // No event and no error: nothing to tell.
	}
}

func emptyEvent(e *scheduler.Event) error {
	return fmt.Errorf("%w: %s without its contents", recordio.ErrMalformed, e.Type)
}

func taskUpdated(s *mesos.TaskStatus) core.TaskUpdated {
	updated := core.TaskUpdated{
		TaskID:     s.TaskID.Value,
		AgentID:    s.GetAgentID().GetValue(),
		ExecutorID: s.GetExecutorID().GetValue(),
		Message:    s.GetMessage(),
		UUID:       s.UUID,
		Data:       s.Data,
	}
	// The getters of mesos-go take an absent enumeration for its first value.
	if s.State != nil {
		updated.State = s.State.String()
	}
	if s.Source != nil {
		updated.Source = s.Source.String()
	}
	if s.Reason != nil {
		updated.Reason = s.Reason.String()
	}
	return updated
}

func offer(o *mesos.Offer) core.Offer {
	reduced := core.Offer{
		ID:          o.ID.Value,
		AgentID:     o.AgentID.Value,
		Hostname:    o.Hostname,
		Attributes:  make(map[string]string, len(o.Attributes)),
		Unavailable: o.Unavailability != nil,
	}
	for i := range o.Resources {
		r := &o.Resources[i]
		if !usable(r) {
			continue
		}
		switch r.Name {
		case "cpus":
			reduced.CPUs += r.Scalar.Value
		case "mem":
			reduced.MemoryMB += r.Scalar.Value
		}
	}
	for i := range o.Attributes {
		reduced.Attributes[o.Attributes[i].Name] = attribute(&o.Attributes[i])
	}
	return reduced
}

// usable tells whether a launch can take of a resource. A launch asks for
// plain resources; what is reserved would have to be named with its
// reservation, and what is revocable can be taken away from a running task.
func usable(r *mesos.Resource) bool {
	plainRole := r.Role == nil || *r.Role == "*"
	return r.Scalar != nil && plainRole && r.Reservation == nil && len(r.Reservations) == 0 && r.Revocable == nil && r.Shared == nil
}

// attribute writes an attribute's value as the agent's --attributes does.
func attribute(a *mesos.Attribute) string {
	switch {
	case a.Text != nil:
		return a.Text.Value
	case a.Scalar != nil:
		return strconv.FormatFloat(a.Scalar.Value, 'g', -1, 64)
	case a.Set != nil:
		return "{" + strings.Join(a.Set.Item, ",") + "}"
	case a.Ranges != nil:
		parts := make([]string, 0, len(a.Ranges.Range))
		for _, r := range a.Ranges.Range {
			parts = append(parts, fmt.Sprintf("%d-%d", r.Begin, r.End))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	return ""
}
