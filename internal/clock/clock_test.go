package clock_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"scaleio-framework/internal/clock"
	"scaleio-framework/internal/procfault"
)

// child makes the test binary a program that tells a clock's time, and the wall
// clock's, when it is asked.
const child = "CLOCK_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(child) == "" {
		os.Exit(m.Run())
	}
	now := clock.Start()
	for questions := bufio.NewScanner(os.Stdin); questions.Scan(); {
		fmt.Println(now().Unix(), time.Now().Unix())
	}
}

func TestItGoesOnInUTCAndWholeMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		now := clock.Start()
		time.Sleep(90*time.Second + 400*time.Microsecond)
		require.Equal(t, began.Add(90*time.Second).UTC().Round(0), now(), "a record read back is equal")
	})
}

// A wall clock that is set moves it by nothing.
func TestItDoesNotFollowAWallClockThatIsSet(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), child+"=1")
	ask, err := cmd.StdinPipe()
	require.NoError(t, err)
	answers, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
	}()
	hear := bufio.NewReader(answers)
	read := func() (shown, wall int64) {
		_, err := io.WriteString(ask, "\n")
		require.NoError(t, err)
		line, err := hear.ReadString('\n')
		require.NoError(t, err)
		_, err = fmt.Sscan(line, &shown, &wall)
		require.NoError(t, err)
		return shown, wall
	}
	read()
	for _, offset := range []time.Duration{time.Hour, -time.Hour} {
		require.NoError(t, procfault.SetClock(cmd.Process.Pid, offset))
		shown, wall := read()
		require.InDelta(t, time.Now().Add(offset).Unix(), wall, 60, "the wall clock was not set")
		require.InDelta(t, time.Now().Unix(), shown, 60)
	}
}
