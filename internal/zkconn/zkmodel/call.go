package zkmodel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/zkconn"
)

const (
	// retryPause separates the repetitions of a read whose connection broke.
	retryPause = 10 * time.Millisecond
	// hesitation is the time from a call to its request. Calls of one instant
	// are sent in an order of their own, not in that of their goroutines.
	hesitation = time.Microsecond
)

type kind int

const (
	kindGet kind = iota
	kindExists
	kindChildren
	kindWrite
	kindSync
	kindEnd
)

// read tells what a server answers alone.
func (k kind) read() bool { return k <= kindChildren }

// flight is one request from its call to its end.
type flight struct {
	op, path string // for errors and faults
	kind     kind
	full     string // of a read
	watch    bool
	ops      []zkconn.Op // of a write, under full paths
	repeat   bool        // may be sent again after a lost connection

	begun   time.Time
	link    *link // that carries it
	fate    Fate
	settled chan struct{} // closed when reply is final
	reply   reply
}

func (f *flight) name() string { return f.op + " " + f.path }

// reply is what a server answered, or that its answer is lost.
type reply struct {
	lost    bool
	err     error
	failed  int // the operation that err is about
	results []zkconn.OpResult
	data    []byte
	stat    zkconn.Stat
	exists  bool
	names   []string
	event   <-chan struct{}
	zxid    int64
}

// call runs one request under the contract of zkconn.
func (c *Conn) call(ctx context.Context, request flight) (reply, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.CallTimeout,
		fmt.Errorf("no answer within %v: %w", c.opts.CallTimeout, context.DeadlineExceeded))
	defer cancel()
	for {
		if err := c.awaitSession(ctx, request.name()); err != nil {
			return reply{}, &zkconn.CallError{Op: request.op, Path: request.path, Err: err, Cause: context.Cause(ctx)}
		}
		f := request
		if !c.begin(&f) {
			return reply{}, c.failure(&f, false, zkconn.ErrClosed)
		}
		answered, cause := c.await(ctx, &f)
		switch {
		case answered && !f.reply.lost:
			if f.reply.err != nil {
				return f.reply, &zkconn.CallError{Op: f.op, Path: f.path, Err: f.reply.err}
			}
			return f.reply, nil
		case !f.repeat || ctx.Err() != nil || c.live.Err() != nil:
			return reply{}, c.failure(&f, true, cause)
		}
		if err := clock.Sleep(ctx, retryPause); err != nil {
			return reply{}, c.failure(&f, true, context.Cause(ctx))
		}
	}
}

var errBroken = errors.New("the connection broke")

// await waits for the answer, the end of the time, or the end of the session.
func (c *Conn) await(ctx context.Context, f *flight) (answered bool, cause error) {
	select {
	case <-f.settled:
	case <-ctx.Done():
	case <-c.live.Done():
	}
	c.client.awaitRunning(f.name())
	select {
	case <-f.settled:
		return true, errBroken
	default:
	}
	if end := c.endReason(); end != nil {
		return false, end
	}
	return false, context.Cause(ctx)
}

// failure classifies a request without an answer.
func (c *Conn) failure(f *flight, sent bool, cause error) error {
	sentinel := zkconn.ErrDisconnected
	if end := c.endReason(); end != nil {
		sentinel = end
	}
	if !f.repeat && sent {
		if sentinel != zkconn.ErrDisconnected && !errors.Is(cause, sentinel) {
			cause = fmt.Errorf("%w: %w", sentinel, cause)
		}
		sentinel = zkconn.ErrUnknownOutcome
	}
	if errors.Is(cause, sentinel) {
		cause = nil
	}
	return &zkconn.CallError{Op: f.op, Path: f.path, Err: sentinel, Cause: cause}
}

// endReason is ErrExpired or ErrClosed once the Conn is over, else nil.
func (c *Conn) endReason() error {
	select {
	case <-c.expired:
		return zkconn.ErrExpired
	default:
	}
	if c.live.Err() != nil {
		return zkconn.ErrClosed
	}
	return nil
}

// awaitSession waits until a server serves the session.
func (c *Conn) awaitSession(ctx context.Context, doing string) error {
	for {
		c.client.awaitRunning(doing)
		state, changed := c.State()
		if err := c.endReason(); err != nil {
			return err
		}
		if state == zkconn.Connected {
			return nil
		}
		select {
		case <-changed:
		case <-c.live.Done():
		case <-ctx.Done():
			c.client.awaitRunning(doing)
			return zkconn.ErrDisconnected
		}
	}
}

// begin hands a request to the connection, or to the next one.
func (c *Conn) begin(f *flight) bool {
	c.e.mu.Lock()
	defer c.e.mu.Unlock()
	if c.over {
		return false
	}
	c.enqueue(f)
	if !f.repeat {
		c.writes = append(c.writes, f)
	}
	return true
}

func (c *Conn) enqueue(f *flight) {
	f.begun, f.settled = time.Now(), make(chan struct{})
	c.outbox = append(c.outbox, f)
	if !c.flushing {
		c.flushing = true
		c.e.plan(hesitation, c.key, func() {
			c.flushing = false
			c.client.whenRunning(c.flush)
		})
	}
}

// settle ends a request.
func (c *Conn) settle(f *flight, r reply) {
	f.reply = r
	c.writes = slices.DeleteFunc(c.writes, func(w *flight) bool { return w == f })
	close(f.settled)
}

// flush sends what waits, if there is a connection.
func (c *Conn) flush() {
	l := c.link
	if l == nil || !l.greeted || c.client.frozen {
		return
	}
	outbox := c.outbox
	c.outbox = nil
	slices.SortStableFunc(outbox, compare)
	for _, f := range outbox {
		f.link = l
		l.sent = append(l.sent, f)
		if c.e.opts.Fate != nil {
			f.fate = c.e.opts.Fate(Call{At: time.Now(), Client: c.client.name, Op: f.op, Path: f.path, Ops: f.ops})
		}
		if f.fate.LoseRequest {
			l.toServer(f.fate.Delay, l.hangUp)
			continue
		}
		l.toServer(f.fate.Delay, func() { l.server.receive(l, f) })
	}
}

// compare orders the requests of one connection.
func compare(a, b *flight) int {
	if by := cmp.Or(a.begun.Compare(b.begun), strings.Compare(a.op, b.op), strings.Compare(a.path, b.path)); by != 0 {
		return by
	}
	return slices.CompareFunc(a.ops, b.ops, func(a, b zkconn.Op) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Path, b.Path),
			slices.Compare(a.Data, b.Data), cmp.Compare(a.Version, b.Version))
	})
}

// awaitWrites waits until every write begun so far is settled.
func (c *Conn) awaitWrites(ctx context.Context) error {
	c.e.mu.Lock()
	open := slices.Clone(c.writes)
	c.e.mu.Unlock()
	for _, w := range open {
		select {
		case <-w.settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
