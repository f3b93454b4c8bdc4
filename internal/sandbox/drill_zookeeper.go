package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/zkconn"
)

// zookeeperDrills strike servers of the ensemble.
func zookeeperDrills() []Drill {
	return []Drill{
		{
			Name: "zookeeper-leader", Measures: leadsOn, strike: killZooKeeperLeader,
			Fault:  "kill -9 of the server that leads the ensemble; it is started again",
			Expect: sameEpoch + "its lease may lapse while the other two elect, its session lives on.",
		},
		{
			Name: "quorum-short", Measures: leadsOn, strike: freezeQuorum,
			Fault:  "two of three servers stand still for half a session",
			Expect: sameEpoch + "nothing is committed meanwhile.",
		},
		{
			Name: "quorum-long", Measures: leadsOn, strike: killQuorum,
			Fault:  "two of three servers are down for two sessions",
			Expect: sameEpoch + "nothing is committed meanwhile. Servers that start give every session its full time again.",
		},
		{
			Name: "quorum-lost", Measures: takeOver, Bound: afterSession, strike: loseQuorum,
			Fault:  "two of three servers are down until the leader gives up, three sessions after its lease",
			Expect: anEpoch + "the leader exits with 4 and stands by as the others do, without ZooKeeper. The take-over is measured from the quorum on.",
		},
		{
			Name: "zookeeper-disk", Measures: leadsOn, strike: fillDisk, ground: mountSmallDisk,
			Fault:  "the disk of one server is full until the server has left the ensemble; then it is cleaned up and the server restarted",
			Expect: sameEpoch + "the other two servers go on. The third one serves nobody, ended or not, until there is room.",
		},
	}
}

// others are all servers but one.
func (c *scene) others(server int) (numbers []int) {
	for i := range c.zk.cluster.Size() {
		if i != server {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

func killZooKeeperLeader(ctx context.Context, c *scene) error {
	server, err := c.zk.cluster.Leader(ctx)
	if err != nil {
		return err
	}
	struck := time.Now()
	c.zk.cluster.Kill(server)
	if err := c.continued(ctx, struck); err != nil {
		return err
	}
	return c.zk.cluster.Restart(ctx, server)
}

// quorum are two servers, the leader of the ensemble among them.
func (c *scene) quorum(ctx context.Context) ([]int, error) {
	server, err := c.zk.cluster.Leader(ctx)
	if err != nil {
		return nil, err
	}
	return []int{server, c.others(server)[0]}, nil
}

func freezeQuorum(ctx context.Context, c *scene) error {
	servers, err := c.quorum(ctx)
	if err != nil {
		return err
	}
	for _, server := range servers {
		if err := c.zk.cluster.Freeze(server); err != nil {
			return err
		}
	}
	err = clock.Sleep(ctx, c.opts.SessionTimeout/2)
	for _, server := range servers {
		err = errors.Join(err, c.zk.cluster.Thaw(server))
	}
	if err != nil {
		return err
	}
	return c.continued(ctx, time.Now())
}

// withoutQuorum kills two servers, waits for what is to happen meanwhile, and
// starts them again. It returns when there is a quorum.
func (c *scene) withoutQuorum(ctx context.Context, meanwhile func() error) (served time.Time, err error) {
	servers, err := c.quorum(ctx)
	if err != nil {
		return served, err
	}
	for _, server := range servers {
		c.zk.cluster.Kill(server)
	}
	if err := meanwhile(); err != nil {
		return served, err
	}
	if err := c.zk.cluster.Restart(ctx, servers...); err != nil {
		return served, err
	}
	served = time.Now()
	return served, c.w.reconnect(ctx)
}

func killQuorum(ctx context.Context, c *scene) error {
	served, err := c.withoutQuorum(ctx, func() error { return clock.Sleep(ctx, 2*c.opts.SessionTimeout) })
	if err != nil {
		return err
	}
	return c.continued(ctx, served)
}

func loseQuorum(ctx context.Context, c *scene) error {
	served, err := c.withoutQuorum(ctx, func() error {
		return c.until(ctx, "the leader to give up", func(context.Context) bool { return len(c.victim.Exits()) > c.exits[c.victim] })
	})
	if err != nil {
		return err
	}
	return c.succeeded(ctx, served, 4)
}

// The server with the small disk, and how small it is: room for what a drill
// writes, were it not filled.
const (
	smallDiskServer = 2
	smallDiskBytes  = 64 << 20
)

// smallDisk is where that server keeps its data.
func smallDisk(zkDir string) string {
	return filepath.Join(zkDir, fmt.Sprintf("zk%d", smallDiskServer+1), "data")
}

// mountSmallDisk gives one server a disk of its own that can be filled.
func mountSmallDisk(zkDir string) (undo func() error, err error) {
	dir := smallDisk(zkDir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0755", smallDiskBytes)); err != nil {
		return nil, fmt.Errorf("sandbox: mount a small disk on %s: %w: this drill needs root", dir, err)
	}
	return func() error {
		if err := unix.Unmount(dir, 0); err != nil {
			return fmt.Errorf("sandbox: unmount %s: %w", dir, err)
		}
		return nil
	}, nil
}

func fillDisk(ctx context.Context, c *scene) error {
	// What has to be written for certain is written while every server can.
	conn, err := zkconn.Dial(ctx, c.w.zkOptions("/drill"))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.EnsurePath(ctx, "/"); err != nil {
		return err
	}
	filler := filepath.Join(smallDisk(c.zkDir()), "filler")
	if err := fill(filler); err != nil {
		return err
	}
	// The server notices at the next page of its transaction log.
	page := make([]byte, os.Getpagesize())
	err = c.until(ctx, "the server to leave the ensemble", func(ctx context.Context) bool {
		// The answer does not matter: the others may be electing.
		_, _ = conn.Create(ctx, "/write-", page, zkconn.EphemeralSequential)
		return !c.zk.cluster.Serves(ctx, smallDiskServer)
	})
	if err != nil {
		return err
	}
	if err := c.continued(ctx, time.Now()); err != nil {
		return err
	}
	if err := os.Remove(filler); err != nil {
		return err
	}
	return c.zk.cluster.Restart(ctx, smallDiskServer)
}

// fill writes until the disk is full.
func fill(file string) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err = f.Write(block); err != nil {
			block = block[:len(block)/2] // the last bytes count, too
		}
	}
	if closeErr := f.Close(); closeErr != nil {
		return closeErr
	}
	if !errors.Is(err, unix.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	return nil
}
