package nodeagent

import (
	"context"
	"fmt"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/nodeagent/journal"
)

// take decides on one command. The error is the journal's.
func (a *Agent) take(ctx context.Context, data []byte) error {
	c, err := nodeproto.ParseCommand(data)
	if err != nil {
		a.refuse(nodeproto.Malformed, c, nodeproto.Shorten(err.Error()))
		return nil
	}
	if highest := a.journal.Epoch(); c.Epoch < highest {
		a.refuse(nodeproto.StaleEpoch, c, fmt.Sprintf("epoch %d is below %d, the highest this node agent has seen", c.Epoch, highest))
		return nil
	}
	if err := a.journal.RaiseEpoch(c.Epoch); err != nil {
		return err
	}
	switch c.Kind {
	case nodeproto.Ask:
		a.answer(ctx, c)
		return nil
	case nodeproto.Cancel:
		return a.cancel(c)
	default:
		return a.begin(ctx, c)
	}
}

// begin starts an attempt, or answers what became of it.
func (a *Agent) begin(ctx context.Context, c nodeproto.Command) error {
	entry, known := a.journal.Get(c.Step)
	switch {
	case known && entry.Attempt > c.Attempt:
		a.refuse(nodeproto.OldAttempt, c, fmt.Sprintf("attempt %d of step %s is journaled already", entry.Attempt, c.Step))
		return nil
	case known && entry.Attempt == c.Attempt:
		if entry.Digest != c.Digest && entry.Digest != "" {
			a.refuse(nodeproto.OtherParams, c, fmt.Sprintf("attempt %d of step %s is journaled with other parameters", c.Attempt, c.Step))
			return nil
		}
		report := entry.Report()
		a.outbox.send(nodeproto.Envelope{Report: &report})
		return nil
	}
	secrets, err := a.key.Open(c.Sealed)
	if err != nil {
		a.refuse(nodeproto.Unsealable, c, nodeproto.Shorten(err.Error()))
		a.sendInventory(ctx)
		return nil
	}
	entry = journal.Entry{Step: c.Step, Attempt: c.Attempt, Digest: c.Digest, Params: c.Params, State: journal.Started}
	if err := a.overtake(entry); err != nil {
		return err
	}
	report := entry.Report()
	a.outbox.send(nodeproto.Envelope{Report: &report})
	a.spawn(ctx, &attempt{entry: entry, secrets: secrets, sources: c.Sources})
	return nil
}

// cancel leaves a tombstone; the answer follows when nothing runs any more.
func (a *Agent) cancel(c nodeproto.Command) error {
	entry, known := a.journal.Get(c.Step)
	switch {
	case known && entry.Attempt > c.Attempt:
		a.refuse(nodeproto.OldAttempt, c, fmt.Sprintf("attempt %d of step %s is journaled already", entry.Attempt, c.Step))
		return nil
	case known && entry.Attempt == c.Attempt && entry.Ended():
		report := entry.Report()
		a.outbox.send(nodeproto.Envelope{Report: &report})
		return nil
	case known && entry.Attempt == c.Attempt:
		return a.tombstone(c)
	}
	// A running lower attempt is stopped as well: the leader has gone on.
	a.supersede(c.Step)
	entry = journal.Entry{Step: c.Step, Attempt: c.Attempt, Digest: c.Digest, State: journal.Cancelled}
	if err := a.overtake(entry); err != nil {
		return err
	}
	report := entry.Report()
	a.outbox.update(nodeproto.Envelope{Report: &report})
	return nil
}

// overtake journals a higher attempt. The mutex keeps it from coming between a
// lower one's look at the journal and the outcome that it stores.
func (a *Agent) overtake(entry journal.Entry) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.journal.Put(entry)
}

func (a *Agent) refuse(reason nodeproto.RefusalReason, c nodeproto.Command, text string) {
	a.log.Warn("command refused", "reason", string(reason), "step", c.Step, "attempt", c.Attempt, "epoch", c.Epoch)
	a.outbox.send(nodeproto.Envelope{Refusal: &nodeproto.Refusal{
		Reason: reason, Step: c.Step, Attempt: c.Attempt, Epoch: c.Epoch, Text: text,
	}})
}

// sendInventory sends the inventory anew, off the loop: it carries the key
// that the leader needs.
func (a *Agent) sendInventory(ctx context.Context) {
	a.work.Go(func() {
		found, err := a.inventory.Collect(ctx)
		if err != nil {
			a.log.Error("the host cannot be described", "error", err)
			return
		}
		a.outbox.update(nodeproto.Envelope{Inventory: &found})
	})
}
