// Package freeport finds ports for programs that are told where to listen: the
// sandbox's and the tests'.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports lie below those that Linux gives to outgoing connections (32768 and
// up, ip_local_port_range), one of which could take a port between the look and
// the program's start.
const first, last = 15000, 32767

// attempts suffice unless almost all ports are taken.
const attempts = 100

// Find returns a port of an address that nobody listens on. Two calls may give
// the same one as long as nobody listens on it.
func Find(ip string) (int, error) {
	var err error
	for range attempts {
		port := first + rand.IntN(last-first+1)
		var ln net.Listener
		if ln, err = net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port))); err == nil {
			return port, ln.Close()
		}
	}
	return 0, fmt.Errorf("find a free port of %s from %d to %d: the last of %d attempts: %w", ip, first, last, attempts, err)
}
