package nodeagent

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/model"
	"scaleio-framework/internal/nodeproto"
)

// maxQueued bounds the messages that wait for a transport that does not take
// them. Updates are never dropped: there is one for each transition.
const maxQueued = 256

// outbox sends envelopes in order, so that no one who has something to say
// waits for the network.
type outbox struct {
	transport Transport
	log       hclog.Logger
	epoch     func() uint64
	wake      chan struct{}

	mu    sync.Mutex
	seq   uint64
	queue []letter
}

type letter struct {
	data   []byte
	update bool
}

func newOutbox(t Transport, log hclog.Logger, epoch func() uint64) *outbox {
	return &outbox{transport: t, log: log, epoch: epoch, wake: make(chan struct{}, 1)}
}

// update sends reliably.
func (o *outbox) update(e nodeproto.Envelope) { o.put(e, true) }

// send sends what may be lost.
func (o *outbox) send(e nodeproto.Envelope) { o.put(e, false) }

func (o *outbox) put(e nodeproto.Envelope, update bool) {
	epoch := o.epoch()
	o.mu.Lock()
	defer o.mu.Unlock()
	if !update && len(o.queue) >= maxQueued {
		return
	}
	o.seq++
	e.V, e.Epoch, e.Seq = nodeproto.Version, epoch, o.seq
	data, err := json.Marshal(e)
	if err == nil && len(data) > nodeproto.MaxData && e.Report != nil {
		// A result that does not fit must not cost the outcome.
		short := *e.Report
		short.Result = nil
		short.Error = nodeproto.Shorten("the result is too large to be sent; " + short.Error)
		e.Report = &short
		data, err = json.Marshal(e)
	}
	if err == nil && len(data) > nodeproto.MaxData && e.Inventory != nil {
		fewer := withFewerDisks(*e.Inventory, len(data)-nodeproto.MaxData)
		o.log.Warn("the host has more disks than can be told of, some are left out", "disks", len(e.Inventory.Disks), "left_out", len(e.Inventory.Disks)-len(fewer.Disks))
		e.Inventory = &fewer
		data, err = json.Marshal(e)
	}
	if err != nil {
		o.log.Error("an envelope cannot be encoded", "error", err)
		return
	}
	o.queue = append(o.queue, letter{data: data, update: update})
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// withFewerDisks leaves out so many disks that an inventory is shorter by some
// bytes: those that cannot be taken before the others. A host that cannot be
// told of at all would never be served.
func withFewerDisks(inv model.Inventory, bytes int) model.Inventory {
	inv.Disks = slices.Clone(inv.Disks)
	for _, all := range []bool{false, true} {
		for i := len(inv.Disks) - 1; i >= 0 && bytes > 0; i-- {
			if d := inv.Disks[i]; all || !d.Free && !d.Unexamined {
				data, _ := json.Marshal(d) // it was encoded before
				bytes -= len(data)
				inv.Disks = slices.Delete(inv.Disks, i, i+1)
			}
		}
	}
	return inv
}

func (o *outbox) next() (letter, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return letter{}, false
	}
	first := o.queue[0]
	o.queue = o.queue[1:]
	return first, true
}

// run sends until the context ends.
func (o *outbox) run(ctx context.Context) {
	failing := false
	for {
		l, ok := o.next()
		if !ok {
			select {
			case <-ctx.Done():
				return
			case <-o.wake:
			}
			continue
		}
		var err error
		if l.update {
			err = o.transport.Update(ctx, l.data)
		} else {
			err = o.transport.Send(ctx, l.data)
		}
		if ctx.Err() != nil {
			return
		}
		// Nothing is repeated here: the executor keeps updates, and what was
		// lost the leader asks for again.
		if err != nil && !failing {
			o.log.Warn("the leader cannot be reached", "error", err)
		}
		failing = err != nil
	}
}
