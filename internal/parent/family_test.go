package parent_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/zkconn"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/leader"
)

// patience is for what happens at once on a machine that does nothing else.
const patience = 30 * time.Second

// family is a parent and its worker, with ZooKeeper behind a link of the
// parent's own, and an operator who sees what is stored.
type family struct {
	t         *testing.T
	ctx       context.Context
	zk        zkconn.Options
	link      *zktest.Proxy
	witness   *zkconn.Conn
	within    time.Duration // how long the parent tries to vacate
	cmd       *exec.Cmd
	workerPID int
	stdin     io.WriteCloser
	lines     chan string // of the standard output; closed at its end
	stderr    *text
}

// text is written by a process and read by the test.
type text struct {
	mu   sync.Mutex
	text strings.Builder
}

func (s *text) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *text) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// newFamily starts a parent whose worker leads.
func newFamily(t *testing.T) *family {
	t.Helper()
	f := newScene(t)
	f.lead()
	return f
}

func (f *family) lead() {
	f.t.Helper()
	f.start(f.link.Addr())
	f.expect("leads")
}

func newScene(t *testing.T) *family {
	t.Helper()
	server, root := zktest.Start(t).Addr(0), zktest.Root(t) // the first start takes its time, which is not the test's
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	t.Cleanup(cancel)
	f := &family{
		t: t, ctx: ctx, zk: zkconn.Options{Servers: []string{server}, Root: root, SessionTimeout: 10 * time.Second},
		link: zktest.StartProxy(t, server), within: patience, lines: make(chan string, 100), stderr: &text{},
	}
	witness, err := zkconn.Dial(ctx, f.zk)
	require.NoError(t, err)
	t.Cleanup(witness.Close)
	f.witness = witness
	return f
}

// start starts the parent, which reaches ZooKeeper at an address, and returns
// when its worker stands for election.
func (f *family) start(at string) {
	f.t.Helper()
	self, err := os.Executable()
	require.NoError(f.t, err)
	url := at
	if at != noURL {
		url = "zk://" + at + f.zk.Root
	}
	f.cmd = exec.Command(self)
	f.cmd.Env = append(os.Environ(), workerURL+"=zk://"+f.zk.Servers[0]+f.zk.Root, workerSession+"="+f.zk.SessionTimeout.String(),
		parentURL+"="+url, parentWithin+"="+f.within.String(),
		"GORACE=atexit_sleep_ms=0") // else each of the two lingers for a second at its exit
	f.cmd.Stderr = f.stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	f.stdin, err = f.cmd.StdinPipe()
	require.NoError(f.t, err)
	out, err := f.cmd.StdoutPipe()
	require.NoError(f.t, err)
	require.NoError(f.t, f.cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(f.lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			f.lines <- in.Text()
		}
	}()
	f.t.Cleanup(func() {
		_ = syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL) // what is left of the group
		<-read
		_ = f.cmd.Wait() // it may have been waited for
	})
	_, err = fmt.Sscan(f.expect("stands"), &f.workerPID)
	require.NoError(f.t, err)
}

// expect waits for a line that begins so, and returns the rest.
func (f *family) expect(prefix string) string {
	f.t.Helper()
	for {
		select {
		case line, ok := <-f.lines:
			require.True(f.t, ok, "the program ended without %q: %s", prefix, f.stderr)
			if rest, found := strings.CutPrefix(line, prefix); found {
				return strings.TrimSpace(rest)
			}
		case <-f.ctx.Done():
			require.FailNow(f.t, "not said: "+prefix, "%s", f.stderr)
		}
	}
}

// order tells the worker what to do.
func (f *family) order(text string) {
	f.t.Helper()
	_, err := io.WriteString(f.stdin, text+"\n")
	require.NoError(f.t, err)
}

// ended waits for the parent's end. It returns what the operating system saw
// of it, and the line.
func (f *family) ended() (code int, line string) {
	f.t.Helper()
	_, line, _ = strings.Cut(f.expect("exit"), " ")
	_ = f.cmd.Wait() // its error repeats the code
	return f.cmd.ProcessState.ExitCode(), line
}

func (f *family) kill(pid int, sig syscall.Signal) {
	f.t.Helper()
	require.NoError(f.t, syscall.Kill(pid, sig))
}

// leader is who holds /leader; empty without one.
func (f *family) leader() string {
	f.t.Helper()
	stat, exists, err := f.witness.Exists(f.ctx, leader.PathLeader)
	require.NoError(f.t, err)
	if !exists {
		return ""
	}
	data, _, err := f.witness.Get(f.ctx, leader.PathLeader)
	require.NoError(f.t, err)
	_, rest, _ := strings.Cut(string(data), `"instance": "`)
	name, _, _ := strings.Cut(rest, `"`)
	require.NotZero(f.t, stat.EphemeralOwner)
	return name
}

// standby stands for election until the test ends; the term comes when it won.
func (f *family) standby() <-chan *leader.Term {
	f.t.Helper()
	e, err := leader.New(leader.Options{Conn: f.zk, Card: leader.Card{Instance: "standby"}})
	require.NoError(f.t, err)
	won := make(chan *leader.Term, 1)
	ended := make(chan struct{})
	ctx, cancel := context.WithCancel(f.ctx)
	go func() {
		defer close(ended)
		if term, err := e.Elect(ctx); err == nil {
			won <- term
			<-ctx.Done()
			term.Close()
		}
	}()
	f.t.Cleanup(func() {
		cancel()
		<-ended
	})
	return won
}

// await waits for the standby to win.
func (f *family) await(won <-chan *leader.Term) *leader.Term {
	f.t.Helper()
	select {
	case term := <-won:
		return term
	case <-f.ctx.Done():
		require.FailNow(f.t, "the standby did not win", "%s", f.stderr)
		return nil
	}
}

// alive tells whether a process runs: one that has ended may still wait for
// whoever inherited it.
func alive(pid int) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	return !strings.HasPrefix(rest, "Z") && !strings.HasPrefix(rest, "X")
}

// candidates are the instances whose cards stand.
func (f *family) candidates() []string {
	f.t.Helper()
	names, err := f.witness.Children(f.ctx, leader.PathCandidates)
	require.NoError(f.t, err)
	slices.Sort(names)
	return names
}
