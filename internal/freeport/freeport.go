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
func Find(ip string) (int, error) { return FindRow(ip, 1) }

// FindRow returns the first of some ports in a row, like Find.
func FindRow(ip string, length int) (int, error) {
	var err error
	for range attempts {
		port := first + rand.IntN(last-first+2-length)
		if err = free(ip, port, length); err == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("find a free port of %s from %d to %d: the last of %d attempts: %w", ip, first, last, attempts, err)
}

func free(ip string, port, length int) error {
	for p := port; p < port+length; p++ {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(p)))
		if err != nil {
			return err
		}
		if err := ln.Close(); err != nil {
			return err
		}
	}
	return nil
}
