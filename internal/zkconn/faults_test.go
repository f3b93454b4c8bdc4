package zkconn_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

func TestCallsEndOnASilentServer(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	conn, _, proxy := through(t, func(o *zkconn.Options) { o.SessionTimeout, o.CallTimeout = 10*time.Second, 300*time.Millisecond })
	proxy.Freeze()
	defer proxy.Thaw()

	began := time.Now()
	_, yes, err := conn.Exists(ctx, "/")
	require.ErrorIs(t, err, zkconn.ErrDisconnected)
	require.ErrorContains(t, err, "no answer within 300ms")
	require.False(t, yes, "an error never comes with a yes")
	require.Less(t, time.Since(began), 3*time.Second)

	_, err = conn.Set(ctx, "/", []byte("x"), -1)
	require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
	require.NotErrorIs(t, err, zkconn.ErrDisconnected, "which says that nothing was changed")

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err = conn.Get(cancelled, "/")
	require.ErrorIs(t, err, context.Canceled)
}

func TestAFrozenServerProcessHangsNeitherCallsNorDialsNorClose(t *testing.T) {
	t.Parallel()
	server, ctx := zktest.StartOwn(t, zktest.Options{}), testContext(t)
	// The client takes the connection for lost after two thirds of a session.
	opts := zkconn.Options{Servers: []string{server.Addr(0)}, SessionTimeout: 10 * time.Second, CallTimeout: 300 * time.Millisecond}
	conn, err := zkconn.Dial(ctx, opts)
	require.NoError(t, err)
	require.NoError(t, server.Freeze(0))

	_, err = conn.Create(ctx, "/x", nil, zkconn.Persistent)
	require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	_, err = zkconn.Dial(short, opts)
	require.ErrorIs(t, err, zkconn.ErrDisconnected)
	require.ErrorContains(t, err, server.Addr(0))

	began := time.Now()
	conn.Close()
	require.Less(t, time.Since(began), 5*time.Second)
	require.NoError(t, server.Thaw(0))
}

func TestALostAnswerLeavesTheOutcomeOpen(t *testing.T) {
	for _, c := range []struct {
		says    string
		fault   zktest.Fault
		applied bool
	}{
		{"the answer is lost", zktest.LoseReply, true},
		{"the request is lost", zktest.LoseRequest, false},
	} {
		t.Run(c.says, func(t *testing.T) {
			ctx := testContext(t)
			conn, _, proxy := through(t, nil)
			session := conn.SessionID()
			struck := proxy.Strike(c.fault, writing("precious"))
			_, err := conn.Create(ctx, "/x", []byte("precious"), zkconn.Persistent)
			require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
			<-struck

			require.NoError(t, conn.Sync(ctx))
			_, yes, err := conn.Exists(ctx, "/x")
			require.NoError(t, err)
			require.Equal(t, c.applied, yes)
			require.Equal(t, session, conn.SessionID())
		})
	}
}

func TestReadsAreRepeatedOverALostConnection(t *testing.T) {
	ctx := testContext(t)
	conn, _, proxy := through(t, nil)
	struck := proxy.Strike(zktest.LoseReply, func(r zktest.Request) bool { return r.Op == zktest.OpGetData })
	_, _, err := conn.Get(ctx, "/")
	require.NoError(t, err)
	<-struck
}

func TestSyncSettlesAWriteThatWasGivenUp(t *testing.T) {
	ctx := testContext(t)
	conn, witness, proxy := through(t, nil)
	require.NoError(t, conn.EnsurePath(ctx, "/x"))
	proxy.Freeze()
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	_, err := conn.Set(short, "/x", []byte("late"), 0)
	require.ErrorIs(t, err, zkconn.ErrUnknownOutcome)
	proxy.Thaw()

	require.NoError(t, conn.Sync(ctx))
	before, _, err := conn.Get(ctx, "/x")
	require.NoError(t, err)
	require.Never(t, func() bool {
		after, _, err := witness.Get(ctx, "/x")
		return err != nil || string(after) != string(before)
	}, 300*time.Millisecond, 20*time.Millisecond, "what Sync left open must not change any more")
}

func TestExpiryIsLearntLateAndEndsTheConnForGood(t *testing.T) {
	t.Parallel()
	ctx := testContext(t)
	conn, witness, proxy := through(t, shortSession)
	_, err := conn.Create(ctx, "/e", nil, zkconn.Ephemeral)
	require.NoError(t, err)
	session := conn.SessionID()
	proxy.Freeze()
	queued := make(chan error, 1)
	go func() {
		_, err := conn.Create(ctx, "/queued", nil, zkconn.Persistent)
		queued <- err
	}()
	require.Eventually(t, func() bool {
		_, yes, err := witness.Exists(ctx, "/e")
		return err == nil && !yes
	}, patience, 20*time.Millisecond, "the server ends the session")
	select {
	case <-conn.Expired():
		require.Fail(t, "nobody can have told the client yet")
	default:
	}
	require.Error(t, <-queued)

	proxy.Thaw()
	<-conn.Expired()
	<-conn.Done()
	state, _ := conn.State()
	require.Equal(t, zkconn.Expired, state)
	_, err = conn.Create(ctx, "/after", nil, zkconn.Persistent)
	require.ErrorIs(t, err, zkconn.ErrExpired)
	require.NotErrorIs(t, err, zkconn.ErrUnknownOutcome)
	require.Equal(t, session, conn.SessionID(), "no second session under the same Conn")
	names, err := witness.Children(ctx, "/")
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestStatesAreNotLostWhenTheConnectionFlaps(t *testing.T) {
	ctx := testContext(t)
	conn, _, proxy := through(t, nil)
	session := conn.SessionID()
	for range 12 { // the client's own channel holds six events
		_, changed := conn.State()
		proxy.Cut()
		<-changed
		awaitState(t, conn, zkconn.Connected)
	}
	require.NoError(t, conn.Sync(ctx))
	require.Equal(t, session, conn.SessionID())
}

func TestAnEnsembleKeepsTheSessionWhenItsServerDies(t *testing.T) {
	t.Parallel()
	cluster, ctx := zktest.StartEnsemble(t, 3), testContext(t)
	servers := make([]string, cluster.Size())
	index := map[string]int{}
	for i := range servers {
		servers[i] = cluster.Addr(i)
		index[servers[i]] = i
	}
	conn := dial(t, servers, "/failover", func(o *zkconn.Options) { o.SessionTimeout = 10 * time.Second })
	_, err := conn.Create(ctx, "/e", nil, zkconn.Ephemeral)
	require.NoError(t, err)
	session, first := conn.SessionID(), conn.Server()
	_, changed := conn.State()
	cluster.Kill(index[first])
	<-changed
	awaitState(t, conn, zkconn.Connected)

	require.NoError(t, conn.Sync(ctx))
	stat, yes, err := conn.Exists(ctx, "/e")
	require.NoError(t, err)
	require.True(t, yes)
	require.Equal(t, session, stat.EphemeralOwner, fmt.Sprint(first, " then ", conn.Server()))
	require.NotEqual(t, first, conn.Server())
	version, err := cluster.Version(ctx)
	require.NoError(t, err)
	require.Regexp(t, `^\d+\.\d+\.\d+$`, version)
}
