package freeport

import (
	"errors"
	"net"
	"strconv"
)

// Row is ports in a row that nobody who asks here gets as long as it is open,
// although nobody may listen on them yet, or at the moment: for programs that
// start late, or that are started anew.
type Row struct {
	// First is the lowest port.
	First  int
	claims []net.PacketConn
}

// Reserve takes so many ports that are free at all addresses. The UDP ports of
// the same numbers, which nothing here uses, show that they are taken.
func Reserve(length int) (*Row, error) {
	var row *Row
	err := search(length, func(port int) (err error) {
		row, err = reserve(port, length)
		return err
	})
	return row, err
}

func reserve(port, length int) (_ *Row, err error) {
	row := &Row{First: port}
	defer func() {
		if err != nil {
			err = errors.Join(err, row.Close())
		}
	}()
	for p := port; p < port+length; p++ {
		address := net.JoinHostPort("", strconv.Itoa(p))
		claim, err := net.ListenPacket("udp", address)
		if err != nil {
			return nil, err
		}
		row.claims = append(row.claims, claim)
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return nil, err
		}
		if err := ln.Close(); err != nil {
			return nil, err
		}
	}
	return row, nil
}

// Close gives the ports back. A nil Row has none.
func (r *Row) Close() error {
	if r == nil {
		return nil
	}
	var errs []error
	for _, claim := range r.claims {
		errs = append(errs, claim.Close())
	}
	return errors.Join(errs...)
}
