package scaleiotest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
)

// portsOf are the TCP ports that the program of a unit listens on. An MDM has
// that of the MDM cluster before it is in one. The gateway's are its
// configuration's.
func portsOf(unit string) []int {
	switch unit {
	case "mdm":
		return []int{9011}
	case "sds":
		return []int{7072}
	case "lia":
		return []int{9099}
	}
	return nil
}

// openPorts listens on each port of an address and hangs up on whoever calls.
// What it returns ends that.
func openPorts(ip string, ports []int) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	for _, port := range ports {
		ln, err := net.Listen("tcp", net.JoinHostPort(ip, strconv.Itoa(port)))
		if err != nil {
			stop()
			return nil, err
		}
		end := make(chan struct{})
		go func() {
			defer close(end)
			hangUp(ln)
		}()
		stops = append(stops, func() {
			_ = ln.Close()
			<-end
		})
	}
	return stop, nil
}

func hangUp(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			_ = c.Close()
		}
	}
}

// openUnit opens the ports of a unit, if they are not open. The program of a
// machine opens its own. The caller holds the lock.
func (s *System) openUnit(h *host, unit string) error {
	if !s.opt.Ports || s.closed || h.down || h.root == "" || h.listen != nil || h.ports[unit] != nil || portsOf(unit) == nil {
		return nil
	}
	stop, err := openPorts(h.ip, portsOf(unit))
	if err != nil {
		return fmt.Errorf("%s of %s: %w", unit, h.name, err)
	}
	h.ports[unit] = stop
	return nil
}

// closeUnit closes the ports of a unit.
func (h *host) closeUnit(unit string) {
	if stop := h.ports[unit]; stop != nil {
		stop()
		delete(h.ports, unit)
	}
}

// closeUnits closes the ports of all units.
func (h *host) closeUnits() {
	for unit := range h.ports {
		h.closeUnit(unit)
	}
}

// openHere opens the ports of the program that runs, for all addresses of its
// machine.
func openHere(unit string, stderr io.Writer) (stop func(), ok bool) {
	stop, err := openPorts("0.0.0.0", portsOf(unit))
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", unit, err)
	}
	return stop, err == nil
}

// StopListening closes the ports of a service that goes on running, until it is
// started again.
func (s *System) StopListening(hostname, unit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.hostNamed(hostname); h != nil {
		h.closeUnit(unit)
	}
}

// httpPort is what a gateway's file says of HTTP, where nobody listens here.
func httpPort(https int) int {
	if https == 0 {
		return 0
	}
	return https + 1
}
