package zkconn_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

func TestWatchDataFollowsAZnode(t *testing.T) {
	ctx := testContext(t)
	conn, witness, proxy := through(t, nil)
	watched, stop := context.WithCancel(ctx)
	states := conn.WatchData(watched, "/x")
	await := func(says string, want func(zkconn.NodeState) bool) {
		t.Helper()
		for s := range states {
			require.NoError(t, s.Err)
			if want(s) {
				return
			}
		}
		require.Fail(t, "the watch ended", says)
	}
	holds := func(text string) func(zkconn.NodeState) bool {
		return func(s zkconn.NodeState) bool { return s.Exists && string(s.Data) == text }
	}
	await("absent at first", func(s zkconn.NodeState) bool { return !s.Exists })
	_, err := witness.Create(ctx, "/x", []byte("1"), zkconn.Persistent)
	require.NoError(t, err)
	await("created", holds("1"))
	_, err = witness.Set(ctx, "/x", []byte("2"), 0)
	require.NoError(t, err)
	await("changed", holds("2"))

	proxy.Block()
	awaitState(t, conn, zkconn.Connecting)
	_, err = witness.Set(ctx, "/x", []byte("3"), 1)
	require.NoError(t, err)
	proxy.Unblock()
	await("changed while away", holds("3"))
	require.Zero(t, proxy.Requests(zktest.OpSetWatches), "the client registers no watch of an earlier connection")
	require.NoError(t, witness.Delete(ctx, "/x", 2))
	await("deleted", func(s zkconn.NodeState) bool { return !s.Exists })

	stop()
	for range states {
	}
}

func TestWatchChildrenFollowsAListAndEndsWithTheConn(t *testing.T) {
	ctx := testContext(t)
	conn, witness, _ := through(t, nil)
	lists := conn.WatchChildren(ctx, "/p")
	require.False(t, (<-lists).Exists)
	require.NoError(t, witness.EnsurePath(ctx, "/p/b"))
	require.NoError(t, witness.EnsurePath(ctx, "/p/a"))
	for l := range lists {
		if len(l.Names) == 2 {
			require.Equal(t, []string{"a", "b"}, l.Names)
			stat, _, err := witness.Exists(ctx, "/p")
			require.NoError(t, err)
			require.Equal(t, stat, l.Stat)
			break
		}
	}
	conn.Close()
	for range lists {
	}
	_, open := <-conn.WatchChildren(ctx, "/p")
	require.False(t, open, "a closed Conn watches nothing")
}
