package mesostest

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Follower is a master that does not lead: it redirects to the leader that it believes in.
type Follower struct {
	server *server
}

// URL is where the follower listens, without a path.
func (f *Follower) URL() string { return "http://" + f.server.addr }

// AddFollower starts a master that does not lead. It never becomes the leader itself.
func (c *Cluster) AddFollower() (*Follower, error) {
	host, _, err := net.SplitHostPort(c.opts.Addr)
	if err != nil {
		return nil, fmt.Errorf("mesostest: Options.Addr: %w", err)
	}
	listener, err := net.Listen("tcp4", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("mesostest: a follower cannot listen on %s: %w", host, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state != clusterRunning {
		return nil, errors.Join(errors.New("mesostest: the cluster is not running"), listener.Close())
	}
	follower := &Follower{server: c.serve(listener, http.HandlerFunc(c.handleFollower))}
	c.followers = append(c.followers, follower)
	return follower, nil
}

// ForgetLeader makes the followers answer 503 `No leader elected` until the next election, as they do once ZooKeeper has
// told them of the leader's death.
func (c *Cluster) ForgetLeader() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.leader = ""
}

func (c *Cluster) handleFollower(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/master")
	switch path {
	case "/health":
		ok(w, r)
		return
	case "/version":
		writeVersion(w, r)
		return
	}
	c.mu.Lock()
	leader := c.leader
	c.mu.Unlock()
	switch {
	case leader == "":
		(&refusal{status: http.StatusServiceUnavailable, text: "No leader elected"}).write(w)
	case path == "/redirect":
		redirect(w, location(leader, ""))
	default:
		redirect(w, location(leader, "/master"+path))
	}
}
