package listeners_test

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/nodeagent/hostfs"
	"scaleio-framework/nodeagent/listeners"
)

// listen opens a port of an address until the test ends.
func listen(t *testing.T, network, address string) uint16 {
	t.Helper()
	ln, err := net.Listen(network, net.JoinHostPort(address, "0"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ln.Close()) })
	return netip.MustParseAddrPort(ln.Addr().String()).Port()
}

func TestAPortsHolderIsNamed(t *testing.T) {
	network, err := freeport.Claim()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, network.Close()) })
	own, other := netip.MustParseAddr(network.Address(1)), netip.MustParseAddr(network.Address(2))
	for name, c := range map[string]struct{ network, address string }{
		"on the address itself":               {"tcp4", own.String()},
		"on all addresses":                    {"tcp4", "0.0.0.0"},
		"on all addresses of both protocols":  {"tcp", "::"},
		"on an address of version 4 in dress": {"tcp", "::ffff:" + own.String()},
	} {
		t.Run(name, func(t *testing.T) {
			port := listen(t, c.network, c.address)
			held, err := listeners.Of(hostfs.New(""), own, port)
			require.NoError(t, err)
			require.NotNil(t, held)
			require.Equal(t, os.Getpid(), held.PID)
			require.Contains(t, held.String(), held.Command+" (process ")
			require.Equal(t, port, held.At.Port())
		})
	}
	port := listen(t, "tcp4", other.String())
	held, err := listeners.Of(hostfs.New(""), own, port)
	require.NoError(t, err)
	require.Nil(t, held, "another address of the host is another place")
}

// A connection is no listener, and neither is what stands in a table that
// nobody understands.
func TestOnlyListeningSocketsCount(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "proc/net"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "proc/net/tcp"), []byte(
		"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"+
			"   0: 0100000A:1BA0 0200000A:A1B2 01 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n"+
			"   1: 0100000A:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 78 1 0 100 0 0 10 0\n"+
			"   2: nonsense:01BC 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 79 1 0 100 0 0 10 0\n"), 0o644))
	address := netip.MustParseAddr("10.0.0.1")
	held, err := listeners.Of(hostfs.New(root), address, 7072)
	require.NoError(t, err)
	require.Nil(t, held)
	held, err = listeners.Of(hostfs.New(root), address, 443)
	require.NoError(t, err)
	require.Equal(t, "a program that is not to be seen from here, on 10.0.0.1:443", held.String())
	held, err = listeners.Of(hostfs.New(root), address, 444)
	require.NoError(t, err)
	require.Nil(t, held)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("0: 0100007F:1BA0 00000000:0000 0A 0:0 0:0 0 0 0 1\n"))
	f.Add([]byte("0: 0000000000000000FFFF00000100007F:1BA0 x 0A 0:0 0:0 0 0 0 1\n"))
	f.Add([]byte(": : : 0A : : : : : :"))
	f.Fuzz(func(t *testing.T, table []byte) {
		require.LessOrEqual(t, len(listeners.Parse(table)), len(table))
	})
}
