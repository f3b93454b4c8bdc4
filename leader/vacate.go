package leader

import (
	"context"
	"errors"
	"fmt"

	"scaleio-framework/internal/zkconn"
)

// Claim names a leadership by what ZooKeeper knows of it. With it another
// process can end the leadership of one that is dead; see Vacate.
type Claim struct {
	// Fence is the znode version of /epoch.
	Fence int32 `json:"fence"`
	// Session owns /leader.
	Session int64 `json:"session"`
}

// Vacate removes the /leader of a leader whose process has ended and was
// reaped, so that the next one is elected at once instead of after the dead
// one's session. The caller vouches for the death: a process that is only
// stopped, or out of reach, has not ended.
//
// It removes nothing unless /leader belongs to the claim's session and /epoch
// still carries its fence. Every election changes the fence, so with it no one
// else has won since; the owner guards besides against an /epoch that was
// removed by hand, whose versions count from the start again. vacated is false,
// without an error, when the dead one's leadership is over already.
func Vacate(ctx context.Context, conn Conn, dead Claim) (vacated bool, err error) {
	// The server that answers may be behind the one that elected the dead.
	if err := conn.Sync(ctx); err != nil {
		return false, fmt.Errorf("vacate the leadership: %w", err)
	}
	stat, exists, err := conn.Exists(ctx, PathLeader)
	switch {
	case err != nil:
		return false, fmt.Errorf("vacate the leadership: %w", err)
	case !exists || stat.EphemeralOwner != dead.Session:
		return false, nil
	}
	_, err = conn.Multi(ctx, zkconn.CheckOp(PathEpoch, dead.Fence), zkconn.DeleteOp(PathLeader, stat.Version))
	var failed *zkconn.MultiError
	switch {
	case errors.As(err, &failed) && failed.Op.Path == PathLeader:
		return false, nil // its session has expired meanwhile
	case err != nil:
		return false, fmt.Errorf("vacate the leadership: %w", refusal(err))
	}
	return true, nil
}

// claim tells Options.Claim of the fence that is now in force.
func (t *Term) claim(fence int32) {
	if t.claimed != nil {
		t.claimed(Claim{Fence: fence, Session: t.conn.SessionID()})
	}
}

// Candidacy names a candidate's card by what ZooKeeper knows of it; see Strike.
type Candidacy struct {
	Instance string `json:"instance"`
	// Session owns the card.
	Session int64 `json:"session"`
}

// Strike removes the card of a candidate whose process has ended and was reaped,
// so that nobody counts on a standby that is none. The caller vouches for the
// death, as for Vacate. A card that another session has laid stays, and struck
// is false, without an error.
func Strike(ctx context.Context, conn Conn, dead Candidacy) (struck bool, err error) {
	if err := (Card{Instance: dead.Instance}).validate(); err != nil {
		return false, err
	}
	card := PathCandidates + "/" + dead.Instance
	// The server that answers may be behind the one that took the card.
	if err := conn.Sync(ctx); err != nil {
		return false, fmt.Errorf("strike the candidate: %w", err)
	}
	stat, exists, err := conn.Exists(ctx, card)
	switch {
	case err != nil:
		return false, fmt.Errorf("strike the candidate: %w", err)
	case !exists || stat.EphemeralOwner != dead.Session:
		return false, nil
	}
	// An instance is one process's: nobody else lays a card of that name.
	switch err := conn.Delete(ctx, card, stat.Version); {
	case errors.Is(err, zkconn.ErrNoNode):
		return false, nil // its session has expired meanwhile
	case err != nil:
		return false, fmt.Errorf("strike the candidate: %w", refusal(err))
	}
	return true, nil
}
