package zkconn_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(zktest.Exit))
}

const patience = 20 * time.Second

func testContext(t *testing.T) context.Context {
	zktest.Start(t) // the first start takes its time, which is not the test's
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// dial opens a session under a root of the test's own, which it creates.
func dial(t *testing.T, servers []string, root string, change func(*zkconn.Options)) *zkconn.Conn {
	t.Helper()
	opts := zkconn.Options{Servers: servers, Root: root, SessionTimeout: 4 * time.Second}
	if change != nil {
		change(&opts)
	}
	conn, err := zkconn.Dial(testContext(t), opts)
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	require.NoError(t, conn.EnsurePath(testContext(t), "/"))
	return conn
}

// through dials by way of a proxy to the shared server, and beside it a
// second session that sees what really happened.
func through(t *testing.T, change func(*zkconn.Options)) (conn, witness *zkconn.Conn, proxy *zktest.Proxy) {
	t.Helper()
	server := zktest.Start(t)
	proxy = zktest.StartProxy(t, server.Addr(0))
	root := zktest.Root(t)
	witness = dial(t, []string{server.Addr(0)}, root, nil)
	conn = dial(t, []string{proxy.Addr()}, root, change)
	return conn, witness, proxy
}

func shortSession(o *zkconn.Options) { o.SessionTimeout = time.Second }

func writing(text string) func(zktest.Request) bool {
	return func(r zktest.Request) bool { return bytes.Contains(r.Body, []byte(text)) }
}

func awaitState(t *testing.T, conn *zkconn.Conn, want zkconn.State) {
	t.Helper()
	require.Eventually(t, func() bool { s, _ := conn.State(); return s == want }, patience, 5*time.Millisecond)
}
