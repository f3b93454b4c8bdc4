//go:build hosts

package hosts_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"testing"

	"go.uber.org/goleak"

	"scaleio-framework/internal/zkconn/zktest"
	"scaleio-framework/nodeagent/hosttest"
	"scaleio-framework/test/programs"
)

// zookeeper is the server of all tests.
var zookeeper *zktest.Cluster

func TestMain(m *testing.M) {
	err := hosttest.Missing(hosttest.Ubuntu, hosttest.Rocky)
	if err == nil {
		// The kernel kills the server when the thread ends that made it. Package
		// managers that a test runs outside of its control groups let threads end,
		// but never this one, which is held to the end.
		runtime.LockOSThread()
		zookeeper, err = zktest.Launch(context.Background(), zktest.Options{})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		programs.Remove()
		zookeeper.Close()
		os.Exit(code)
	}))
}
