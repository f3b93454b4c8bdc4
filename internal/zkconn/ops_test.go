package zkconn_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

func TestZnodesLiveUnderTheRootAndPathsAreRelativeToIt(t *testing.T) {
	server, root, ctx := zktest.Start(t), zktest.Root(t), testContext(t)
	inside := dial(t, []string{server.Addr(0)}, root+"/a/b", nil)
	outside := dial(t, []string{server.Addr(0)}, "", nil)

	path, err := inside.Create(ctx, "/x", []byte("1"), zkconn.Persistent)
	require.NoError(t, err)
	require.Equal(t, "/x", path)
	data, stat, err := outside.Get(ctx, root+"/a/b/x")
	require.NoError(t, err)
	require.Equal(t, "1", string(data))
	require.Zero(t, stat.Version)

	require.NoError(t, inside.EnsurePath(ctx, "/deep/er"))
	require.NoError(t, inside.EnsurePath(ctx, "/deep/er"), "a second time changes nothing")
	names, err := inside.Children(ctx, "/")
	require.NoError(t, err)
	require.Equal(t, []string{"deep", "x"}, names)

	first, err := inside.Create(ctx, "/deep/n-", nil, zkconn.Sequential)
	require.NoError(t, err)
	second, err := inside.Create(ctx, "/deep/n-", nil, zkconn.Sequential)
	require.NoError(t, err)
	require.Regexp(t, `^/deep/n-\d{10}$`, first)
	require.Less(t, first, second)
}

func TestErrorsSayWhatIsTheMatter(t *testing.T) {
	ctx := testContext(t)
	conn := dial(t, []string{zktest.Start(t).Addr(0)}, zktest.Root(t), nil)
	require.NoError(t, conn.EnsurePath(ctx, "/full/child"))

	_, _, err := conn.Get(ctx, "/none")
	require.ErrorIs(t, err, zkconn.ErrNoNode)
	require.EqualError(t, err, "zookeeper: get /none: znode does not exist")
	_, yes, err := conn.Exists(ctx, "/none")
	require.NoError(t, err, "absence is an answer")
	require.False(t, yes)
	_, err = conn.Children(ctx, "/none")
	require.ErrorIs(t, err, zkconn.ErrNoNode)
	_, err = conn.Create(ctx, "/full", nil, zkconn.Persistent)
	require.ErrorIs(t, err, zkconn.ErrNodeExists)
	_, err = conn.Create(ctx, "/no/parent", nil, zkconn.Persistent)
	require.ErrorIs(t, err, zkconn.ErrNoNode)
	_, err = conn.Set(ctx, "/full", nil, 7)
	require.ErrorIs(t, err, zkconn.ErrBadVersion)
	require.ErrorIs(t, conn.Delete(ctx, "/full", 0), zkconn.ErrNotEmpty)
	_, _, err = conn.Get(ctx, "/not//valid")
	require.ErrorIs(t, err, zkconn.ErrRejected)
	require.NotErrorIs(t, err, zkconn.ErrUnknownOutcome)
}

