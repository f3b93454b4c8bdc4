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

// Find returns a port of an address that nobody listens on or has reserved. Two
// calls may give the same one as long as nobody listens on it.
func Find(ip string) (port int, err error) {
	err = search(1, func(p int) error {
		port = p
		return free(ip, p)
	})
	return port, err
}

// search tries ports, with room for so many in a row, until one serves.
func search(length int, serves func(port int) error) error {
	var err error
	for range attempts {
		if err = serves(first + rand.IntN(last-first+2-length)); err == nil {
			return nil
		}
	}
	return fmt.Errorf("find a free port from %d to %d: the last of %d attempts: %w", first, last, attempts, err)
}

func free(ip string, port int) error {
	address := net.JoinHostPort(ip, strconv.Itoa(port))
	claim, err := net.ListenPacket("udp", address)
	if err != nil {
		return err // reserved
	}
	defer claim.Close()
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	return ln.Close()
}
