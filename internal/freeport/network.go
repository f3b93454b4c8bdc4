package freeport

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// claimPort is where a Network shows that it is taken: below the ports that
// Find gives.
const claimPort = first - 1

// Network is addresses of the loopback device, which nobody else that asks
// here has as long as it is open. Hosts that are played on one machine need
// such: a program of theirs listens on its own port of its own host's address.
type Network struct {
	prefix string
	claim  net.Listener
}

// Claim takes a free network: 127.0.1 when it is the only one.
func Claim() (*Network, error) {
	var err error
	for n := 1; n < 254*256; n++ {
		prefix := fmt.Sprintf("127.%d.%d.", n>>8, n&0xff)
		var claim net.Listener
		if claim, err = net.Listen("tcp", net.JoinHostPort(prefix+"254", strconv.Itoa(claimPort))); err == nil {
			return &Network{prefix: prefix, claim: claim}, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	return nil, fmt.Errorf("claim addresses of the loopback device: %w", err)
}

// Address is that of the n-th host, from 1 to 253.
func (n *Network) Address(host int) string { return n.prefix + strconv.Itoa(host) }

// Close gives the addresses back.
func (n *Network) Close() error { return n.claim.Close() }
