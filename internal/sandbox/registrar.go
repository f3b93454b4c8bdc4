package sandbox

import (
	"context"
	"fmt"
	"time"

	"scaleio-framework/internal/zkconn"
)

// registrar announces the leading master as real ones do.
type registrar struct{ zk zkconn.Options }

// announceAgainAfter is the pause between two attempts to announce the master.
const announceAgainAfter = 500 * time.Millisecond

// Register implements mesostest.Registrar. The znode dies with its session; a
// master that still leads then announces itself in the next one.
func (r registrar) Register(ctx context.Context, data []byte) (withdraw func(), err error) {
	conn, err := r.announce(ctx, data)
	if err != nil {
		return nil, err
	}
	// The announcement outlives the call that began it.
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.keep(ctx, conn, data)
	}()
	return func() {
		cancel()
		<-ended
	}, nil
}

// keep announces again whenever the session is lost, until ctx ends.
func (r registrar) keep(ctx context.Context, conn *zkconn.Conn, data []byte) {
	for {
		select {
		case <-ctx.Done():
			conn.Close()
			return
		case <-conn.Expired():
			conn.Close()
		}
		var err error
		for conn, err = r.announce(ctx, data); err != nil; conn, err = r.announce(ctx, data) {
			// ZooKeeper is away: whoever waits for the master sees that, too.
			select {
			case <-ctx.Done():
				return
			case <-time.After(announceAgainAfter):
			}
		}
	}
}

func (r registrar) announce(ctx context.Context, data []byte) (*zkconn.Conn, error) {
	conn, err := zkconn.Dial(ctx, r.zk)
	if err != nil {
		return nil, fmt.Errorf("announce the master: %w", err)
	}
	if err = conn.EnsurePath(ctx, "/"); err == nil {
		_, err = conn.Create(ctx, "/json.info_", data, zkconn.EphemeralSequential)
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("announce the master: %w", err)
	}
	return conn, nil
}
