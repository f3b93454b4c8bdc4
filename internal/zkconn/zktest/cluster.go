package zktest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/internal/procfault"
)

// Cluster is one ZooKeeper server or an ensemble. Its methods are not meant
// for concurrent use.
type Cluster struct {
	opts    Options
	dir     string
	ownDir  bool
	servers []*server
	ports   *freeport.Row
}

// startAttempts is how often a launch draws new free ports: between
// reservation and use a program that asks nobody may take one.
const startAttempts = 3

// Launch starts a cluster and waits until every server serves. ctx bounds
// only the start; the processes live until Close, or the end of the program.
func Launch(ctx context.Context, opts Options) (*Cluster, error) {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return nil, err
	}
	java, classPath, err := findJava()
	if err != nil {
		return nil, err
	}
	c := &Cluster{opts: opts, dir: opts.Dir}
	if c.dir == "" {
		if c.dir, err = os.MkdirTemp("", "zktest-"); err != nil {
			return nil, fmt.Errorf("zktest: %w", err)
		}
		c.ownDir = true
	}
	var errs []error
	for range startAttempts {
		err := c.launch(ctx, java, classPath)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
		c.killAll()
		_ = c.ports.Close()
		if ctx.Err() != nil || len(opts.Ports) > 0 {
			break
		}
	}
	c.Close()
	return nil, errors.Join(errs...)
}

func (c *Cluster) launch(ctx context.Context, java, classPath string) error {
	const each = 4
	var err error
	if c.ports, err = freeport.Reserve(each * c.opts.Servers); err != nil {
		return fmt.Errorf("zktest: %w", err)
	}
	c.servers = nil
	for i := range c.opts.Servers {
		port := c.ports.First + each*i
		s := &server{
			id: i + 1, dir: filepath.Join(c.dir, fmt.Sprintf("zk%d", i+1)), java: java, classPath: classPath,
			client: port, secure: port + 1, peer: port + 2, election: port + 3,
		}
		if len(c.opts.Ports) > 0 {
			s.client = c.opts.Ports[i]
		}
		c.servers = append(c.servers, s)
	}
	for _, s := range c.servers {
		if err := s.configure(c.opts, c.servers); err != nil {
			return fmt.Errorf("zktest: configure server %d: %w", s.id, err)
		}
	}
	if err := c.handOverFiles(); err != nil {
		return err
	}
	for _, s := range c.servers {
		if err := s.start(); err != nil {
			return err
		}
	}
	return c.awaitServing(ctx, c.servers...)
}

// handOverFiles gives the directory to the user that the servers run as.
func (c *Cluster) handOverFiles() error {
	if !runsAsNobody(c.servers[0].dir) {
		return nil
	}
	return filepath.WalkDir(c.dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, nobody, nobody)
	})
}

func (c *Cluster) awaitServing(ctx context.Context, servers ...*server) error {
	ctx, cancel := context.WithTimeout(ctx, c.opts.StartTimeout)
	defer cancel()
	for _, s := range servers {
		if err := s.awaitServing(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Size is the number of servers.
func (c *Cluster) Size() int { return len(c.servers) }

// Addr is the client address of server i, counted from 0.
func (c *Cluster) Addr(i int) string { return c.servers[i].addr() }

// SecureAddr is the encrypted client address of server i.
func (c *Cluster) SecureAddr(i int) string { return fmt.Sprintf("127.0.0.1:%d", c.servers[i].secure) }

// ConnectString lists the client addresses, "127.0.0.1:1,127.0.0.1:2".
func (c *Cluster) ConnectString() string {
	addrs := make([]string, len(c.servers))
	for i, s := range c.servers {
		addrs[i] = s.addr()
	}
	return strings.Join(addrs, ",")
}

// Pid is the process id of server i, or 0 while it does not run.
func (c *Cluster) Pid(i int) int {
	if c.servers[i].cmd == nil {
		return 0
	}
	return c.servers[i].cmd.Process.Pid
}

// Version asks a server for its version, such as "3.8.0".
func (c *Cluster) Version(ctx context.Context) (string, error) {
	var errs []error
	for _, s := range c.servers {
		answer, err := s.ask(ctx, "srvr")
		if rest, ok := strings.CutPrefix(answer, "Zookeeper version: "); err == nil && ok {
			version, _, _ := strings.Cut(rest, "-")
			version, _, _ = strings.Cut(version, ",")
			return version, nil
		}
		errs = append(errs, fmt.Errorf("zktest: server %d: srvr answered %q: %w", s.id, answer, err))
	}
	return "", errors.Join(errs...)
}

// Freeze stops server i as a long pause would: its connections stay open and
// silent. It returns once every thread has stopped.
func (c *Cluster) Freeze(i int) error { return c.fault(i, procfault.Freeze) }

// Thaw lets server i go on.
func (c *Cluster) Thaw(i int) error { return c.fault(i, procfault.Thaw) }

func (c *Cluster) fault(i int, do func(pid int) error) error {
	pid := c.Pid(i)
	if pid == 0 {
		return fmt.Errorf("zktest: server %d is not running", i+1)
	}
	return do(pid)
}

// Kill ends server i with SIGKILL.
func (c *Cluster) Kill(i int) { c.servers[i].stop() }

// Restart starts servers again on their data and ports, and waits until they
// serve. Sessions live on: their timers start anew.
func (c *Cluster) Restart(ctx context.Context, numbers ...int) error {
	var restarted []*server
	for _, i := range numbers {
		s := c.servers[i]
		s.stop()
		if err := s.start(); err != nil {
			return err
		}
		restarted = append(restarted, s)
	}
	return c.awaitServing(ctx, restarted...)
}

// Leader asks the servers which of them leads the ensemble.
func (c *Cluster) Leader(ctx context.Context) (int, error) {
	for i, s := range c.servers {
		// One that does not answer does not lead.
		if answer, err := s.ask(ctx, "srvr"); err == nil && strings.Contains(answer, "Mode: leader") {
			return i, nil
		}
	}
	return 0, errors.New("zktest: no server leads the ensemble")
}

// Serves reports whether server i serves clients.
func (c *Cluster) Serves(ctx context.Context, i int) bool {
	answer, err := c.servers[i].ask(ctx, "srvr")
	return err == nil && strings.Contains(answer, serving)
}

func (c *Cluster) killAll() {
	for _, s := range c.servers {
		s.stop()
	}
}

// Close ends the servers and removes a temporary directory.
func (c *Cluster) Close() {
	c.killAll()
	_ = c.ports.Close()
	if c.ownDir {
		_ = os.RemoveAll(c.dir)
	}
}
