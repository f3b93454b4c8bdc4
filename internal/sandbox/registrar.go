package sandbox

import (
	"context"
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn"
)

// registrar announces the leading master as real ones do, to each scheduler
// under a path of its own: each reaches it by a link of its own.
type registrar struct {
	zk    zkconn.Options
	links map[string]*links // by path; nil leads to the master itself
}

// announceAgainAfter is the pause between two attempts to announce the master.
const announceAgainAfter = 500 * time.Millisecond

// Register implements mesostest.Registrar. The znodes die with their session; a
// master that still leads then announces itself in the next one.
func (r registrar) Register(ctx context.Context, data []byte) (withdraw func(), err error) {
	announcements := make(map[string][]byte)
	for path, links := range r.links {
		announcements[path] = data
		if links == nil {
			continue
		}
		if announcements[path], err = links.redirected(data); err != nil {
			return nil, err
		}
	}
	conn, err := r.announce(ctx, announcements)
	if err != nil {
		return nil, err
	}
	// The announcement outlives the call that began it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.keep(ctx, conn, announcements)
	}()
	return func() {
		cancel()
		<-ended
	}, nil
}

// keep announces again whenever the session is lost, until ctx ends.
func (r registrar) keep(ctx context.Context, conn *zkconn.Conn, announcements map[string][]byte) {
	for {
		select {
		case <-ctx.Done():
			conn.Close()
			return
		case <-conn.Expired():
			conn.Close()
		}
		var err error
		for conn, err = r.announce(ctx, announcements); err != nil; conn, err = r.announce(ctx, announcements) {
			// ZooKeeper is away: whoever waits for the master sees that, too.
			select {
			case <-ctx.Done():
				return
			case <-time.After(announceAgainAfter):
			}
		}
	}
}

func (r registrar) announce(ctx context.Context, announcements map[string][]byte) (*zkconn.Conn, error) {
	conn, err := zkconn.Dial(ctx, r.zk)
	if err != nil {
		return nil, fmt.Errorf("announce the master: %w", err)
	}
	for path, data := range announcements {
		if err = conn.EnsurePath(ctx, path); err == nil {
			_, err = conn.Create(ctx, path+"/json.info_", data, zkconn.EphemeralSequential)
		}
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("announce the master: %w", err)
		}
	}
	return conn, nil
}
