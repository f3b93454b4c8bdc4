package mesosapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler"
	"github.com/mesos/mesos-go/api/v1/lib/scheduler/calls"

	"scaleio-framework/internal/core"
)

// Perform makes the call that an effect asks for. An error for which Refused
// holds is final for this effect; ErrNotSubscribed and others pass.
//
// An Accept or Decline that may not have arrived ends the subscription: the
// master would wait for an answer to the offers for ever, and give what they
// hold to nobody else. It takes them back from a framework that subscribes
// anew, and what comes late from the old stream it refuses.
func (c *Client) Perform(ctx context.Context, effect core.Effect) error {
	s := c.subscribed()
	if s == nil {
		return ErrNotSubscribed
	}
	var call *scheduler.Call
	switch e := effect.(type) {
	case core.Accept:
		var err error
		if call, err = c.opts.launchCall(s.frameworkID, e.Launch); err != nil {
			return err
		}
	case core.Decline:
		if len(e.OfferIDs) == 0 {
			return nil
		}
		ids := make([]mesos.OfferID, 0, len(e.OfferIDs))
		for _, id := range e.OfferIDs {
			ids = append(ids, mesos.OfferID{Value: id})
		}
		call = calls.Decline(ids...).With(calls.RefuseSeconds(e.Refuse))
	case core.Revive:
		call = calls.Revive()
	case core.Suppress:
		call = calls.Suppress()
	case core.Reconcile:
		call = reconcile(e.Tasks)
	case core.Acknowledge:
		if len(e.UUID) == 0 {
			return fmt.Errorf("mesos: an update of %s without uuid was made by the master and is not acknowledged", e.TaskID)
		}
		call = calls.Acknowledge(e.AgentID, e.TaskID, e.UUID)
	case core.Kill:
		call = calls.Kill(e.TaskID, e.AgentID)
	default:
		return fmt.Errorf("mesos: no call performs the effect %q (%T)", effect, effect)
	}
	err := c.call(ctx, s, call)
	if err != nil && answersOffers(effect) && !Refused(err) && !errors.Is(err, ErrNotSubscribed) {
		s.cancel(fmt.Errorf("mesos: offers may be left unanswered, subscribing anew: %w", err))
	}
	return err
}

func answersOffers(effect core.Effect) bool {
	switch effect.(type) {
	case core.Accept, core.Decline:
		return true
	}
	return false
}

// Message sends data to an executor. Mesos may lose it without telling.
func (c *Client) Message(ctx context.Context, agentID, executorID string, data []byte) error {
	s := c.subscribed()
	if s == nil {
		return ErrNotSubscribed
	}
	return c.call(ctx, s, calls.Message(agentID, executorID, data))
}

func reconcile(tasks []core.TaskRef) *scheduler.Call {
	list := make([]scheduler.Call_Reconcile_Task, 0, len(tasks))
	for _, t := range tasks {
		task := scheduler.Call_Reconcile_Task{TaskID: mesos.TaskID{Value: t.TaskID}}
		if t.AgentID != "" {
			task.AgentID = &mesos.AgentID{Value: t.AgentID}
		}
		list = append(list, task)
	}
	return &scheduler.Call{Type: scheduler.Call_RECONCILE, Reconcile: &scheduler.Call_Reconcile{Tasks: list}}
}

// call sends one call over the given subscription. Its failure is the call's
// own, but for the one that says that the subscription is gone.
func (c *Client) call(ctx context.Context, s *subscription, call *scheduler.Call) error {
	call.FrameworkID = &mesos.FrameworkID{Value: s.frameworkID}
	ctx, cancel := context.WithTimeout(ctx, c.opts.CallTimeout)
	defer cancel()
	res, err := c.send(ctx, s.master, s.streamID, call)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusAccepted || res.StatusCode == http.StatusOK {
		return nil
	}
	refusal := &CallError{Call: call.Type.String(), Status: res.StatusCode, Text: errorText(res)}
	if res.StatusCode == http.StatusForbidden {
		s.cancel(refusal)
	}
	if refusal.lost() {
		return fmt.Errorf("%w: %w", ErrNotSubscribed, refusal)
	}
	return refusal
}
