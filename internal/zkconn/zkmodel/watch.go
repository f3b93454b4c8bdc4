package zkmodel

import (
	"context"
	"errors"

	"scaleio-framework/internal/zkconn"
)

// WatchData delivers the state of a znode at once and after each change and
// each return of the session. The channel holds only the latest state; it is
// closed when ctx ends or the Conn is over.
func (c *Conn) WatchData(ctx context.Context, p string) <-chan zkconn.NodeState {
	return follow(ctx, c, p, func(ctx context.Context) (zkconn.NodeState, <-chan struct{}, error) {
		r, err := c.look(ctx, "watch", p, kindGet)
		return zkconn.NodeState{Err: refusal(err), Exists: r.exists, Data: r.data, Stat: r.stat}, r.event, err
	})
}

// WatchChildren delivers the children of a znode under the same terms.
func (c *Conn) WatchChildren(ctx context.Context, p string) <-chan zkconn.ChildrenState {
	return follow(ctx, c, p, func(ctx context.Context) (zkconn.ChildrenState, <-chan struct{}, error) {
		r, err := c.look(ctx, "watch children", p, kindChildren)
		return zkconn.ChildrenState{Err: refusal(err), Exists: r.exists, Stat: r.stat, Names: r.names}, r.event, err
	})
}

// refusal is an error that a watch tells and survives.
func refusal(err error) error {
	if errors.Is(err, zkconn.ErrDisconnected) {
		return nil
	}
	return err
}

// look reads and leaves a watch, also when the znode is absent.
func (c *Conn) look(ctx context.Context, op, p string, k kind) (reply, error) {
	for {
		r, err := c.read(ctx, op, p, k, true)
		if !errors.Is(err, zkconn.ErrNoNode) {
			r.exists = err == nil
			return r, err
		}
		if r, err = c.read(ctx, "watch", p, kindExists, true); err != nil || !r.exists {
			return r, err
		}
	}
}

// follow reads, delivers and waits, in a goroutine that Close waits for.
func follow[T any](ctx context.Context, c *Conn, p string, read func(context.Context) (T, <-chan struct{}, error)) <-chan T {
	out := make(chan T, 1)
	if !c.task() {
		close(out)
		return out
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.live, cancel)
	go func() {
		defer c.tasks.Done()
		defer stop()
		defer cancel()
		defer close(out)
		for ctx.Err() == nil {
			returns := c.usable()
			value, event, err := read(ctx)
			if ctx.Err() != nil {
				return
			}
			if !errors.Is(err, zkconn.ErrDisconnected) {
				select { // replace an older state nobody took
				case <-out:
				default:
				}
				out <- value
			}
			c.awaitNews(ctx, returns, event, err != nil)
			c.client.awaitRunning("follow " + p)
		}
	}()
	return out
}

// task counts a goroutine in, unless the Conn is over.
func (c *Conn) task() bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.over {
		return false
	}
	c.tasks.Add(1)
	return true
}

// usable counts how often the session became usable.
func (c *Conn) usable() int {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	return c.returns
}

// awaitNews waits for an event, for a return of the session after the given
// count, or, when the last read failed, for a while.
func (c *Conn) awaitNews(ctx context.Context, returns int, event <-chan struct{}, retry bool) {
	if retry {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.opts.CallTimeout)
		defer cancel()
	}
	for {
		_, changed := c.State()
		if c.usable() != returns {
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
