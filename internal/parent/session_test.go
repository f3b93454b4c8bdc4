package parent

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

// A session that has expired is replaced, for the crash that comes later.
func TestAnExpiredSessionIsReplaced(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	server := zktest.Start(t).Addr(0)
	link := zktest.StartProxy(t, server)
	root := zktest.Root(t)
	witness, err := zkconn.Dial(ctx, zkconn.Options{Servers: []string{server}, Root: root})
	require.NoError(t, err)
	t.Cleanup(witness.Close)
	require.NoError(t, witness.EnsurePath(ctx, "/"))

	s := openSession(zkconn.Options{Servers: []string{link.Addr()}, Root: root, SessionTimeout: time.Second})
	t.Cleanup(s.close)
	first, err := s.await(ctx)
	require.NoError(t, err)
	again, err := s.await(ctx)
	require.NoError(t, err)
	require.Same(t, first, again)

	_, err = first.Create(ctx, "/mark", nil, zkconn.Ephemeral)
	require.NoError(t, err)
	link.Freeze()
	require.Eventually(t, func() bool {
		_, exists, err := witness.Exists(ctx, "/mark")
		return err == nil && !exists
	}, time.Minute, 20*time.Millisecond, "the server gives the session up")
	link.Thaw()
	<-first.Expired()
	next, err := s.await(ctx)
	require.NoError(t, err)
	require.NotEqual(t, first.SessionID(), next.SessionID())
	require.NoError(t, next.Sync(ctx))
}
