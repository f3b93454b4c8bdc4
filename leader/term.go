package leader

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/zkconn"
)

// Term is one time of leadership. It starts when Elect returns it and ends
// once; a process whose term has ended must exit. Its methods may be called
// concurrently; commits run one after the other.
type Term struct {
	conn  Conn
	log   hclog.Logger
	card  Card
	lease *Lease
	// claimed is Options.Claim.
	claimed func(Claim)

	// turn is held by whoever speaks to the fence: commit, probe, recovery.
	turn chan struct{}

	mu        sync.Mutex
	epoch     uint64
	fence     int32 // znode version of /epoch
	unsettled bool  // the outcome of a commit is open
	raising   uint64
	err       error

	ending chan struct{} // closed when err is set
	done   chan struct{} // closed when the connection has ended, too
	keeper sync.WaitGroup
}

// newTerm starts the keeper; the term owns the connection from here on.
func newTerm(conn Conn, log hclog.Logger, opts Options, won victory) *Term {
	t := &Term{
		conn:    conn,
		log:     log.With("epoch", won.epoch),
		card:    opts.Card,
		lease:   NewLease(conn.NegotiatedTimeout(), won.began),
		claimed: opts.Claim,
		turn:    make(chan struct{}, 1),
		epoch:   won.epoch,
		fence:   won.fence,
		ending:  make(chan struct{}),
		done:    make(chan struct{}),
	}
	t.claim(won.fence)
	go t.keep()
	return t
}

// Epoch is the number of this term, counted over all leaders.
func (t *Term) Epoch() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.epoch
}

// Lease tells whether this leader may act.
func (t *Term) Lease() *Lease { return t.lease }

// Card is the card that this leader has laid.
func (t *Term) Card() Card { return t.card }

// Done is closed as soon as the term has ended.
func (t *Term) Done() <-chan struct{} { return t.ending }

// Err is nil while the term lasts, and then why it ended: ErrDeposed (with
// ErrExpired as a special case), ErrLapsed, ErrRefused or ErrHandedOver.
func (t *Term) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// end ends the term; the first reason stays. It returns the reason.
func (t *Term) end(reason error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = reason
		close(t.ending)
	}
	return t.err
}

// take waits for the turn. It fails when the term has ended or ctx ends.
func (t *Term) take(ctx context.Context) error {
	if err := t.Err(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil { // or a free turn would be taken or not by chance
		return fmt.Errorf("%w: too late for a commit: %w", ErrSuspended, err)
	}
	select {
	case t.turn <- struct{}{}:
	case <-t.ending:
		return t.Err()
	case <-ctx.Done():
		return fmt.Errorf("%w: waiting for another commit: %w", ErrSuspended, ctx.Err())
	}
	select {
	case <-t.ending:
		t.release()
		return t.Err()
	default:
		return nil
	}
}

func (t *Term) release() { <-t.turn }

// fenceCheck is the operation that every write begins with.
func (t *Term) fenceCheck() zkconn.Op {
	t.mu.Lock()
	defer t.mu.Unlock()
	return zkconn.CheckOp(PathEpoch, t.fence)
}

// renew counts the lease from an answered request.
func (t *Term) renew(began time.Time) { t.lease.Renew(t.conn.NegotiatedTimeout(), began) }

// verdict handles the errors that end the term. Others come back unchanged.
func (t *Term) verdict(err error) error {
	var failed *zkconn.MultiError
	switch {
	case errors.Is(err, zkconn.ErrExpired):
		return t.end(ErrExpired)
	case errors.Is(err, zkconn.ErrClosed):
		return t.end(ErrHandedOver)
	case errors.As(err, &failed) && failed.Op.Path == PathEpoch:
		if errors.Is(err, zkconn.ErrBadVersion) || errors.Is(err, zkconn.ErrNoNode) {
			return t.end(fmt.Errorf("%w: %w", ErrDeposed, err))
		}
		return t.end(fmt.Errorf("%w: %w", ErrRefused, err))
	}
	return err
}

// HandOver ends the term on request, so that the next leader starts at once:
// it waits for a commit in progress, deletes /leader under the fence, and
// closes the session. The session is closed whatever the error says.
func (t *Term) HandOver(ctx context.Context) error {
	if err := t.take(ctx); err != nil {
		t.Close()
		return err
	}
	_, err := t.conn.Multi(ctx, t.fenceCheck(), zkconn.DeleteOp(PathLeader, -1))
	var failed *zkconn.MultiError
	if errors.As(err, &failed) && failed.Op.Path == PathLeader {
		err = nil // somebody has removed it by hand
	}
	if err != nil {
		err = t.verdict(err)
	}
	t.release()
	t.Close()
	return err
}

// Close ends the term and its session, and returns when everything of it has
// ended.
func (t *Term) Close() {
	_ = t.end(ErrHandedOver)
	<-t.done
}
