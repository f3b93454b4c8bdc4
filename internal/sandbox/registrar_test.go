package sandbox

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
)

// A ZooKeeper that was away for longer than the master's session takes the
// announcement with it: the master makes it again, and withdraws it in the end.
func TestTheMasterIsAnnouncedAgainAfterItsSessionExpired(t *testing.T) {
	zk := zktest.StartOwn(t, zktest.Options{})
	opts := zkconn.Options{Servers: []string{zk.ConnectString()}, Root: "/mesos", SessionTimeout: time.Second}
	way, err := newLinks(opts.Servers)
	require.NoError(t, err)
	defer way.close()
	r := registrar{opts, map[string]*links{"/scheduler1": way}}
	_, err = r.Register(t.Context(), []byte(`{"id":"m1"}`))
	require.ErrorContains(t, err, "has no address")
	withdraw, err := r.Register(t.Context(), []byte(`{"id":"m1","port":5050,"address":{"ip":"127.0.0.1","port":5050}}`))
	require.NoError(t, err)

	announced := func() ([]string, error) {
		conn, err := zkconn.Dial(t.Context(), opts)
		if err != nil {
			return nil, err
		}
		defer conn.Close()
		return conn.Children(t.Context(), "/scheduler1")
	}
	first, err := announced()
	require.NoError(t, err)
	require.Len(t, first, 1)
	conn, err := zkconn.Dial(t.Context(), opts)
	require.NoError(t, err)
	data, _, err := conn.Get(t.Context(), "/scheduler1/"+first[0])
	require.NoError(t, err)
	conn.Close()
	require.Contains(t, string(data), `"id":"m1"`)
	require.NotContains(t, string(data), "5050", "the scheduler is to take its own link")

	// A thawed server may read what the client sent before it looks at its
	// clock, and then the session lives on: freeze it until it does not.
	replaced := func() bool {
		now, err := announced()
		return err == nil && len(now) == 1 && !slices.Equal(first, now)
	}
	for frozen := 0; !replaced(); frozen++ {
		require.Less(t, frozen, 8, "the session outlives every pause of the server")
		require.NoError(t, zk.Freeze(0))
		time.Sleep(3 * time.Second) // the server's clock of the session goes on
		require.NoError(t, zk.Thaw(0))
		for begun := time.Now(); !replaced() && time.Since(begun) < 4*time.Second; {
			time.Sleep(100 * time.Millisecond)
		}
	}

	withdraw()
	left, err := announced()
	require.NoError(t, err)
	require.Empty(t, left)
}
