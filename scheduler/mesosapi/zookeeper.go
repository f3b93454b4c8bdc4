package mesosapi

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"scaleio-framework/internal/zkconn"
)

const (
	// redialPause is the wait before a lost or useless session is replaced.
	redialPause = time.Second
	// dialPatience is after how long a ZooKeeper that cannot be reached is
	// complained of, and tried anew.
	dialPatience = 15 * time.Second
)

// errNobody says that no master has announced itself.
var errNobody = errors.New("no master has announced itself below the path: see that it is the one of the masters' --zk")

// Session is what detection needs of a ZooKeeper session. Paths are relative
// to the masters' path; "/" is that path itself.
type Session interface {
	WatchChildren(ctx context.Context, path string) <-chan zkconn.ChildrenState
	Get(ctx context.Context, path string) ([]byte, zkconn.Stat, error)
	Close()
}

// ZooKeeperOptions configure detection through ZooKeeper.
type ZooKeeperOptions struct {
	// Dial opens a session rooted at the masters' path. Required.
	Dial func(ctx context.Context) (Session, error)
	// Logger gets changes of the leader. Required.
	Logger hclog.Logger
}

// ZooKeeper is a Detector that reads where the masters themselves elect their
// leader. While ZooKeeper is out of reach the last known leader stands: its
// loss alone must not end a subscription that works.
type ZooKeeper struct {
	opts ZooKeeperOptions
	log  hclog.Logger

	mu      sync.Mutex
	address string        // of the leader, empty when there is none
	changed chan struct{} // closed at the next change of address
	problem string        // last logged
}

// NewZooKeeper returns a detector that knows nothing until it runs.
func NewZooKeeper(opts ZooKeeperOptions) (*ZooKeeper, error) {
	if opts.Dial == nil || opts.Logger == nil {
		return nil, errors.New("mesos: ZooKeeperOptions.Dial and Logger are required")
	}
	return &ZooKeeper{opts: opts, log: opts.Logger.Named("detector"), changed: make(chan struct{})}, nil
}

// Leader implements Detector.
func (z *ZooKeeper) Leader(ctx context.Context) (Leader, error) {
	for {
		z.mu.Lock()
		leader := Leader{Address: z.address, Changed: z.changed}
		z.mu.Unlock()
		if leader.Address != "" {
			return leader, nil
		}
		select {
		case <-leader.Changed:
		case <-ctx.Done():
			return Leader{}, fmt.Errorf("mesos: no leading master in ZooKeeper: %w", ctx.Err())
		}
	}
}

// Run implements Detector: it follows one session after the other.
func (z *ZooKeeper) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := z.follow(ctx); err != nil && ctx.Err() == nil {
			z.complain(err)
		}
		wait(ctx, redialPause, nil)
	}
}

// follow watches the masters until the session is over.
func (z *ZooKeeper) follow(ctx context.Context) error {
	dialing, stop := context.WithTimeout(ctx, dialPatience)
	session, err := z.opts.Dial(dialing)
	stop()
	if err != nil {
		return err
	}
	defer session.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for state := range session.WatchChildren(ctx, "/") {
		if state.Err != nil {
			z.complain(state.Err)
			continue
		}
		name, found := firstMaster(state.Names)
		if !found {
			z.complain(errNobody)
			z.set("")
			continue
		}
		data, _, err := session.Get(ctx, "/"+name)
		if errors.Is(err, zkconn.ErrNoNode) {
			continue // gone already: the watch tells of it
		}
		if err != nil {
			return err
		}
		address, err := parseMasterInfo(data)
		if err != nil {
			z.complain(fmt.Errorf("znode %s: %w", name, err))
		}
		z.set(address)
	}
	return nil
}

// set tells a change of the leader to those who wait.
func (z *ZooKeeper) set(address string) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if address != "" {
		z.problem = ""
	}
	if address == z.address {
		return
	}
	z.log.Info("leading master changed", "from", z.address, "to", address)
	z.address = address
	close(z.changed)
	z.changed = make(chan struct{})
}

// complain logs a problem once, until a leader is known again.
func (z *ZooKeeper) complain(err error) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.problem == err.Error() {
		return
	}
	z.problem = err.Error()
	z.log.Warn("leading master not readable from zookeeper", "error", err)
}
