package netfault_test

import (
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/netfault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a program that sends back what it gets, and ends a connection on "bye".
func echo(t *testing.T) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 64)
				for {
					n, err := conn.Read(buffer)
					if err != nil || string(buffer[:n]) == "bye" {
						return
					}
					_, _ = conn.Write(buffer[:n])
				}
			}()
		}
	}()
	t.Cleanup(func() {
		_ = listener.Close()
		<-ended
	})
	return listener.Addr().String()
}

func link(t *testing.T) *netfault.Link {
	t.Helper()
	l, err := netfault.Open(netfault.Options{Target: echo(t)})
	require.NoError(t, err)
	t.Cleanup(l.Close)
	return l
}

type client struct {
	t *testing.T
	net.Conn
}

func dial(t *testing.T, l *netfault.Link) client {
	t.Helper()
	conn, err := net.Dial("tcp", l.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return client{t, conn}
}

func (c client) send(text string) {
	c.t.Helper()
	_, err := io.WriteString(c, text)
	require.NoError(c.t, err)
}

// hear waits for an answer.
func (c client) hear(want string) {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	got := make([]byte, len(want))
	_, err := io.ReadFull(c, got)
	require.NoError(c.t, err)
	require.Equal(c.t, want, string(got))
}

// silent requires that nothing comes, not even the end.
func (c client) silent() {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(100*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(c.t, err, os.ErrDeadlineExceeded)
}

// broken requires that the connection has ended.
func (c client) broken() {
	c.t.Helper()
	require.NoError(c.t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := c.Read(make([]byte, 1))
	require.Error(c.t, err)
	require.NotErrorIs(c.t, err, os.ErrDeadlineExceeded)
}

func TestCutBreaksTheConnectionsOfTheMoment(t *testing.T) {
	l := link(t)
	first := dial(t, l)
	first.send("a")
	first.hear("a")
	l.Cut()
	first.broken()
	second := dial(t, l)
	second.send("b")
	second.hear("b")
}

func TestBlockRefusesUntilUnblock(t *testing.T) {
	l := link(t)
	first := dial(t, l)
	first.send("a")
	first.hear("a")
	l.Block()
	first.broken()
	dial(t, l).broken()
	l.Unblock()
	last := dial(t, l)
	last.send("c")
	last.hear("c")
}

// Nothing passes, the end of a connection as little as what was sent; after
// Thaw all of it arrives.
func TestFreezeHoldsEverything(t *testing.T) {
	l := link(t)
	old := dial(t, l)
	old.send("a")
	old.hear("a")
	ending := dial(t, l)
	ending.send("x")
	ending.hear("x")
	l.Freeze()
	young := dial(t, l)
	old.send("b")
	young.send("c")
	ending.send("bye")
	old.silent()
	young.silent()
	ending.silent()
	l.Thaw()
	old.hear("b")
	young.hear("c")
	ending.broken()
}

// The end of the target is held back as well.
func TestFreezeHoldsTheEndOfTheTarget(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	l, err := netfault.Open(netfault.Options{Target: listener.Addr().String()})
	require.NoError(t, err)
	defer l.Close()
	c := dial(t, l)
	server, err := listener.Accept()
	require.NoError(t, err)
	l.Freeze()
	require.NoError(t, server.Close())
	c.silent()
	l.Thaw()
	c.broken()
}

func TestALinkToNobodyEndsItsConnections(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	l, err := netfault.Open(netfault.Options{Target: listener.Addr().String()})
	require.NoError(t, err)
	defer l.Close()
	dial(t, l).broken()
}

// Close does not wait for what a frozen link holds.
func TestCloseEndsAFrozenLink(t *testing.T) {
	l := link(t)
	c := dial(t, l)
	c.send("a")
	c.hear("a")
	l.Freeze()
	waiting := dial(t, l)
	c.send("b")
	l.Close()
	c.broken()
	waiting.broken()
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := netfault.Open(netfault.Options{})
	require.ErrorContains(t, err, "Target is required")
	l := link(t)
	_, err = netfault.Open(netfault.Options{Listen: l.Addr(), Target: l.Target()})
	require.ErrorContains(t, err, "address already in use")
}
