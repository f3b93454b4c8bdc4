package leader

import (
	"context"
	"time"

	"scaleio-framework/internal/zkconn"
)

// Conn is what an election and a term ask of a ZooKeeper session. A
// *zkconn.Conn is one, and every other keeps the contract of that package, with
// the same errors.
type Conn interface {
	Get(ctx context.Context, path string) ([]byte, zkconn.Stat, error)
	Exists(ctx context.Context, path string) (zkconn.Stat, bool, error)
	Children(ctx context.Context, path string) ([]string, error)
	WatchData(ctx context.Context, path string) <-chan zkconn.NodeState
	Sync(ctx context.Context) error

	Create(ctx context.Context, path string, data []byte, mode zkconn.Mode) (string, error)
	Delete(ctx context.Context, path string, version int32) error
	EnsurePath(ctx context.Context, path string) error
	Multi(ctx context.Context, ops ...zkconn.Op) ([]zkconn.OpResult, error)

	State() (zkconn.State, <-chan struct{})
	SessionID() int64
	NegotiatedTimeout() time.Duration
	Expired() <-chan struct{}
	Close()
}

// Dial opens a session and waits until it is usable, or for ctx to end. The
// Conn belongs to the caller.
type Dial func(ctx context.Context, opts zkconn.Options) (Conn, error)

// dial is the Dial of production.
func dial(ctx context.Context, opts zkconn.Options) (Conn, error) {
	conn, err := zkconn.Dial(ctx, opts)
	if err != nil {
		return nil, err // not a nil *zkconn.Conn, which would be no nil Conn
	}
	return conn, nil
}
