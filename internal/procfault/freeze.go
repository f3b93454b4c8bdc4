package procfault

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// freezeTimeout bounds the wait for a process to stop.
const freezeTimeout = 10 * time.Second

// Freeze stops a process as a long pause would (SIGSTOP). It returns once every
// thread has stopped: the signal alone leaves a busy process time to answer.
func Freeze(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		return fmt.Errorf("procfault: stop process %d: %w", pid, err)
	}
	deadline := time.Now().Add(freezeTimeout)
	for !stopped(pid) {
		if time.Now().After(deadline) {
			return fmt.Errorf("procfault: process %d has not stopped within %s", pid, freezeTimeout)
		}
		runtime.Gosched()
	}
	return nil
}

// Thaw lets a process go on.
func Thaw(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		return fmt.Errorf("procfault: continue process %d: %w", pid, err)
	}
	return nil
}

// stopped reports whether all threads of a process are in state T.
func stopped(pid int) bool {
	stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(stats) == 0 {
		return false
	}
	for _, name := range stats {
		data, err := os.ReadFile(name)
		if err != nil {
			return false
		}
		// The state follows the program's name, which stands in parentheses.
		_, rest, ok := strings.Cut(string(data), ") ")
		if !ok || !strings.HasPrefix(rest, "T") {
			return false
		}
	}
	return true
}
