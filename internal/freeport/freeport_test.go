package freeport_test

import (
	"net"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/freeport"
)

func TestReservedPortsCanBeListenedOnAndAreGivenToNobodyElse(t *testing.T) {
	seen := map[int]bool{}
	var rows []*freeport.Row
	for range 300 { // so many that some would meet, were they drawn without a look
		row, err := freeport.Reserve(2)
		require.NoError(t, err)
		for _, p := range []int{row.First, row.First + 1} {
			require.False(t, seen[p], p)
			seen[p] = true
		}
		rows = append(rows, row)
	}
	for range 100 {
		port, err := freeport.Find("127.0.0.1")
		require.NoError(t, err)
		require.False(t, seen[port], port)
	}
	for _, p := range []int{rows[0].First, rows[0].First + 1} {
		ln, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(p)))
		require.NoError(t, err)
		require.NoError(t, ln.Close())
	}
	for _, row := range rows {
		require.NoError(t, row.Close())
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
	require.ErrorContains(t, err, "find a free port")
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
