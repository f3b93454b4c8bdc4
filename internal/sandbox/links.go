package sandbox

import (
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"

	"scaleio-framework/internal/netfault"
)

// links are the ways from one scheduler to what it depends on, which can be
// broken for it alone: each scheduler gets addresses of its own.
type links struct {
	zookeeper, mesos netfault.Route
	servers          string // of ZooKeeper, as this scheduler reaches them
}

func newLinks(servers []string) (*links, error) {
	l := &links{}
	var addrs []string
	for _, server := range servers {
		link, err := l.zookeeper.Open(netfault.Options{Target: server})
		if err != nil {
			l.close()
			return nil, err
		}
		addrs = append(addrs, link.Addr())
	}
	l.servers = strings.Join(addrs, ",")
	return l, nil
}

func (l *links) close() {
	l.zookeeper.Close()
	l.mesos.Close()
}

// redirected is the announcement of a master with the address of a new link to
// it in the place of its own. A scheduler follows the announcement alone: the
// double's masters redirect nobody, because one that does not lead is dead.
func (l *links) redirected(announcement []byte) ([]byte, error) {
	var info map[string]any
	if err := json.Unmarshal(announcement, &info); err != nil {
		return nil, fmt.Errorf("sandbox: read the master's announcement: %w", err)
	}
	address, ok := info["address"].(map[string]any)
	if !ok {
		return nil, fmt.Errorf("sandbox: the master's announcement has no address: %s", announcement)
	}
	target := fmt.Sprintf("%v:%v", address["ip"], address["port"])
	link, err := l.mesos.Open(netfault.Options{Target: target})
	if err != nil {
		return nil, err
	}
	host, text, err := net.SplitHostPort(link.Addr())
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return nil, err
	}
	address["ip"], address["port"], info["port"] = host, port, port
	return json.Marshal(info)
}
