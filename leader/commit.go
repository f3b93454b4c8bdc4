package leader

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"scaleio-framework/internal/zkconn"
)

// Commit applies all operations or none, if this leader still leads.
//
//   - nil: applied; results[i] belongs to ops[i].
//   - errors.Is(err, ErrDeposed): the fence failed, the term is over.
//   - errors.As(err, *ConflictError): another operation failed, nothing was
//     applied, the term goes on.
//   - ErrInvalid, ErrTooLarge, ErrSuspended: nothing was sent.
//   - any other error: the outcome is unknown. Further commits are refused
//     with ErrSuspended until Recover has passed.
func (t *Term) Commit(ctx context.Context, ops ...Op) ([]Result, error) {
	if err := Validate(ops); err != nil {
		return nil, err
	}
	if err := t.takeWithinLease(ctx); err != nil {
		return nil, err
	}
	defer t.release()
	wire := make([]zkconn.Op, 0, len(ops)+1)
	wire = append(wire, t.fenceCheck())
	for _, op := range ops {
		wire = append(wire, op.wire())
	}
	applied, err := t.write(ctx, wire)
	if err != nil {
		return nil, t.asConflict(err, ops)
	}
	results := make([]Result, len(ops))
	for i := range ops {
		results[i].Version = applied[i+1].Stat.Version
	}
	return results, nil
}

// errLapse is what commits meet while the lease has lapsed.
var errLapse = fmt.Errorf("%w: the lease has lapsed", ErrSuspended)

// takeWithinLease takes the turn, without waiting behind a probe that hangs on
// a silent server for longer than the lease holds.
func (t *Term) takeWithinLease(ctx context.Context) error {
	waiting, cancel := context.WithDeadline(ctx, t.lease.Deadline())
	defer cancel()
	err := t.take(waiting)
	if errors.Is(err, ErrSuspended) && ctx.Err() == nil {
		return errLapse
	}
	return err
}

// asConflict translates the failure of an operation behind the fence.
func (t *Term) asConflict(err error, ops []Op) error {
	var failed *zkconn.MultiError
	if errors.As(err, &failed) && failed.Index > 0 && t.Err() == nil {
		op := ops[failed.Index-1]
		return &ConflictError{Path: op.Path, Op: op, Err: failed.Err}
	}
	return err
}

// write sends one fenced multi within the lease. The caller has the turn.
func (t *Term) write(ctx context.Context, wire []zkconn.Op) ([]zkconn.OpResult, error) {
	began := time.Now()
	if !t.lease.Valid(began) {
		return nil, errLapse
	}
	t.mu.Lock()
	unsettled := t.unsettled
	t.mu.Unlock()
	if unsettled {
		return nil, fmt.Errorf("%w: the outcome of an earlier commit is open", ErrSuspended)
	}
	// A request that finds no server before the lease lapses is not sent.
	ctx, cancel := context.WithDeadline(ctx, t.lease.Deadline())
	defer cancel()
	results, err := t.conn.Multi(ctx, wire...)
	if err == nil {
		t.renew(began)
		return results, nil
	}
	if err := t.verdict(err); t.Err() != nil {
		return nil, err
	}
	switch {
	case errors.As(err, new(*zkconn.MultiError)):
		t.renew(began) // refused for another reason: the fence has passed
	case errors.Is(err, zkconn.ErrUnknownOutcome):
		t.mu.Lock()
		t.unsettled = true
		t.mu.Unlock()
	case errors.Is(err, zkconn.ErrDisconnected):
		err = fmt.Errorf("%w: %w", ErrSuspended, err)
	}
	return nil, err
}

// RaiseEpoch makes the epoch higher than the one given, in one fenced write.
// It is for a ZooKeeper that was restored or rebuilt while node agents
// remember a later epoch. After an unknown outcome Recover or the next
// probe finds out, and Epoch tells. An epoch that is higher already stays.
func (t *Term) RaiseEpoch(ctx context.Context, above uint64) error {
	if above > math.MaxInt64 { // it would leave the next leaders no number, or wrap round
		return fmt.Errorf("%w epoch %d: no leader can have counted that far", ErrInvalid, above)
	}
	if err := t.takeWithinLease(ctx); err != nil {
		return err
	}
	defer t.release()
	if t.Epoch() > above {
		return nil
	}
	data, _, err := t.conn.Get(ctx, PathEpoch)
	if err != nil {
		return t.verdict(fmt.Errorf("%w: raise the epoch: %w", ErrSuspended, err))
	}
	record, err := decodeEpoch(data)
	if err != nil {
		return unreadable(PathEpoch, err)
	}
	next := above + 1
	fence := t.fenceCheck().Version
	results, err := t.write(ctx, []zkconn.Op{zkconn.SetOp(PathEpoch, record.succeed(next, t.card, time.Now()), fence)})
	if errors.Is(err, zkconn.ErrUnknownOutcome) {
		t.mu.Lock()
		t.raising = next
		t.mu.Unlock()
	}
	if err != nil {
		return err
	}
	t.raised(next, results[0].Stat.Version)
	return nil
}

func (t *Term) raised(epoch uint64, fence int32) {
	t.mu.Lock()
	before := t.epoch
	t.epoch, t.fence, t.raising = epoch, fence, 0
	t.mu.Unlock()
	t.claim(fence)
	t.log.Warn("epoch raised above the one that a node remembers", "from", before, "to", epoch)
}
