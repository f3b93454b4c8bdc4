package netfault_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/netfault"
)

func add(t *testing.T, r *netfault.Route) *netfault.Link {
	t.Helper()
	l, err := r.Open(netfault.Options{Target: echo(t)})
	require.NoError(t, err)
	return l
}

// A route that is broken breaks the links that are added, too.
func TestARouteBreaksItsLinksOfTodayAndTomorrow(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(*netfault.Route)
		shows  func(client)
	}{
		"blocked": {(*netfault.Route).Block, client.broken},
		"frozen":  {(*netfault.Route).Freeze, client.silent},
	} {
		t.Run(name, func(t *testing.T) {
			var r netfault.Route
			defer r.Close()
			old := add(t, &r)
			c.breaks(&r)
			young := add(t, &r)
			c.shows(dial(t, old))
			c.shows(dial(t, young))
			r.Heal()
			for _, l := range []*netfault.Link{old, young, add(t, &r)} {
				healed := dial(t, l)
				healed.send("a")
				healed.hear("a")
			}
		})
	}
}

func TestAClosedRouteOpensNothing(t *testing.T) {
	var r netfault.Route
	l := add(t, &r)
	c := dial(t, l)
	r.Close()
	c.broken()
	_, err := r.Open(netfault.Options{Target: l.Target()})
	require.ErrorContains(t, err, "closed")
}

// A program behind a route listens, to all appearances, where it was told to.
func TestListenIsReachedThroughTheRoute(t *testing.T) {
	var r netfault.Route
	defer r.Close()
	listener, err := r.Listen("127.0.0.2:0")
	require.NoError(t, err)
	addr := listener.Addr().String()
	host, _, err := net.SplitHostPort(addr)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.2", host)
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	server, err := listener.Accept()
	require.NoError(t, err)
	defer server.Close()
	r.Block()
	client{t, conn}.broken()
	r.Heal()
	require.NoError(t, listener.Close())
	_, err = net.Dial("tcp", addr)
	require.Error(t, err, "nobody listens any more")
	again, err := r.Listen(addr)
	require.NoError(t, err)
	require.NoError(t, again.Close())
	_, err = r.Listen("nowhere")
	require.ErrorContains(t, err, "missing port")
}