func TestMultiNamesTheOperationThatFailed(t *testing.T) {
	ctx := testContext(t)
	conn := dial(t, []string{zktest.Start(t).Addr(0)}, zktest.Root(t), nil)
	for _, p := range []string{"/fence", "/a"} {
		require.NoError(t, conn.EnsurePath(ctx, p))
	}
	for _, c := range []struct {
		says  string
		ops   []zkconn.Op
		index int
		err   error
	}{
		{"the fence itself", []zkconn.Op{zkconn.CheckOp("/fence", 1), zkconn.SetOp("/a", nil, 0)}, 0, zkconn.ErrBadVersion},
		{"a set behind the fence, with the same code", []zkconn.Op{zkconn.CheckOp("/fence", 0), zkconn.SetOp("/a", nil, 3), zkconn.SetOp("/a", nil, 9)}, 1, zkconn.ErrBadVersion},
		{"a create of what is there", []zkconn.Op{zkconn.CheckOp("/fence", 0), zkconn.CreateOp("/b", nil, zkconn.Persistent), zkconn.CreateOp("/a", nil, zkconn.Persistent)}, 2, zkconn.ErrNodeExists},
		{"a delete of what is not", []zkconn.Op{zkconn.CheckOp("/fence", 0), zkconn.DeleteOp("/none", 0)}, 1, zkconn.ErrNoNode},
		{"a fence that is gone", []zkconn.Op{zkconn.CheckOp("/none", 0), zkconn.SetOp("/a", nil, 0)}, 0, zkconn.ErrNoNode},
	} {
		t.Run(c.says, func(t *testing.T) {
			_, err := conn.Multi(ctx, c.ops...)
			var failed *zkconn.MultiError
			require.ErrorAs(t, err, &failed)
			require.Equal(t, c.index, failed.Index)
			require.Equal(t, c.ops[c.index], failed.Op)
			require.ErrorIs(t, err, c.err)
		})
	}
	names, err := conn.Children(ctx, "/")
	require.NoError(t, err)
	require.Equal(t, []string{"a", "fence"}, names, "a multi that failed changes nothing")

	results, err := conn.Multi(ctx, zkconn.CheckOp("/fence", 0), zkconn.CreateOp("/b", nil, zkconn.Persistent),
		zkconn.SetOp("/a", []byte("x"), 0), zkconn.DeleteOp("/b", 0))
	require.NoError(t, err)
	require.Len(t, results, 4)
	require.Equal(t, "/b", results[1].Path)
	require.Equal(t, int32(1), results[2].Stat.Version)
}

func TestCloseEndsTheSessionAtTheServer(t *testing.T) {
	server, root, ctx := zktest.Start(t), zktest.Root(t), testContext(t)
	witness := dial(t, []string{server.Addr(0)}, root, nil)
	conn := dial(t, []string{server.Addr(0)}, root, nil)
	_, err := conn.Create(ctx, "/e", nil, zkconn.Ephemeral)
	require.NoError(t, err)
	stat, _, err := witness.Exists(ctx, "/e")
	require.NoError(t, err)
	require.Equal(t, conn.SessionID(), stat.EphemeralOwner)

	conn.Close()
	conn.Close()
	_, yes, err := witness.Exists(ctx, "/e")
	require.NoError(t, err)
	require.False(t, yes, "gone without waiting for the session timeout")
	_, _, err = conn.Get(ctx, "/")
	require.ErrorIs(t, err, zkconn.ErrClosed)
	_, err = conn.Set(ctx, "/", nil, -1)
	require.ErrorIs(t, err, zkconn.ErrClosed)
	require.NotErrorIs(t, err, zkconn.ErrUnknownOutcome, "it was never sent")
	select {
	case <-conn.Expired():
		require.Fail(t, "a closed session has not expired")
	default:
	}
}

func TestTheServerDecidesOnTheSessionTimeout(t *testing.T) {
	server := zktest.Start(t)
	long := dial(t, []string{server.Addr(0)}, zktest.Root(t), func(o *zkconn.Options) { o.SessionTimeout = time.Minute })
	require.Equal(t, 10*time.Second, long.NegotiatedTimeout(), "20 ticks are the longest")
	short := dial(t, []string{server.Addr(0)}, zktest.Root(t), func(o *zkconn.Options) { o.SessionTimeout = 200 * time.Millisecond; o.CallTimeout = time.Second })
	require.Equal(t, time.Second, short.NegotiatedTimeout(), "2 ticks are the shortest")
}

func TestOptionsAreChecked(t *testing.T) {
	good := zkconn.Options{Servers: []string{"h"}}
	for reason, spoil := range map[string]func(*zkconn.Options){
		"Servers is empty":     func(o *zkconn.Options) { o.Servers = nil },
		"not host:port":        func(o *zkconn.Options) { o.Servers = []string{""} },
		"does not start":       func(o *zkconn.Options) { o.Root = "x" },
		"SessionTimeout":       func(o *zkconn.Options) { o.SessionTimeout = time.Millisecond },
		"CallTimeout":          func(o *zkconn.Options) { o.CallTimeout = -1 },
		"give both or neither": func(o *zkconn.Options) { o.DigestUser = "u" },
	} {
		opts := good
		spoil(&opts)
		_, err := zkconn.Dial(testContext(t), opts)
		require.ErrorContains(t, err, reason)
	}
}
