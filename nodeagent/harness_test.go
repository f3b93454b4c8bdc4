package nodeagent_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/nodeproto"
	"scaleio-framework/internal/redact"
	"scaleio-framework/nodeagent"
	"scaleio-framework/scaleio/scaleiotest"
)

// patience bounds every wait; a busy machine runs many tests.
const patience = 20 * time.Second

// processVar makes the test binary a node agent of its own, so that it can be
// killed.
const processVar = "SIO_TEST_NODEAGENT"

func TestMain(m *testing.M) {
	if os.Getenv(processVar) != "" {
		os.Exit(agentProcess())
	}
	goleak.VerifyTestMain(m)
}

// agentProcess is a node agent that takes commands in base64 lines and writes
// envelopes as lines.
func agentProcess() int {
	t := &pipe{out: os.Stdout}
	agent, err := nodeagent.New(options(os.Getenv("SIO_HOST_ROOT"), os.Getenv("SIO_TOOLS"), t))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		lines := bufio.NewScanner(os.Stdin)
		for lines.Scan() {
			if data, err := base64.StdEncoding.DecodeString(lines.Text()); err == nil {
				agent.HandleMessage(data)
			}
		}
	}()
	if err := agent.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func options(root, tools string, t nodeagent.Transport) nodeagent.Options {
	return nodeagent.Options{
		Name: "test", HostRoot: root, Tools: tools, Address: "127.0.3.9", Version: "test",
		AliveEvery: time.Minute, InventoryEvery: time.Minute, Transport: t,
		MesosVersion: func(context.Context) (string, error) { return "1.12.0", nil }, Logger: hclog.NewNullLogger(),
	}
}

// pipe is a transport that writes lines: U for updates, M for messages.
type pipe struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *pipe) Update(_ context.Context, data []byte) error { return p.line("U", data) }

func (p *pipe) Send(_ context.Context, data []byte) error { return p.line("M", data) }

func (p *pipe) line(kind string, data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := fmt.Fprintf(p.out, "%s %s\n", kind, data)
	return err
}

// sent is an envelope that left a node agent.
type sent struct {
	update bool
	nodeproto.Envelope
}

// leader is the other side: it collects what a node agent says.
type leader struct {
	t    *testing.T
	mu   sync.Mutex
	all  []sent
	raw  strings.Builder
	news chan struct{}
	next int
}

func newLeader(t *testing.T) *leader { return &leader{t: t, news: make(chan struct{}, 1)} }

func (l *leader) Update(_ context.Context, data []byte) error { return l.take(true, data) }

func (l *leader) Send(_ context.Context, data []byte) error { return l.take(false, data) }

func (l *leader) take(update bool, data []byte) error {
	e, err := nodeproto.ParseEnvelope(data)
	if err != nil {
		l.t.Errorf("envelope %s: %v", data, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, sent{update: update, Envelope: e})
	l.raw.Write(data)
	select {
	case l.news <- struct{}{}:
	default:
	}
	return nil
}

// read takes the lines of an agent process.
func (l *leader) read(from io.Reader) {
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		kind, data, _ := strings.Cut(lines.Text(), " ")
		_ = l.take(kind == "U", []byte(data))
	}
}

// wait returns the first envelope after those returned before that fits.
func (l *leader) wait(what string, fits func(sent) bool) sent {
	l.t.Helper()
	deadline := time.After(patience)
	for {
		l.mu.Lock()
		for l.next < len(l.all) {
			s := l.all[l.next]
			l.next++
			if fits(s) {
				l.mu.Unlock()
				return s
			}
		}
		heard := l.raw.String()
		l.mu.Unlock()
		select {
		case <-l.news:
		case <-deadline:
			require.FailNow(l.t, "the node agent did not say: "+what, heard)
		}
	}
}

func (l *leader) report(state nodeproto.ReportState) sent {
	l.t.Helper()
	return l.wait("report "+string(state), func(s sent) bool { return s.Report != nil && s.Report.State == state })
}

func (l *leader) refusal(reason nodeproto.RefusalReason) sent {
	l.t.Helper()
	return l.wait("refusal "+string(reason), func(s sent) bool { return s.Refusal != nil && s.Refusal.Reason == reason })
}

func (l *leader) key() string {
	l.t.Helper()
	return l.wait("inventory", func(s sent) bool { return s.Inventory != nil }).Inventory.PublicKey
}

func (l *leader) heard() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.raw.String()
}

