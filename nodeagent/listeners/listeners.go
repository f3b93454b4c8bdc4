// Package listeners tells which program of a host listens on a TCP port, from
// the kernel's tables in /proc, so that nothing has to be installed for it.
package listeners

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"scaleio-framework/nodeagent/hostfs"
)

// Holder is a program that listens.
type Holder struct {
	// At is the address that it listens on; 0.0.0.0 and :: stand for all.
	At netip.AddrPort
	// PID and Command are those of the program; 0 and empty when it could not
	// be found, as for one in a container.
	PID     int
	Command string
}

// String names the holder as an operator looks for it.
func (h Holder) String() string {
	if h.PID == 0 {
		return fmt.Sprintf("a program that is not to be seen from here, on %s", h.At)
	}
	return fmt.Sprintf("%s (process %d), on %s", h.Command, h.PID, h.At)
}

// tables are the kernel's, of this network namespace.
func tables() []string { return []string{"/proc/net/tcp", "/proc/net/tcp6"} }

// Of returns who keeps a program from listening on a port of an address: it
// listens there, or on all addresses. Nobody is nil. A host that is a directory
// has the machine's network.
func Of(root hostfs.Root, address netip.Addr, port uint16) (*Holder, error) {
	if !root.Exists("/proc/net/tcp") {
		root = hostfs.New("")
	}
	for _, table := range tables() {
		data, there, err := root.ReadIfThere(table)
		if err != nil {
			return nil, fmt.Errorf("who listens: %w", err)
		}
		if !there {
			continue // a kernel without IPv6
		}
		for _, s := range Parse(data) {
			if s.at.Port() == port && (s.at.Addr() == address || s.at.Addr().IsUnspecified()) {
				return holder(root, s), nil
			}
		}
	}
	return nil, nil
}

// Socket is one that listens.
type Socket struct {
	at    netip.AddrPort
	inode string
}

// listening is the state of such a socket in the tables, TCP_LISTEN.
const listening = "0A"

// Parse reads the listening sockets of a table. Lines that are none are left
// out, as the title is.
func Parse(table []byte) []Socket {
	var sockets []Socket
	for line := range strings.Lines(string(table)) {
		// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
		fields := strings.Fields(line)
		if len(fields) < 10 || fields[3] != listening {
			continue
		}
		if at, ok := parseAddress(fields[1]); ok {
			sockets = append(sockets, Socket{at: at, inode: fields[9]})
		}
	}
	return sockets
}

// parseAddress reads 0100007F:1BA0. Each four bytes of an address are in the
// machine's order, which is the little end first wherever ScaleIO runs.
func parseAddress(text string) (netip.AddrPort, bool) {
	host, port, ok := strings.Cut(text, ":")
	if !ok {
		return netip.AddrPort{}, false
	}
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	address, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(address.Unmap(), uint16(number)), ok
}

// holder looks for the process that has the socket among its open files.
func holder(root hostfs.Root, s Socket) *Holder {
	found := &Holder{At: s.at}
	entries, err := root.ReadDir("/proc")
	if err != nil {
		return found
	}
	want := "socket:[" + s.inode + "]"
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil || !holds(root.Path(filepath.Join("/proc", entry.Name(), "fd")), want) {
			continue
		}
		name, err := root.ReadFile(filepath.Join("/proc", entry.Name(), "comm"))
		if err != nil {
			continue // it has ended
		}
		found.PID, found.Command = pid, strings.TrimSpace(string(name))
		break
	}
	return found
}

func holds(dir, want string) bool {
	files, err := os.ReadDir(dir)
	if err != nil {
		return false // it has ended, or is not ours to look at
	}
	return slices.ContainsFunc(files, func(f fs.DirEntry) bool {
		target, err := os.Readlink(filepath.Join(dir, f.Name()))
		return err == nil && target == want
	})
}
