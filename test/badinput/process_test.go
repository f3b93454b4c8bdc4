package badinput

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"scaleio-framework/internal/freeport"
	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/test/programs"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zktest.Exit(code)
	}))
}

// process is one program under test and what it prints.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	text strings.Builder
}

func (p *process) Write(data []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.Write(data)
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.text.String()
}

// start runs a program with exactly that environment.
func start(t *testing.T, program string, args, env []string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	p.cmd = exec.CommandContext(ctx, filepath.Join(programs.Dir(t), program), args...)
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = env, p, p
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // its code is asked for by exit
	}()
	t.Cleanup(func() {
		cancel()
		<-p.ended
	})
	return p
}

// exit waits for the end and returns the exit code.
func (p *process) exit(t *testing.T, within time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		require.FailNow(t, "the program did not end", "%s", p.output())
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Signal(sig))
}

// password is one that ScaleIO takes.
const password = "Bad4Input7xyz"

// scheduler is the environment of a scheduler that lacks nothing, and its URL.
func scheduler(t *testing.T, zk string) (env []string, url string) {
	t.Helper()
	free, err := freeport.Find("127.0.0.1")
	require.NoError(t, err)
	port := strconv.Itoa(free)
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte(password), 0o600))
	return []string{
		"HOST=127.0.0.1", "PORT0=" + port, "MESOS_TASK_ID=pair.1",
		"SIO_ZK=" + zk, "SIO_ZK_SESSION=2s", "SIO_MESOS=127.0.0.1:1", "SIO_SCALEIO_PASSWORD_FILE=" + file, "SIO_LOGLEVEL=debug",
	}, "http://127.0.0.1:" + port
}
