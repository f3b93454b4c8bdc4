package leader

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/zkconn"
)

// errLost: another candidate was faster.
var errLost = errors.New("another candidate won")

// victory is what a won election gives.
type victory struct {
	epoch uint64
	fence int32
	began time.Time // of the request whose answer proves it
}

// campaign runs for the leadership over one session.
type campaign struct {
	conn   Conn
	card   Card
	layout int32 // znode version of /version
	// founded: this candidacy made /version, so nobody has led here before.
	founded bool
	absent  time.Time // when /epoch was first missed
}

// run tries once. errLost is no failure; other errors are temporary, but for
// those that final tells.
func (c *campaign) run(ctx context.Context) (victory, error) {
	record, fence, err := c.lastEpoch(ctx)
	if err != nil {
		return victory{}, err
	}
	if record.epoch == math.MaxUint64 {
		return victory{}, unreadable(PathEpoch, errors.New("no epoch is left above the one in it"))
	}
	next := record.epoch + 1
	began := time.Now()
	results, err := c.conn.Multi(ctx,
		zkconn.CheckOp(PathVersion, c.layout),
		zkconn.CreateOp(PathLeader, c.card.encode(began), zkconn.Ephemeral),
		zkconn.SetOp(PathEpoch, record.succeed(next, c.card, began), fence))
	if err == nil {
		return victory{next, results[2].Stat.Version, began}, nil
	}
	var failed *zkconn.MultiError
	switch {
	case errors.As(err, &failed) && failed.Op.Path == PathVersion:
		return victory{}, c.layoutChanged(ctx)
	case errors.Is(err, zkconn.ErrNodeExists), errors.Is(err, zkconn.ErrBadVersion), errors.Is(err, zkconn.ErrNoNode):
		return victory{}, fmt.Errorf("%w: %w", errLost, err)
	case errors.Is(err, zkconn.ErrUnknownOutcome):
		return c.findOut(ctx, next)
	}
	return victory{}, err
}

// lastEpoch reads /epoch, made with epoch 0 where it is absent.
func (c *campaign) lastEpoch(ctx context.Context) (epochRecord, int32, error) {
	data, stat, err := c.conn.Get(ctx, PathEpoch)
	if errors.Is(err, zkconn.ErrNoNode) {
		if err := c.mayFound(); err != nil {
			return epochRecord{}, 0, err
		}
		_, err = c.conn.Create(ctx, PathEpoch, epochRecord{}.succeed(0, Card{}, time.Now()), zkconn.Persistent)
		switch {
		case err == nil, errors.Is(err, zkconn.ErrNodeExists):
			data, stat, err = c.conn.Get(ctx, PathEpoch)
		case errors.Is(err, zkconn.ErrNoNode): // only a new candidacy makes the root
			err = fmt.Errorf("%w: the root was removed: %w", errSessionOver, err)
		}
	}
	if err != nil {
		return epochRecord{}, 0, err
	}
	c.absent = time.Time{}
	record, err := decodeEpoch(data)
	if err != nil {
		return epochRecord{}, 0, unreadable(PathEpoch, err)
	}
	return record, stat.Version, nil
}

// mayFound keeps a candidate from making an /epoch that was removed by hand
// before its leader has noticed: the versions of the new one begin at 0 again,
// so it would pass for his fence, and two would lead for good. A leader who is
// served misses it with his next probe, and within two sessions every other has
// been served or has lost his session.
func (c *campaign) mayFound() error {
	if c.founded {
		return nil
	}
	now := time.Now()
	if c.absent.IsZero() {
		c.absent = now
	}
	if now.Sub(c.absent) < 2*c.conn.NegotiatedTimeout() {
		return fmt.Errorf("%w or is about to: %s is absent", errLost, PathEpoch)
	}
	return nil
}

// layoutChanged tells whether the new /version is still ours to work with; if
// so the candidacy starts anew.
func (c *campaign) layoutChanged(ctx context.Context) error {
	if _, err := readLayout(ctx, c.conn); err != nil {
		return fmt.Errorf("%w: %w", errSessionOver, err)
	}
	return errSessionOver
}

// findOut settles an electing multi without an answer. It was ours only if
// /leader belongs to this session and /epoch carries this instance: either
// alone may be left from before, or be another's.
func (c *campaign) findOut(ctx context.Context, next uint64) (victory, error) {
	for {
		won, err := c.look(ctx, next)
		if err == nil || errors.Is(err, errSessionOver) || errors.Is(err, errLost) || final(refusal(err)) {
			return won, err
		}
		if err := clock.Sleep(ctx, retryElection); err != nil {
			return victory{}, err
		}
	}
}

func (c *campaign) look(ctx context.Context, next uint64) (victory, error) {
	if err := c.conn.Sync(ctx); err != nil {
		return victory{}, sessionOver(err)
	}
	leader, exists, err := c.conn.Exists(ctx, PathLeader)
	if err != nil {
		return victory{}, sessionOver(err)
	}
	record, fence, err := c.lastEpoch(ctx)
	if err != nil {
		return victory{}, sessionOver(err)
	}
	if !exists || leader.EphemeralOwner != c.conn.SessionID() {
		return victory{}, errLost
	}
	if record.instance != c.card.Instance || record.epoch != next {
		// The election was ours and the fence broke since: make room.
		return victory{}, errors.Join(errLost, sessionOver(c.conn.Delete(ctx, PathLeader, -1)))
	}
	began := time.Now() // the lease needs an answer that a quorum gave
	if _, err := c.conn.Multi(ctx, zkconn.CheckOp(PathEpoch, fence)); err != nil {
		return victory{}, sessionOver(err)
	}
	return victory{next, fence, began}, nil
}

func sessionOver(err error) error {
	if errors.Is(err, zkconn.ErrExpired) || errors.Is(err, zkconn.ErrClosed) {
		return fmt.Errorf("%w: %w", errSessionOver, err)
	}
	return err
}
