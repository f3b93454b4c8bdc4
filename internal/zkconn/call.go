package zkconn

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-zookeeper/zk"

	"scaleio-framework/internal/clock"
)

// retryPause keeps a read from spinning between the loss of its connection
// and the news of that loss.
const retryPause = 10 * time.Millisecond

// request names a call for its errors and says whether it may be repeated.
type request struct {
	op   string
	path string
	read bool
}

type outcome[T any] struct {
	value T
	err   error
}

// call runs one request of the client under the contract of this package.
func call[T any](ctx context.Context, c *Conn, r request, send func(*zk.Conn) (T, error)) (T, error) {
	var none T
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.CallTimeout,
		fmt.Errorf("no answer within %v: %w", c.opts.CallTimeout, context.DeadlineExceeded))
	defer cancel()
	for {
		if err := c.awaitSession(ctx); err != nil {
			return none, &CallError{Op: r.op, Path: r.path, Err: err, Cause: context.Cause(ctx)}
		}
		o, sent := attempt(ctx, c, r, send)
		if o.err == nil {
			return o.value, nil
		}
		if sentinel, known := answer(o.err); known {
			return o.value, &CallError{Op: r.op, Path: r.path, Err: sentinel}
		}
		if !r.read || ctx.Err() != nil || c.live.Err() != nil {
			return none, c.failure(r, sent, o.err)
		}
		if err := clock.Sleep(ctx, retryPause); err != nil {
			return none, c.failure(r, sent, context.Cause(ctx))
		}
	}
}

// attempt sends once and waits for the answer, the end of the time, or the
// end of the session. The client's goroutine may outlive it: it is counted,
// and writes are kept until they are settled.
func attempt[T any](ctx context.Context, c *Conn, r request, send func(*zk.Conn) (T, error)) (o outcome[T], sent bool) {
	settled, err := c.begin(r)
	if err != nil {
		return outcome[T]{err: err}, false
	}
	answered := make(chan outcome[T], 1)
	go func() {
		defer c.finish(settled)
		value, err := send(c.client)
		answered <- outcome[T]{value, err}
	}()
	select {
	case o = <-answered:
		return o, !errors.Is(o.err, zk.ErrNoServer)
	case <-ctx.Done():
		return outcome[T]{err: context.Cause(ctx)}, true
	case <-c.live.Done():
		return outcome[T]{err: c.endReason()}, true
	}
}

// failure classifies a request without an answer.
func (c *Conn) failure(r request, sent bool, cause error) error {
	sentinel := ErrDisconnected
	if end := c.endReason(); end != nil {
		sentinel = end
	}
	if !r.read && sent {
		// An end of the Conn is told as well; ErrDisconnected never is, since
		// it says that nothing was changed.
		if sentinel != ErrDisconnected && !errors.Is(cause, sentinel) {
			cause = fmt.Errorf("%w: %w", sentinel, cause)
		}
		sentinel = ErrUnknownOutcome
	}
	if errors.Is(cause, sentinel) {
		cause = nil
	}
	return &CallError{Op: r.op, Path: r.path, Err: sentinel, Cause: cause}
}

// endReason is ErrExpired or ErrClosed once the Conn is over, else nil.
func (c *Conn) endReason() error {
	select {
	case <-c.expired:
		return ErrExpired
	default:
	}
	if c.live.Err() != nil {
		return ErrClosed
	}
	return nil
}

// awaitSession waits until a server serves the session.
func (c *Conn) awaitSession(ctx context.Context) error {
	for {
		state, _, changed := c.state.get()
		if err := c.endReason(); err != nil {
			return err
		}
		if state == Connected {
			return nil
		}
		select {
		case <-changed:
		case <-c.live.Done():
		case <-ctx.Done():
			return ErrDisconnected
		}
	}
}

// begin counts a request in; for a write it returns the channel that is
// closed when the outcome is settled.
func (c *Conn) begin(r request) (chan struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil, ErrClosed
	}
	c.tasks.Add(1)
	if r.read {
		return nil, nil
	}
	settled := make(chan struct{})
	c.writes[settled] = struct{}{}
	return settled, nil
}

func (c *Conn) finish(settled chan struct{}) {
	if settled != nil {
		c.mu.Lock()
		delete(c.writes, settled)
		c.mu.Unlock()
		close(settled)
	}
	c.tasks.Done()
}

// awaitWrites waits until every write begun so far is settled: answered, or
// lost with its connection. A write that timed out may still wait in the
// client's queue and be sent when the session returns.
func (c *Conn) awaitWrites(ctx context.Context) error {
	c.mu.Lock()
	open := make([]chan struct{}, 0, len(c.writes))
	for w := range c.writes {
		open = append(open, w)
	}
	c.mu.Unlock()
	for _, w := range open {
		select {
		case <-w:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
