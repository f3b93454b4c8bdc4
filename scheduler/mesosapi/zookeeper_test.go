package mesosapi_test

import (
	"context"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/scheduler/mesosapi"
)

// The same as TestDetectionInZooKeeper, in short, against the real thing: the
// path is absent at first, and the leader's session ends.
func TestDetectionInARealZooKeeper(t *testing.T) {
	server := zktest.StartOwn(t, zktest.Options{})
	url := "zk://" + server.ConnectString() + "/mesos"
	d, err := mesosapi.NewDetector(url, hclog.NewNullLogger())
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	defer running.Wait()
	defer cancel()

	announce := func(port int) *zkconn.Conn {
		opts, err := zkconn.ParseURL(url)
		require.NoError(t, err)
		opts.Logger = hclog.NewNullLogger()
		conn, err := zkconn.Dial(ctx, opts)
		require.NoError(t, err)
		t.Cleanup(conn.Close)
		require.NoError(t, conn.EnsurePath(ctx, "/"))
		_, err = conn.Create(ctx, "/json.info_", info(port), zkconn.EphemeralSequential)
		require.NoError(t, err)
		return conn
	}
	first := announce(5061)
	leader, err := d.Leader(ctx)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:5061", leader.Address)
	announce(5062)
	first.Close()
	<-leader.Changed
	require.Eventually(t, func() bool {
		leader, err := d.Leader(ctx)
		return err == nil && leader.Address == "127.0.0.1:5062"
	}, soon, tick)
}
