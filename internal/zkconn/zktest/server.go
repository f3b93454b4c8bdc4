package zktest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// nobody is Debian's unprivileged user and, as nogroup, its group. ZooKeeper
// runs as that user when the program runs as root.
const nobody = 65534

// server is one ZooKeeper process.
type server struct {
	id                             int
	dir                            string
	client, secure, peer, election int
	java, classPath                string
	cmd                            *exec.Cmd
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.client) }

// configure writes the server's files.
func (s *server) configure(o Options, all []*server) error {
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	var cfg strings.Builder
	fmt.Fprintf(&cfg, "tickTime=%d\ndataDir=%s\nclientPort=%d\nclientPortAddress=127.0.0.1\n",
		o.TickTime.Milliseconds(), data, s.client)
	cfg.WriteString("admin.enableServer=false\n4lw.commands.whitelist=*\nmaxClientCnxns=0\n")
	if o.TLS != nil {
		cfg.WriteString("serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory\n")
		fmt.Fprintf(&cfg, "secureClientPort=%d\nsecureClientPortAddress=127.0.0.1\nssl.clientAuth=none\n", s.secure)
		fmt.Fprintf(&cfg, "ssl.keyStore.location=%s\nssl.keyStore.type=PEM\n", o.TLS.KeyStore)
		fmt.Fprintf(&cfg, "ssl.trustStore.location=%s\nssl.trustStore.type=PEM\n", o.TLS.TrustStore)
	}
	if len(all) > 1 {
		fmt.Fprintf(&cfg, "initLimit=%d\nsyncLimit=%d\nstandaloneEnabled=false\n", o.ticks(10*time.Second), o.ticks(5*time.Second))
		for _, peer := range all {
			fmt.Fprintf(&cfg, "server.%d=127.0.0.1:%d:%d\n", peer.id, peer.peer, peer.election)
		}
	}
	if err := os.WriteFile(filepath.Join(data, "myid"), fmt.Appendf(nil, "%d\n", s.id), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, "zoo.cfg"), []byte(cfg.String()), 0o644)
}

// start runs the process, without waiting for it to serve.
func (s *server) start() error {
	out, err := os.OpenFile(filepath.Join(s.dir, "out.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	s.cmd = exec.Command(s.java, "-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", //nolint:gosec // fixed arguments
		"-cp", s.dir+":"+s.classPath,
		"org.apache.zookeeper.server.quorum.QuorumPeerMain", filepath.Join(s.dir, "zoo.cfg"))
	s.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}
	s.cmd.Dir = s.dir
	s.cmd.Stdout, s.cmd.Stderr = out, out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if runsAsNobody(s.dir) {
		s.cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("zktest: start java: %w", err)
	}
	return nil
}

// runsAsNobody tells whether a server on that directory gives up root's
// rights: not where a parent is closed to others.
func runsAsNobody(dir string) bool {
	if os.Getuid() != 0 {
		return false
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	for parent := filepath.Dir(filepath.Dir(abs)); ; parent = filepath.Dir(parent) {
		if info, err := os.Stat(parent); err != nil || info.Mode()&0o001 == 0 {
			return false
		}
		if parent == filepath.Dir(parent) {
			return true
		}
	}
}

// stop kills the process, frozen or not, and reaps it.
func (s *server) stop() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// exited reports a process that ended by itself.
func (s *server) exited() bool {
	var info syscall.WaitStatus
	pid, err := syscall.Wait4(s.cmd.Process.Pid, &info, syscall.WNOHANG, nil)
	return err == nil && pid == s.cmd.Process.Pid
}

// serving is in the answer to "srvr" of a server that serves clients.
const serving = "Mode:"

const (
	// answerTime is what a busy machine may need for a word.
	answerTime = 5 * time.Second
	// firstAnswerTime is short, and longer after each word that found a listener
	// and no answer: one that has just begun to listen may never answer.
	firstAnswerTime = 100 * time.Millisecond
)

// awaitServing waits until the server serves clients. "srvr" is asked because
// "ruok" is answered too early.
func (s *server) awaitServing(ctx context.Context) error {
	limit := firstAnswerTime
	for {
		answer, err := s.askWithin(ctx, limit, "srvr")
		if err == nil && strings.Contains(answer, serving) {
			return nil
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			limit = min(2*limit, answerTime)
		}
		if s.exited() {
			return fmt.Errorf("zktest: server %d ended at its start:\n%s", s.id, s.logTail())
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("zktest: server %d does not serve: %w\n%s", s.id, ctx.Err(), s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// ask sends one of ZooKeeper's four letter words.
func (s *server) ask(ctx context.Context, word string) (string, error) {
	return s.askWithin(ctx, answerTime, word)
}

func (s *server) askWithin(ctx context.Context, limit time.Duration, word string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr())
	if err != nil {
		return "", err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, word); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

func (s *server) logTail() string {
	log, err := os.ReadFile(filepath.Join(s.dir, "out.log"))
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
