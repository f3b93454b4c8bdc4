package leader

import (
	"context"
	"errors"
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn"
)

// errSessionOver makes the elector dial and prepare anew.
var errSessionOver = errors.New("the candidacy has to start anew")

// stand is one candidacy: it lasts until victory or the end of the session.
func (e *Elector) stand(ctx context.Context, conn Conn) (victory, error) {
	layout, founded, err := e.prepare(ctx, conn)
	if err != nil {
		return victory{}, refusal(err)
	}
	if err := e.register(ctx, conn); err != nil {
		return victory{}, refusal(err)
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	leaders := conn.WatchData(watching, PathLeader)
	campaign := campaign{conn: conn, card: e.opts.Card, layout: layout, founded: founded}
	vacant := false
	retry := time.NewTimer(0)
	defer retry.Stop()
	for {
		select {
		case <-ctx.Done():
			return victory{}, ctx.Err()
		case s, ok := <-leaders:
			if !ok {
				return victory{}, errSessionOver
			}
			if s.Err != nil {
				return victory{}, refusal(s.Err)
			}
			vacant = !s.Exists
			e.notice(conn, s)
		case <-retry.C:
		}
		if !vacant {
			continue
		}
		won, err := campaign.run(ctx)
		switch {
		case err == nil:
			return won, nil
		case final(refusal(err)), errors.Is(err, errSessionOver):
			return victory{}, refusal(err)
		case !errors.Is(err, errLost):
			e.waiting("campaign interrupted", err)
		}
		retry.Reset(retryElection)
	}
}

// notice keeps the present leader's card; a broken one still means a leader.
func (e *Elector) notice(conn Conn, s zkconn.NodeState) {
	if !s.Exists {
		e.see(conn, false, Card{})
		return
	}
	card, err := decodeCard(s.Data)
	if err != nil {
		e.waiting("the leader's card is unreadable", unreadable(PathLeader, err))
		card = Card{Instance: "unreadable"}
	}
	e.see(conn, true, card)
}

// prepare checks the layout before anything else, writes it where there is
// none, and makes the containers. It returns the znode version of /version, and
// whether it has made it.
func (e *Elector) prepare(ctx context.Context, conn Conn) (layout int32, founded bool, err error) {
	if err := conn.EnsurePath(ctx, "/"); err != nil {
		return 0, false, err
	}
	layout, err = readLayout(ctx, conn)
	if errors.Is(err, zkconn.ErrNoNode) {
		_, err = conn.Create(ctx, PathVersion, encodeLayout(), zkconn.Persistent)
		founded = err == nil
		if err == nil || errors.Is(err, zkconn.ErrNodeExists) {
			layout, err = readLayout(ctx, conn)
		}
	}
	if err != nil {
		return 0, false, err
	}
	return layout, founded, ensureContainers(ctx, conn)
}

// ensureContainers makes the containers that are missing.
func ensureContainers(ctx context.Context, conn Conn) error {
	for _, path := range containers() {
		if err := conn.EnsurePath(ctx, path); err != nil {
			return err
		}
	}
	return nil
}

func readLayout(ctx context.Context, conn Conn) (int32, error) {
	data, stat, err := conn.Get(ctx, PathVersion)
	if err != nil {
		return 0, err
	}
	return stat.Version, checkLayout(data)
}

// register lays the candidate's card. One that an earlier session of this
// same process left behind is removed first: it would vanish with it.
func (e *Elector) register(ctx context.Context, conn Conn) error {
	path := PathCandidates + "/" + e.opts.Card.Instance
	stat, exists, err := conn.Exists(ctx, path)
	if err != nil {
		return err
	}
	if exists && stat.EphemeralOwner == conn.SessionID() {
		return nil
	}
	if exists {
		if err := conn.Delete(ctx, path, -1); err != nil && !errors.Is(err, zkconn.ErrNoNode) {
			return err
		}
	}
	if e.opts.Candidacy != nil {
		// First, lest the card of a process that dies here be nobody's.
		e.opts.Candidacy(Candidacy{Instance: e.opts.Card.Instance, Session: conn.SessionID()})
	}
	_, err = conn.Create(ctx, path, e.opts.Card.encode(time.Now()), zkconn.Ephemeral)
	return err
}

// refusal marks what ZooKeeper does not allow as final.
func refusal(err error) error {
	if errors.Is(err, zkconn.ErrNoAuth) {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return err
}
