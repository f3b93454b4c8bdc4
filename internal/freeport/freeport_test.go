package freeport_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/freeport"
)

func TestPortsInARowAreFree(t *testing.T) {
	port, err := freeport.FindRow("127.0.0.1", 2)
	require.NoError(t, err)
	for _, p := range []int{port, port + 1} {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		require.NoError(t, err)
		require.NoError(t, ln.Close())
	}
}

func TestAFoundPortCanBeListenedOnAndIsNoOutgoingConnections(t *testing.T) {
	for range 50 {
		port, err := freeport.Find("127.0.0.1")
		require.NoError(t, err)
		require.Less(t, port, 32768)
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, ln.Close()) })
	}
}

func TestAnAddressOfAnotherMachineHasNone(t *testing.T) {
	_, err := freeport.Find("192.0.2.1")
	require.ErrorContains(t, err, "find a free port of 192.0.2.1")
}

func TestNobodyElseHasAClaimedNetwork(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		network, err := freeport.Claim()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, network.Close()) })
		address := network.Address(1)
		require.False(t, seen[address], address)
		seen[address] = true
		require.True(t, net.ParseIP(address).IsLoopback())
		ln, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		require.NoError(t, err)
		require.NoError(t, ln.Close())
	}
}
