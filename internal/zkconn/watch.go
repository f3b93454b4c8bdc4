package zkconn

import (
	"context"
	"errors"
	"slices"

	"github.com/go-zookeeper/zk"
)

// NodeState is a znode as a watch saw it.
type NodeState struct {
	// Err, if any, is why the znode could not be read (ErrNoAuth); the watch
	// goes on and tries again.
	Err error
	// Exists is false for an absent znode; Data and Stat are then empty.
	Exists bool
	Data   []byte
	Stat   Stat
}

// ChildrenState is the list of a znode's children as a watch saw it.
type ChildrenState struct {
	// Err, if any, is why the list could not be read.
	Err error
	// Exists is false for an absent znode; Stat is then empty.
	Exists bool
	Stat   Stat
	// Names are sorted.
	Names []string
}

// WatchData delivers the state of a znode at once and after each change and
// each return of the session. The channel holds only the latest state; it is
// closed when ctx ends or the Conn is over.
func (c *Conn) WatchData(ctx context.Context, p string) <-chan NodeState {
	return watch(ctx, c, func(ctx context.Context) (NodeState, <-chan zk.Event, error) { return c.getW(ctx, p) },
		func(err error) NodeState { return NodeState{Err: err} })
}

// WatchChildren delivers the children of a znode under the same terms.
func (c *Conn) WatchChildren(ctx context.Context, p string) <-chan ChildrenState {
	return watch(ctx, c, func(ctx context.Context) (ChildrenState, <-chan zk.Event, error) { return c.childrenW(ctx, p) },
		func(err error) ChildrenState { return ChildrenState{Err: err} })
}

// watch reads, delivers and waits, in a goroutine that Close waits for.
func watch[T any](ctx context.Context, c *Conn,
	read func(context.Context) (T, <-chan zk.Event, error), failed func(error) T,
) <-chan T {
	out := make(chan T, 1)
	if _, err := c.begin(request{read: true}); err != nil {
		close(out)
		return out
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.live, cancel)
	go func() {
		defer c.finish(nil)
		defer stop()
		defer cancel()
		defer close(out)
		for ctx.Err() == nil {
			_, returns, _ := c.state.get()
			value, event, err := read(ctx)
			if ctx.Err() != nil {
				return
			}
			if err != nil && !errors.Is(err, ErrDisconnected) {
				value = failed(err)
			}
			if err == nil || !errors.Is(err, ErrDisconnected) {
				select { // replace an older state nobody took
				case <-out:
				default:
				}
				out <- value
			}
			c.awaitNews(ctx, returns, event, err != nil)
		}
	}()
	return out
}

// awaitNews waits for an event, for a return of the session after the given
// count, or, when the last read failed, for a while. Watches end with their
// connection (see watches): hence the fresh read on every return.
func (c *Conn) awaitNews(ctx context.Context, returns int, event <-chan zk.Event, retry bool) {
	if retry {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.CallTimeout)
		defer cancel()
	}
	for {
		_, now, changed := c.state.get()
		if now != returns {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-event:
			return
		case <-changed:
		}
	}
}

// getW reads a znode and leaves a watch on it, also when it is absent.
func (c *Conn) getW(ctx context.Context, p string) (NodeState, <-chan zk.Event, error) {
	type watched struct {
		node  NodeState
		event <-chan zk.Event
	}
	for {
		w, err := call(ctx, c, request{"watch", p, true}, func(z *zk.Conn) (watched, error) {
			data, stat, event, err := z.GetW(c.full(p))
			return watched{NodeState{Exists: true, Data: data, Stat: statOf(stat)}, event}, err
		})
		if !errors.Is(err, ErrNoNode) {
			return w.node, w.event, err
		}
		absent, event, err := c.absentW(ctx, p)
		if err != nil || absent {
			return NodeState{}, event, err
		}
	}
}

func (c *Conn) childrenW(ctx context.Context, p string) (ChildrenState, <-chan zk.Event, error) {
	type watched struct {
		list  ChildrenState
		event <-chan zk.Event
	}
	for {
		w, err := call(ctx, c, request{"watch children", p, true}, func(z *zk.Conn) (watched, error) {
			names, stat, event, err := z.ChildrenW(c.full(p))
			slices.Sort(names)
			return watched{ChildrenState{Exists: true, Stat: statOf(stat), Names: names}, event}, err
		})
		if !errors.Is(err, ErrNoNode) {
			return w.list, w.event, err
		}
		absent, event, err := c.absentW(ctx, p)
		if err != nil || absent {
			return ChildrenState{}, event, err
		}
	}
}

// absentW leaves a watch for the creation of an absent znode.
func (c *Conn) absentW(ctx context.Context, p string) (bool, <-chan zk.Event, error) {
	type watched struct {
		absent bool
		event  <-chan zk.Event
	}
	w, err := call(ctx, c, request{"watch", p, true}, func(z *zk.Conn) (watched, error) {
		yes, _, event, err := z.ExistsW(c.full(p))
		return watched{!yes, event}, err
	})
	return w.absent, w.event, err
}
