package procfault_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/procfault"
)

// child makes the test binary a program that tells its clocks when it is asked.
const child = "PROCFAULT_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	started := time.Now()
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		now := time.Now()
		fmt.Println(now.Unix(), now.Sub(started).Seconds())
	}
}

type program struct {
	t    *testing.T
	pid  int
	ask  io.Writer
	hear *bufio.Reader
}

func start(t *testing.T) program {
	t.Helper()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), child+"=1")
	ask, err := cmd.StdinPipe()
	require.NoError(t, err)
	hear, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	})
	return program{t, cmd.Process.Pid, ask, bufio.NewReader(hear)}
}

// clocks are the program's wall clock against ours, and its own since its
// start, in seconds.
func (p program) clocks() (offset, since float64) {
	p.t.Helper()
	_, err := io.WriteString(p.ask, "\n")
	require.NoError(p.t, err)
	line, err := p.hear.ReadString('\n')
	require.NoError(p.t, err)
	var wall int64
	_, err = fmt.Sscan(line, &wall, &since)
	require.NoError(p.t, err)
	return float64(wall - time.Now().Unix()), since
}

// The wall clock jumps, forward, back and right again; the time since the start
// goes on as it did.
func TestSetClock(t *testing.T) {
	p, other := start(t), start(t)
	_, before := p.clocks()
	begun := time.Now()
	for _, offset := range []time.Duration{time.Hour, -2 * time.Hour, 0} {
		require.NoError(t, procfault.SetClock(p.pid, offset))
		for range 100 {
			jumped, since := p.clocks()
			require.InDelta(t, offset.Seconds(), jumped, 5)
			require.InDelta(t, before+time.Since(begun).Seconds(), since, 5)
		}
		untouched, _ := other.clocks()
		require.InDelta(t, 0, untouched, 5)
	}
}

// A frozen process does not answer before it is thawed.
func TestFreeze(t *testing.T) {
	p := start(t)
	p.clocks()
	require.NoError(t, procfault.Freeze(p.pid))
	_, err := io.WriteString(p.ask, "\n")
	require.NoError(t, err)
	answered := make(chan error, 1)
	go func() {
		_, err := p.hear.ReadString('\n')
		answered <- err
	}()
	select {
	case <-answered:
		t.Fatal("a frozen process answered")
	case <-time.After(200 * time.Millisecond):
	}
	require.NoError(t, procfault.Thaw(p.pid))
	require.NoError(t, <-answered)
}

func TestAProcessThatIsGone(t *testing.T) {
	cmd := exec.Command("true")
	require.NoError(t, cmd.Run())
	require.Error(t, procfault.SetClock(cmd.Process.Pid, time.Hour))
	require.Error(t, procfault.Freeze(cmd.Process.Pid))
	require.Error(t, procfault.Thaw(cmd.Process.Pid))
}