// host is a directory with stand-in tools that files in it steer: a package is
// installed when installed-<name> exists; apt-get waits for the file release.
type host struct {
	t           *testing.T
	root, tools string
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t, root: t.TempDir(), tools: t.TempDir()}
	require.NoError(t, scaleiotest.PrepareHost(h.root, scaleiotest.HostSpec{Hostname: "a", IP: "127.0.3.9"}))
	h.tool("dpkg-query", `for p; do :; done; [ -e "$SIO_HOST_ROOT/installed-$p" ] && echo "install ok installed 1.0" || exit 1`)
	h.tool("dpkg", "exit 0")
	h.tool("apt-get", `case " $* " in *" install "*) ;; *) exit 1 ;; esac
echo $$ >> "$SIO_HOST_ROOT/apt-get.pids"
(while :; do sleep 1; done) &
echo $! >> "$SIO_HOST_ROOT/apt-get.pids"
while [ ! -e "$SIO_HOST_ROOT/release" ]; do sleep 0.02; done
kill $!
for p; do :; done; : > "$SIO_HOST_ROOT/installed-$p"`)
	h.tool("systemctl", `echo active`)
	t.Setenv("SIO_HOST_ROOT", h.root)
	t.Setenv("GORACE", "atexit_sleep_ms=0")
	return h
}

func (h *host) tool(name, script string) {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(filepath.Join(h.tools, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755))
}

func (h *host) touch(name string) {
	h.t.Helper()
	require.NoError(h.t, os.WriteFile(filepath.Join(h.root, name), nil, 0o644))
}

func (h *host) exists(name string) bool {
	_, err := os.Stat(filepath.Join(h.root, name))
	return err == nil
}

func (h *host) state() string { return filepath.Join(h.root, "var/lib/scaleio-framework/test") }

// processes are the programs that the slow tool started.
func (h *host) processes(n int) []string {
	h.t.Helper()
	var pids []string
	require.Eventually(h.t, func() bool {
		data, err := os.ReadFile(filepath.Join(h.root, "apt-get.pids"))
		pids = strings.Fields(string(data))
		return err == nil && len(pids) >= n
	}, patience, 10*time.Millisecond)
	return pids
}

func (h *host) requireEnded(pids []string) {
	h.t.Helper()
	for _, pid := range pids {
		require.Eventually(h.t, func() bool {
			data, err := os.ReadFile(filepath.Join("/proc", pid, "stat"))
			return err != nil || strings.Contains(string(data), ") Z ")
		}, patience, 10*time.Millisecond, "process %s lives", pid)
	}
}

// agent runs a node agent inside the test until the returned stop.
func (h *host) agent(l *leader) (*nodeagent.Agent, func()) {
	h.t.Helper()
	a, err := nodeagent.New(options(h.root, h.tools, l))
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	var once sync.Once
	stop := func() {
		once.Do(func() {
			cancel()
			require.NoError(h.t, <-ended)
		})
	}
	h.t.Cleanup(stop)
	return a, stop
}

// process is a node agent that can be killed.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	read chan struct{}
}

func (h *host) process(l *leader) *process {
	h.t.Helper()
	self, err := os.Executable()
	require.NoError(h.t, err)
	p := &process{cmd: exec.Command(self), read: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), processVar+"=1", "SIO_TOOLS="+h.tools)
	p.cmd.Stderr = os.Stderr
	p.in, err = p.cmd.StdinPipe()
	require.NoError(h.t, err)
	out, err := p.cmd.StdoutPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, p.cmd.Start())
	go func() {
		defer close(p.read)
		l.read(out)
	}()
	h.t.Cleanup(p.kill)
	return p
}

func (p *process) HandleMessage(data []byte) {
	_, _ = fmt.Fprintln(p.in, base64.StdEncoding.EncodeToString(data))
}

// kill is kill -9.
func (p *process) kill() {
	if p.cmd.ProcessState != nil {
		return
	}
	_ = p.cmd.Process.Kill()
	<-p.read
	_ = p.cmd.Wait()
}

// command builds a run command.
func command(epoch uint64, step string, attempt int, params any) nodeproto.Command {
	raw, err := json.Marshal(params)
	if err != nil {
		panic(err)
	}
	return nodeproto.Command{
		V: nodeproto.Version, Epoch: epoch, Kind: nodeproto.Run, Step: step, Attempt: attempt,
		Params: raw, Digest: nodeproto.DigestOf(step, raw),
	}
}

func data(c nodeproto.Command) []byte {
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return raw
}

// slow is the step that waits for the file release.
func slow(epoch uint64, attempt int) nodeproto.Command {
	return command(epoch, nodeproto.StepPrerequisites, attempt, nodeproto.PrerequisitesParams{Packages: []string{"thing"}})
}

func sealed(t *testing.T, key string, c nodeproto.Command, secrets map[string]string) nodeproto.Command {
	t.Helper()
	hidden := map[string]redact.Secret{}
	for name, text := range secrets {
		hidden[name] = redact.New(text)
	}
	box, err := nodeproto.Seal(key, hidden)
	require.NoError(t, err)
	c.Sealed = box
	return c
}
